-- $3 the destination
SELECT d::pg_catalog.text FROM tenant_guard.destination d
WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND d.name = $3
