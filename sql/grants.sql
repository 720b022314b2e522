-- Runs last. PUBLIC may call the helpers and read what the policies let it; functions that decide
-- for the whole database are for administrators. Supabase-style databases grant EXECUTE to the API
-- roles by default privileges, so it is taken from them by name too.
GRANT USAGE ON SCHEMA tenant_guard TO PUBLIC;
GRANT SELECT ON tenant_guard.change, tenant_guard.change_step, tenant_guard.audit_event, tenant_guard.audit_log,
  tenant_guard.tenant_schema, tenant_guard.tenant_schemas TO PUBLIC;

DO $$
DECLARE
  administrative regprocedure[] := ARRAY[
    'tenant_guard.use_membership(regclass, name, name, name, boolean)',
    'tenant_guard.register_membership(name, name, name, name, name)',
    'tenant_guard.audit_row()',
    'tenant_guard.audit_truncate()',
    'tenant_guard.refuse_change()',
    'tenant_guard.registration_changed()',
    'tenant_guard.before_drop_extension()'];
  grantee text;
  f regprocedure;
  t regclass;
BEGIN
  FOREACH f IN ARRAY administrative LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
  END LOOP;
  FOR grantee IN SELECT quote_ident(rolname) FROM pg_catalog.pg_roles
                 WHERE rolname IN ('anon', 'authenticated', 'service_role') LOOP
    FOREACH f IN ARRAY administrative LOOP
      EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM %s', f, grantee);
    END LOOP;
    FOR t IN SELECT c.oid FROM pg_catalog.pg_class c
             WHERE c.relnamespace = 'tenant_guard'::regnamespace AND c.relkind IN ('r', 'v', 'S') LOOP
      EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', t, grantee);
    END LOOP;
  END LOOP;
END
$$;
