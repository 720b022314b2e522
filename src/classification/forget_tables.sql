-- Registered columns of tables that were dropped.
DELETE FROM tenant_guard.column_class k
USING pg_catalog.pg_event_trigger_dropped_objects() d
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
  AND k.origin = tenant_guard.origin() AND k.table_oid = d.objid
