-- The audit log: append-only, written by the audit triggers without SPI (see src/pg/row.rs), so the
-- columns here and in src/audit/capture.rs stand in the same order.
CREATE TABLE tenant_guard.audit_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  operation text NOT NULL,
  table_schema text NOT NULL,
  table_name text NOT NULL,
  -- Which table that is: its OID and its owner, where the origin is this database.
  table_oid oid NOT NULL,
  table_owner text NOT NULL,
  origin bigint NOT NULL,
  key jsonb,
  record jsonb,
  old_record jsonb,
  changed_columns text[],
  organization_id text,
  user_id text,
  db_role text NOT NULL,
  session_role text NOT NULL,
  transaction_id xid8 NOT NULL
);
COMMENT ON TABLE tenant_guard.audit_event IS
  'Every audited change, one row each, never altered. Read it through tenant_guard.audit_log.';
CREATE INDEX idx_audit_event_organization_id_id ON tenant_guard.audit_event (organization_id, id);
CREATE INDEX idx_audit_event_table_schema_table_name_id ON tenant_guard.audit_event (table_schema, table_name, id);

CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON tenant_guard.audit_event
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.refuse_change();
CREATE TRIGGER append_only BEFORE TRUNCATE ON tenant_guard.audit_event
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.refuse_change();
ALTER TABLE tenant_guard.audit_event ENABLE ALWAYS TRIGGER append_only_rows;
ALTER TABLE tenant_guard.audit_event ENABLE ALWAYS TRIGGER append_only;

-- The table that an event is about: in the database that wrote it the OID says so, whatever the table
-- is called by now; in a restored copy it is the table of that name, if it belongs to whom it
-- belonged. NULL when there is none: then nobody reads the event but the superuser.
CREATE FUNCTION tenant_guard.audited_table(table_oid oid, origin bigint, table_schema text, table_name text, table_owner text)
RETURNS oid
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE
  WHEN origin = tenant_guard.origin() THEN
    (SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid = table_oid)
  ELSE
    (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = table_schema AND c.relname = table_name AND pg_catalog.pg_get_userbyid(c.relowner) = table_owner)
  END;
COMMENT ON FUNCTION tenant_guard.audited_table(oid, bigint, text, text, text) IS
  'The OID of the table that an audit event is about; NULL when it is gone. Used by the audit log''s policies; raises nothing.
Example: SELECT tenant_guard.audited_table(table_oid, origin, table_schema, table_name, table_owner)::regclass FROM tenant_guard.audit_event LIMIT 1;';

ALTER TABLE tenant_guard.audit_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.audit_event FORCE ROW LEVEL SECURITY;
-- A UUID compares in its canonical spelling, however the token spelled it.
CREATE POLICY organization_reads_its_own ON tenant_guard.audit_event FOR SELECT USING (
  organization_id = (SELECT coalesce(tenant_guard.org_id()::text, tenant_guard.org_id_text()))
  AND (SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
       FROM pg_catalog.pg_class c
       WHERE c.oid = tenant_guard.audited_table(table_oid, origin, table_schema, table_name, table_owner)));
CREATE POLICY table_owner_reads_all ON tenant_guard.audit_event FOR SELECT USING (
  (SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE')
   FROM pg_catalog.pg_class c
   WHERE c.oid = tenant_guard.audited_table(table_oid, origin, table_schema, table_name, table_owner)));

CREATE VIEW tenant_guard.audit_log WITH (security_invoker = true) AS
SELECT id, occurred_at, operation, table_schema, table_name, key, record, old_record, changed_columns,
       organization_id, user_id, db_role, session_role, transaction_id
FROM tenant_guard.audit_event;
COMMENT ON VIEW tenant_guard.audit_log IS
  'The audit trail: an organization sees its own events of the tables it may read, the owner of a table sees all of the table''s.
Example: SELECT occurred_at, operation, table_name, changed_columns, user_id FROM tenant_guard.audit_log ORDER BY id DESC LIMIT 20;';

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_event', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_event_id_seq', '');
