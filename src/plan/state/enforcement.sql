-- $1 schema
SELECT pg_catalog.concat_ws(' ', e.mode, e.options)
FROM tenant_guard.enforcement e
WHERE e.schema_name = $1 AND $2 IS NOT NULL AND $3 IS NOT NULL
