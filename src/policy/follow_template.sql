-- Templates that the command renamed, in the registrations of their tenants and in the ledger.
WITH renamed AS (
  UPDATE tenant_guard.template_version v
  SET template = n.nspname
  FROM pg_catalog.pg_event_trigger_ddl_commands() d
  JOIN pg_catalog.pg_namespace n ON n.oid = d.objid
  WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND v.origin = tenant_guard.origin()
    AND v.schema_oid = n.oid AND v.template <> n.nspname
    AND NOT EXISTS (SELECT FROM tenant_guard.template_version o WHERE o.template = n.nspname)
  RETURNING v.schema_oid, n.nspname
)
UPDATE tenant_guard.tenant_schema t
SET template = r.nspname
FROM renamed r
WHERE t.template IN (SELECT v.template FROM tenant_guard.template_version v WHERE v.schema_oid = r.schema_oid AND v.template <> r.nspname)
