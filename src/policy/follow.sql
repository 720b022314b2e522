-- Registered tables that the command renamed, moved or gave to another owner, by themselves or with their schema.
UPDATE tenant_guard.protection p
SET table_schema = n.nspname, table_name = c.relname, table_owner = pg_catalog.pg_get_userbyid(c.relowner)
FROM pg_catalog.pg_event_trigger_ddl_commands() d
JOIN pg_catalog.pg_class c
  ON (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid)
  OR (d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND c.relnamespace = d.objid AND d.command_tag = 'ALTER SCHEMA')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.origin = tenant_guard.origin() AND p.table_oid = c.oid
  AND (p.table_schema, p.table_name, p.table_owner) IS DISTINCT FROM (n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner))
