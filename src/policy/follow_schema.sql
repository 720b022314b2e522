-- Watched schemas that the command renamed; and one that was made again, which is watched by its name.
UPDATE tenant_guard.enforcement e
SET schema_name = n.nspname, schema_oid = n.oid
FROM pg_catalog.pg_event_trigger_ddl_commands() d
JOIN pg_catalog.pg_namespace n ON n.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND e.origin = tenant_guard.origin()
  AND ((e.schema_oid = n.oid AND e.schema_name <> n.nspname) OR (e.schema_oid <> n.oid AND e.schema_name = n.nspname))
