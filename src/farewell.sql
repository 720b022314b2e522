-- What the extension made for the user and leaves behind.
SELECT pg_catalog.json_build_object(
  'protected_tables', (SELECT count(DISTINCT p.polrelid) FROM pg_catalog.pg_policy p WHERE p.polname = 'tenant_guard_tenant'),
  'audited_tables', (SELECT count(DISTINCT t.tgrelid) FROM pg_catalog.pg_trigger t WHERE t.tgname = 'tenant_guard_audit_row' AND t.tgfoid = 'tenant_guard.audit_row()'::pg_catalog.regprocedure),
  'tenant_schemas', (SELECT count(*) FROM tenant_guard.tenant_schema),
  'tenant_roles', (SELECT count(*) FROM tenant_guard.tenant_schema WHERE role_created),
  'audit_events', EXISTS (SELECT FROM tenant_guard.audit_event)
)::pg_catalog.text
-- Nobody else is told: they may not drop it anyway.
WHERE EXISTS (SELECT FROM pg_catalog.pg_extension e
              JOIN pg_catalog.pg_roles r ON r.rolname = $1
              WHERE e.extname = 'tenant_guard' AND pg_catalog.pg_has_role(r.oid, e.extowner, 'USAGE'))
