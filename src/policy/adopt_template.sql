-- And for their templates.
UPDATE tenant_guard.template_version v
SET origin = tenant_guard.origin(), schema_oid = n.oid
FROM pg_catalog.pg_namespace n
WHERE v.origin <> tenant_guard.origin() AND n.nspname = v.template
