-- Registered columns that the command dropped, here or in a table above.
WITH RECURSIVE touched(oid) AS (
  SELECT d.objid FROM pg_catalog.pg_event_trigger_ddl_commands() d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  UNION
  SELECT i.inhrelid FROM touched JOIN pg_catalog.pg_inherits i ON i.inhparent = touched.oid
)
DELETE FROM tenant_guard.column_class k
USING touched
JOIN pg_catalog.pg_attribute a ON a.attrelid = touched.oid AND a.attisdropped
WHERE k.origin = tenant_guard.origin() AND k.table_oid = a.attrelid AND k.attribute = a.attnum
