-- $1 slug
SELECT t::pg_catalog.text FROM tenant_guard.tenant_schema t
WHERE t.slug = $1 AND $2 IS NOT NULL AND $3 IS NOT NULL
