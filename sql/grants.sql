-- Runs when every object is there. PUBLIC may call the helpers and read what the policies let it;
-- functions that decide for the whole database are for administrators. Default privileges may have
-- granted any of it to anybody (Supabase-style databases do, to the API roles), so what others than
-- the owner got that way is taken from whoever has it.
DO $$
DECLARE
  administrative regproc[] := ARRAY[
    'tenant_guard.use_membership',
    'tenant_guard.register_membership',
    'tenant_guard.set_role_permissions',
    'tenant_guard.register_role_permissions',
    'tenant_guard.set_claim_profile',
    'tenant_guard.set_claim_path',
    'tenant_guard.register_claim_source',
    'tenant_guard.add_key',
    'tenant_guard.load_jwks',
    'tenant_guard.retire_key',
    'tenant_guard.enforce',
    'tenant_guard.register_enforcement',
    'tenant_guard.status',
    'tenant_guard.create_tenant_database',
    'tenant_guard.begin_tenant_database',
    'tenant_guard.run_database_step',
    'tenant_guard.report_tenant_database',
    'tenant_guard.forget_tenant_database',
    'tenant_guard.move_tenant',
    'tenant_guard.begin_tenant_move',
    'tenant_guard.run_move_step',
    'tenant_guard.report_tenant_move',
    'tenant_guard.cancel_tenant_move',
    'tenant_guard.register_destination',
    'tenant_guard.unregister_destination',
    'tenant_guard.assign_destination',
    'tenant_guard.record_destination',
    'tenant_guard.record_assignment',
    'tenant_guard.destination_for',
    'tenant_guard.destination_for_text',
    'tenant_guard.pgbouncer_databases',
    'tenant_guard.auditor',
    'tenant_guard.audit_statement',
    'tenant_guard.follow_audited',
    'tenant_guard.audit_row',
    'tenant_guard.audit_truncate',
    'tenant_guard.seal_audit',
    'tenant_guard.purge_audit',
    'tenant_guard.hold_audit',
    'tenant_guard.release_audit_hold',
    'tenant_guard.set_audit_retention',
    'tenant_guard.erase_subject',
    'tenant_guard.refuse_change',
    'tenant_guard.registration_changed',
    'tenant_guard.check_protection',
    'tenant_guard.watch',
    'tenant_guard.follow_columns',
    'tenant_guard.before_drop_extension'];
  granted record;
BEGIN
  FOR granted IN
    SELECT c.oid::regclass AS object, a.grantee
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
    WHERE c.relnamespace = 'tenant_guard'::regnamespace AND a.grantee <> c.relowner
    GROUP BY 1, 2
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', granted.object,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(granted.grantee)) END);
  END LOOP;
  FOR granted IN
    SELECT p.oid::regprocedure AS object, a.grantee
    FROM pg_catalog.pg_proc p
    CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
    WHERE p.oid = ANY (administrative::oid[]) AND a.grantee <> p.proowner
    GROUP BY 1, 2
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM %s', granted.object,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(granted.grantee)) END);
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA tenant_guard TO PUBLIC;
GRANT SELECT ON tenant_guard.change, tenant_guard.change_step, tenant_guard.audit_log, tenant_guard.audit_events,
  tenant_guard.audit_layout, tenant_guard.audit_blocks,
  tenant_guard.tenant_schema, tenant_guard.template_version, tenant_guard.tenant_schemas, tenant_guard.tenant_run, tenant_guard.tenant_runs,
  tenant_guard.tenant_run_result, tenant_guard.tenant_run_results, tenant_guard.protection, tenant_guard.protected_tables,
  tenant_guard.enforcement, tenant_guard.tenant_summary, tenant_guard.column_class, tenant_guard.column_class_here,
  tenant_guard.classified_columns TO PUBLIC;
