-- $3 the tenant
SELECT a::pg_catalog.text FROM tenant_guard.destination_assignment a
WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND a.tenant = $3
