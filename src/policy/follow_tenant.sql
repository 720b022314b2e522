-- Tenants' schemas that the command renamed; and one that was made again, which is the tenant's by its name.
UPDATE tenant_guard.tenant_schema t
SET slug = n.nspname, schema_oid = n.oid
FROM pg_catalog.pg_event_trigger_ddl_commands() d
JOIN pg_catalog.pg_namespace n ON n.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND t.origin = tenant_guard.origin()
  AND ((t.schema_oid = n.oid AND t.slug <> n.nspname) OR (t.schema_oid <> n.oid AND t.slug = n.nspname))
