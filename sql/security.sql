-- Security events, written by the extension without SPI (see src/pg/row.rs), so the columns here and
-- in src/security/row.rs stand in the same order.
CREATE TABLE tenant_guard.security_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  -- application: noted with log_event; tenant_guard: recorded by the extension.
  source text NOT NULL,
  kind text NOT NULL,
  severity text NOT NULL,
  message text,
  subject text,
  details jsonb,
  user_id text,
  organization_id text,
  project_id text,
  db_role text NOT NULL,
  session_role text NOT NULL,
  application_name text,
  client_address inet,
  request_id text,
  -- Of an attempt that was kept although it was rolled back: that which it was made in, if it had an id.
  transaction_id xid8
);
COMMENT ON TABLE tenant_guard.security_event IS
  'What somebody tried and did not get, changes of what protects, and what applications noted with log_event; one row each, never altered. Attempts of read-only or rolled-back transactions are in the server''s log only, unless tenant_guard.durable_security_events is on.';
CREATE INDEX idx_security_event_organization_id_id ON tenant_guard.security_event (organization_id, id);

CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON tenant_guard.security_event
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.refuse_change();
CREATE TRIGGER append_only BEFORE TRUNCATE ON tenant_guard.security_event
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.refuse_change();
ALTER TABLE tenant_guard.security_event ENABLE ALWAYS TRIGGER append_only_rows;
ALTER TABLE tenant_guard.security_event ENABLE ALWAYS TRIGGER append_only;

-- For whom SELECT is granted to. None of the policies lets anybody write, whatever somebody may grant.
ALTER TABLE tenant_guard.security_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.security_event FORCE ROW LEVEL SECURITY;
-- Of the extension's own events an organization reads those whose organization was checked: another's
-- claims could name it, to frighten its members.
CREATE POLICY organization_reads_its_own ON tenant_guard.security_event FOR SELECT USING (
  organization_id = (SELECT coalesce(tenant_guard.org_id()::text, tenant_guard.org_id_text()))
  AND (source = 'application' OR kind = 'organization_refused')
  AND (SELECT tenant_guard.may_read_events()));
CREATE POLICY auditors_read_all ON tenant_guard.security_event FOR SELECT USING (
  (SELECT pg_catalog.has_function_privilege('tenant_guard.auditor()'::pg_catalog.regprocedure, 'EXECUTE')));

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.security_event', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.security_event_id_seq', '');
