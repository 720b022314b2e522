-- What tenant schema $1 still has otherwise than its template, but for what was told beforehand ($2, a JSON
-- array of kinds and names); no row when all is well.
SELECT DISTINCT d.object_type || ' ' || d.object
FROM tenant_guard.tenant_drift($1) d
WHERE d.object_type || ' ' || d.object NOT IN (SELECT t FROM pg_catalog.json_array_elements_text($2::pg_catalog.json) t)
