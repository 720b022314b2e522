-- The same for the tenants' schemas.
UPDATE tenant_guard.tenant_schema t
SET origin = tenant_guard.origin(), schema_oid = n.oid
FROM pg_catalog.pg_namespace n
WHERE t.origin IS DISTINCT FROM tenant_guard.origin() AND n.nspname = t.slug
