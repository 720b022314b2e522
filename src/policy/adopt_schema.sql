-- The same for the schemas that are watched.
UPDATE tenant_guard.enforcement e
SET origin = tenant_guard.origin(), schema_oid = n.oid
FROM pg_catalog.pg_namespace n
WHERE e.origin <> tenant_guard.origin() AND n.nspname = e.schema_name
