-- $3 the row's name
SELECT s::pg_catalog.text FROM tenant_guard.claim_source s
WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND s.name = $3
