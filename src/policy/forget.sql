-- Registered tables that were dropped.
DELETE FROM tenant_guard.protection p
USING pg_catalog.pg_event_trigger_dropped_objects() d
WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
  AND p.origin = tenant_guard.origin() AND p.table_oid = d.objid
