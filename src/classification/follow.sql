-- Registered columns whose table the command renamed, moved or gave to another owner, by itself or with its schema;
-- or that it renamed, here or in a table above.
WITH RECURSIVE touched(oid) AS (
  SELECT c.oid
  FROM pg_catalog.pg_event_trigger_ddl_commands() d
  JOIN pg_catalog.pg_class c
    ON (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid)
    OR (d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND c.relnamespace = d.objid AND d.command_tag = 'ALTER SCHEMA')
  UNION
  SELECT i.inhrelid FROM touched JOIN pg_catalog.pg_inherits i ON i.inhparent = touched.oid
)
UPDATE tenant_guard.column_class k
SET table_schema = n.nspname, table_name = c.relname, table_owner = pg_catalog.pg_get_userbyid(c.relowner), column_name = a.attname
FROM touched
JOIN pg_catalog.pg_class c ON c.oid = touched.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
WHERE k.origin = tenant_guard.origin() AND k.table_oid = c.oid AND k.attribute = a.attnum
  AND (k.table_schema, k.table_name, k.table_owner, k.column_name)
      IS DISTINCT FROM (n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner), a.attname)
