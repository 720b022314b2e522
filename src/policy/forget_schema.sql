-- Watched schemas that were dropped.
DELETE FROM tenant_guard.enforcement e
USING pg_catalog.pg_event_trigger_dropped_objects() d
WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
  AND e.origin = tenant_guard.origin() AND e.schema_oid = d.objid
