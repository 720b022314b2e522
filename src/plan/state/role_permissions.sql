-- $3 the role
SELECT r::pg_catalog.text FROM tenant_guard.role_permission r
WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND r.role = $3
