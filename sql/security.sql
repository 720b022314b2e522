-- Security events, written by the extension without SPI (see src/pg/row.rs), so the columns here and
-- in src/security.rs stand in the same order. Administrators read them.
CREATE TABLE tenant_guard.security_event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  kind text NOT NULL,
  severity text NOT NULL,
  message text NOT NULL,
  subject text,
  user_id text,
  organization_id text,
  db_role text NOT NULL,
  session_role text NOT NULL,
  transaction_id xid8 NOT NULL
);
COMMENT ON TABLE tenant_guard.security_event IS
  'What somebody tried and did not get, and changes of keys, one row each, never altered. Events of read-only or rolled-back transactions are in the server''s log only.';
CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON tenant_guard.security_event
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.refuse_change();
CREATE TRIGGER append_only BEFORE TRUNCATE ON tenant_guard.security_event
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.refuse_change();
ALTER TABLE tenant_guard.security_event ENABLE ALWAYS TRIGGER append_only_rows;
ALTER TABLE tenant_guard.security_event ENABLE ALWAYS TRIGGER append_only;
-- No policy: to all but the extension and superusers it is empty, whatever somebody may grant on it.
ALTER TABLE tenant_guard.security_event ENABLE ROW LEVEL SECURITY;

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.security_event', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.security_event_id_seq', '');
