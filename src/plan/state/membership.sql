-- the one registered row
SELECT m::pg_catalog.text FROM tenant_guard.membership m
WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND $3 IS NOT NULL
