-- The audit log: append-only, written by the audit triggers without SPI (see src/pg/row.rs), so the
-- columns here and in src/audit/capture.rs stand in the same order.
CREATE TABLE tenant_guard.audit_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  operation text NOT NULL,
  table_schema text NOT NULL,
  table_name text NOT NULL,
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
CREATE INDEX audit_event_organization_id ON tenant_guard.audit_event (organization_id, id);
CREATE INDEX audit_event_table ON tenant_guard.audit_event (table_schema, table_name, id);

CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON tenant_guard.audit_event
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.refuse_change();
CREATE TRIGGER append_only BEFORE TRUNCATE ON tenant_guard.audit_event
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.refuse_change();
ALTER TABLE tenant_guard.audit_event ENABLE ALWAYS TRIGGER append_only_rows;
ALTER TABLE tenant_guard.audit_event ENABLE ALWAYS TRIGGER append_only;

-- Whether the current role may read the table that an event is about.
CREATE FUNCTION tenant_guard.may_read_table(table_schema text, table_name text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = table_schema AND c.relname = table_name);
COMMENT ON FUNCTION tenant_guard.may_read_table(text, text) IS
  'Whether the current role may SELECT from the table; NULL when there is no such table. Used by the audit log''s policies; raises nothing.
Example: SELECT tenant_guard.may_read_table(''crm'', ''contacts'');';

ALTER TABLE tenant_guard.audit_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.audit_event FORCE ROW LEVEL SECURITY;
-- A UUID compares in its canonical spelling, however the token spelled it.
CREATE POLICY organization_reads_its_own ON tenant_guard.audit_event FOR SELECT USING (
  organization_id = (SELECT coalesce(tenant_guard.org_id()::text, tenant_guard.org_id_text()))
  AND tenant_guard.may_read_table(table_schema, table_name));
CREATE POLICY table_owner_reads_all ON tenant_guard.audit_event FOR SELECT USING (
  tenant_guard.owns_object('table', table_schema, table_name, '', NULL));

CREATE VIEW tenant_guard.audit_log WITH (security_invoker = true) AS
SELECT id, occurred_at, operation, table_schema, table_name, key, record, old_record, changed_columns,
       organization_id, user_id, db_role, session_role, transaction_id
FROM tenant_guard.audit_event;
COMMENT ON VIEW tenant_guard.audit_log IS
  'The audit trail: an organization sees its own events of the tables it may read, the owner of a table sees all of the table''s.
Example: SELECT occurred_at, operation, table_name, changed_columns, user_id FROM tenant_guard.audit_log ORDER BY id DESC LIMIT 20;';

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_event', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_event_id_seq', '');
