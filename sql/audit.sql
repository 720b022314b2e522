-- The audit log. An event is one row; what many events share is said once: the columns of the table in
-- audit_layout, who acted in audit_context, and when the transaction committed in audit_commit. All of it is
-- append-only, and written without SPI (src/pg/append.rs, src/pg/row.rs): the columns here and in
-- src/audit/log.rs and src/audit/who.rs stand in the same order. docs/audit-format.md describes the bytes.
CREATE SEQUENCE tenant_guard.audit_layout_id_seq AS integer;
CREATE TABLE tenant_guard.audit_layout (
  id integer PRIMARY KEY DEFAULT pg_catalog.nextval('tenant_guard.audit_layout_id_seq'),
  -- The same for all layouts of a table.
  table_key bigint NOT NULL,
  -- Which table that is: its OID, where the origin is this database.
  origin bigint NOT NULL,
  table_oid oid NOT NULL,
  table_schema text NOT NULL,
  table_name text NOT NULL,
  table_owner text NOT NULL,
  description text NOT NULL,
  hash bytea NOT NULL,
  made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
ALTER SEQUENCE tenant_guard.audit_layout_id_seq OWNED BY tenant_guard.audit_layout.id;
COMMENT ON TABLE tenant_guard.audit_layout IS
  'The columns that audited tables had when events were written, one row for each shape of a table, never altered.';
CREATE INDEX idx_audit_layout_table_oid ON tenant_guard.audit_layout (table_oid);
CREATE INDEX idx_audit_layout_table_key ON tenant_guard.audit_layout (table_key);

CREATE SEQUENCE tenant_guard.audit_context_id_seq;
CREATE TABLE tenant_guard.audit_context (
  id bigint PRIMARY KEY,
  since timestamptz NOT NULL,
  transaction_id xid8 NOT NULL,
  user_id text,
  organization_id text,
  project_id text,
  roles text[] NOT NULL,
  session_id text,
  request_id text,
  db_role text NOT NULL,
  session_role text NOT NULL,
  application_name text,
  client_address text,
  statement text,
  reason text,
  hash bytea NOT NULL
);
ALTER SEQUENCE tenant_guard.audit_context_id_seq OWNED BY tenant_guard.audit_context.id;
COMMENT ON TABLE tenant_guard.audit_context IS
  'Who acted, from where and why, one row for each combination that a session came to, never altered.';
CREATE INDEX idx_audit_context_request_id ON tenant_guard.audit_context (request_id) WHERE request_id IS NOT NULL;

CREATE TABLE tenant_guard.audit_commit (
  transaction_id bigint NOT NULL,
  origin bigint NOT NULL,
  committed_at timestamptz NOT NULL
);
COMMENT ON TABLE tenant_guard.audit_commit IS
  'When transactions committed whose events were written earlier than that, one row each, never altered.';
CREATE INDEX idx_audit_commit_transaction_id ON tenant_guard.audit_commit (transaction_id);

CREATE TABLE tenant_guard.audit_secret (
  key bytea NOT NULL,
  made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE tenant_guard.audit_secret IS 'The key of the keyed hashes in the audit log.';

-- By the sequence in thousands: one number for the events of a statement.
CREATE SEQUENCE tenant_guard.audit_event_id_seq;
CREATE TABLE tenant_guard.audit_event (
  id bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  -- As a number, which has a BRIN index; an xid8 has none.
  transaction_id bigint NOT NULL,
  -- What events of one row are found by; two rows may share it.
  row_key bigint,
  context bigint NOT NULL,
  layout integer NOT NULL,
  -- The first day of the partition that it is in.
  month date NOT NULL,
  organization uuid,
  -- I, U, D; T for a TRUNCATE, t for a row that one removed; K for a row that got another key.
  operation "char" NOT NULL,
  -- Of a large statement: audit_bulk says where such events of an organization are.
  bulk boolean NOT NULL,
  hash bytea NOT NULL,
  image bytea NOT NULL
) PARTITION BY RANGE (month);
ALTER SEQUENCE tenant_guard.audit_event_id_seq OWNED BY tenant_guard.audit_event.id;
COMMENT ON TABLE tenant_guard.audit_event IS
  'Every audited change, one row each, never altered. Read it through tenant_guard.audit_log.';
-- Its indexes are the partitions' own (src/audit/month.sql): those of a partitioned table are made with each
-- partition, and a dump that is restored would make them twice.

CREATE TABLE tenant_guard.audit_bulk (
  organization uuid NOT NULL,
  transaction_id bigint NOT NULL,
  first_id bigint NOT NULL,
  last_id bigint NOT NULL,
  events bigint NOT NULL
);
COMMENT ON TABLE tenant_guard.audit_bulk IS
  'Between which ids the events of large statements are, for each organization, never altered.';
CREATE INDEX idx_audit_bulk_organization ON tenant_guard.audit_bulk (organization);

CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON tenant_guard.audit_event
  FOR EACH ROW EXECUTE FUNCTION tenant_guard.refuse_change();
ALTER TABLE tenant_guard.audit_event ENABLE ALWAYS TRIGGER append_only_rows;
DO $$
DECLARE
  log name;
BEGIN
  FOREACH log IN ARRAY '{audit_event,audit_bulk,audit_layout,audit_context,audit_commit,audit_secret}'::name[] LOOP
    IF log <> 'audit_event' THEN
      EXECUTE pg_catalog.format('CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON tenant_guard.%I
        FOR EACH ROW EXECUTE FUNCTION tenant_guard.refuse_change()', log);
      EXECUTE pg_catalog.format('ALTER TABLE tenant_guard.%I ENABLE ALWAYS TRIGGER append_only_rows', log);
      PERFORM pg_catalog.pg_extension_config_dump(('tenant_guard.' || log)::regclass, '');
    END IF;
    EXECUTE pg_catalog.format('CREATE TRIGGER append_only BEFORE TRUNCATE ON tenant_guard.%I
      FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.refuse_change()', log);
    EXECUTE pg_catalog.format('ALTER TABLE tenant_guard.%I ENABLE ALWAYS TRIGGER append_only', log);
  END LOOP;
END $$;

-- The table that a registration, or a layout, is about: in the database that wrote it the OID says so, whatever the table
-- is called by now; in a restored copy it is the table of that name, if it belongs to whom it
-- belonged. NULL when there is none.
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
  'The OID of the table that a registration or a layout of the audit log is about; NULL when it is gone. Used where tables are registered; raises nothing.
Example: SELECT tenant_guard.audited_table(table_oid, origin, table_schema, table_name, table_owner)::regclass FROM tenant_guard.audit_layout LIMIT 1;';

-- The OIDs of the tables that layouts are about: in the database that wrote them the OID says so, whatever the
-- table is called by now; in a restored copy it is the table of that name, if it belongs to whom it belonged. A
-- table that was dropped is the one of its name and owner that was made anew. None: then nobody but auditors and
-- superusers read its events.
CREATE FUNCTION tenant_guard.audited_tables(OUT layout integer, OUT table_oid oid, OUT table_owner oid, OUT schema_oid oid)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT l.id, c.oid, c.relowner, c.relnamespace
  FROM tenant_guard.audit_layout l
  CROSS JOIN LATERAL (
    SELECT coalesce(
      (SELECT a.table_oid FROM tenant_guard.audit_layout a JOIN pg_class c ON c.oid = a.table_oid
       WHERE a.table_key = l.table_key AND a.origin = tenant_guard.origin() LIMIT 1),
      (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = l.table_schema AND c.relname = l.table_name AND pg_get_userbyid(c.relowner) = l.table_owner
         AND c.relkind IN ('r', 'p'))) AS oid) found
  JOIN pg_class c ON c.oid = found.oid;
END;
COMMENT ON FUNCTION tenant_guard.audited_tables() IS
  'The tables that the layouts of the audit log are about, with their owners and schemas; those that are gone are left out. Used by the audit log''s policies; raises nothing.
Example: SELECT DISTINCT table_oid::regclass FROM tenant_guard.audited_tables();';

CREATE FUNCTION tenant_guard.audit_readable() RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(array_agg(t.layout), '{}') FROM tenant_guard.audited_tables() t
        WHERE has_table_privilege(t.table_oid, 'SELECT') AND has_schema_privilege(t.schema_oid, 'USAGE'));
COMMENT ON FUNCTION tenant_guard.audit_readable() IS
  'The layouts of the audit log whose tables the caller may SELECT from. Used by the audit log''s policies; raises nothing.
Example: SELECT tenant_guard.audit_readable();';

CREATE FUNCTION tenant_guard.audit_owned() RETURNS integer[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (SELECT coalesce(array_agg(t.layout), '{}') FROM tenant_guard.audited_tables() t
        WHERE pg_has_role(t.table_owner, 'USAGE'));
COMMENT ON FUNCTION tenant_guard.audit_owned() IS
  'The layouts of the audit log whose tables belong to the caller. Used by the audit log''s policies; raises nothing.
Example: SELECT tenant_guard.audit_owned();';

CREATE FUNCTION tenant_guard.audit_reads_all() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (SELECT r.rolsuper OR r.rolbypassrls FROM pg_roles r WHERE r.rolname = current_user)
    OR (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = 'tenant_guard.audit_event'::regclass)
    OR has_function_privilege('tenant_guard.auditor()', 'EXECUTE');
COMMENT ON FUNCTION tenant_guard.audit_reads_all() IS
  'Whether the caller reads the whole audit log: superusers, roles past row-level security, who has the rights of the extension''s owner, and auditors, who may EXECUTE tenant_guard.auditor(). Used by the audit log''s view; raises nothing.
Example: SELECT tenant_guard.audit_reads_all();';

CREATE FUNCTION tenant_guard.audit_reads_tables() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN tenant_guard.audit_reads_all() OR tenant_guard.audit_owned() <> '{}';
COMMENT ON FUNCTION tenant_guard.audit_reads_tables() IS
  'Whether the caller reads all events of some table. Used by the audit log''s view; raises nothing.
Example: SELECT tenant_guard.audit_reads_tables();';

-- Nobody but the extension's owner reads the tables, whatever somebody may grant on them. Events are read through the view
-- below, which runs with the rights of the extension's owner.
DO $$
DECLARE
  log name;
BEGIN
  FOREACH log IN ARRAY '{audit_event,audit_bulk,audit_context,audit_commit,audit_secret}'::name[] LOOP
    EXECUTE pg_catalog.format('ALTER TABLE tenant_guard.%I ENABLE ROW LEVEL SECURITY', log);
    EXECUTE pg_catalog.format('ALTER TABLE tenant_guard.%I FORCE ROW LEVEL SECURITY', log);
    EXECUTE pg_catalog.format('CREATE POLICY read_through_the_view ON tenant_guard.%I FOR SELECT TO CURRENT_USER USING (true)', log);
  END LOOP;
END $$;

-- What the caller may read of the log, as it is stored. Two ways, of which a reader goes one: an organization's
-- events are found by its index, and those of large statements by where they are; owners and auditors read all
-- events of tables. A condition that is asked once a query closes the other.
CREATE VIEW tenant_guard.audit_events WITH (security_barrier = true) AS
SELECT e.*, coalesce(t.committed_at, e.occurred_at) AS seen_at, t.committed_at, l.table_key, l.table_schema, l.table_name
FROM (
  SELECT o.*, o.tableoid AS log, o.ctid AS place FROM tenant_guard.audit_event o
  WHERE NOT o.bulk AND o.organization = (SELECT tenant_guard.audit_organization())
    AND o.layout = ANY ((SELECT tenant_guard.audit_readable())::integer[])
    AND NOT (SELECT tenant_guard.audit_reads_tables())
  UNION ALL
  SELECT m.*, m.tableoid AS log, m.ctid AS place FROM tenant_guard.audit_bulk b
  JOIN tenant_guard.audit_event m ON m.id BETWEEN b.first_id AND b.last_id AND m.transaction_id = b.transaction_id
  WHERE b.organization = (SELECT tenant_guard.audit_organization())
    AND m.bulk AND m.organization = (SELECT tenant_guard.audit_organization())
    AND m.layout = ANY ((SELECT tenant_guard.audit_readable())::integer[])
    AND NOT (SELECT tenant_guard.audit_reads_tables())
  UNION ALL
  SELECT t.*, t.tableoid AS log, t.ctid AS place FROM tenant_guard.audit_event t
  WHERE (SELECT tenant_guard.audit_reads_tables())
    AND ((SELECT tenant_guard.audit_reads_all())
      OR t.layout = ANY ((SELECT tenant_guard.audit_owned())::integer[])
      OR (t.organization = (SELECT tenant_guard.audit_organization()) AND t.layout = ANY ((SELECT tenant_guard.audit_readable())::integer[])))
) e
JOIN tenant_guard.audit_layout l ON l.id = e.layout
LEFT JOIN tenant_guard.audit_commit t ON t.transaction_id = e.transaction_id AND t.origin = l.origin;
COMMENT ON VIEW tenant_guard.audit_events IS
  'The audit trail as it is stored: what audit_log shows is made of it.
Example: SELECT id, operation, length(image) FROM tenant_guard.audit_events ORDER BY id DESC LIMIT 20;';

CREATE VIEW tenant_guard.audit_log WITH (security_barrier = true) AS
SELECT e.id, e.occurred_at,
       CASE e.operation WHEN 'I' THEN 'INSERT' WHEN 'U' THEN 'UPDATE' WHEN 'T' THEN 'TRUNCATE' ELSE 'DELETE' END AS operation,
       e.table_schema, e.table_name,
       tenant_guard.audit_key(e.log, e.place) AS key,
       tenant_guard.audit_record(e.log, e.place) AS record,
       tenant_guard.audit_old_record(e.log, e.place) AS old_record,
       tenant_guard.audit_changed(e.log, e.place) AS changed_columns,
       tenant_guard.audit_organization_text(e.log, e.place) AS organization_id,
       c.project_id, c.user_id, c.db_role, c.session_role,
       e.transaction_id::text::xid8 AS transaction_id,
       c.organization_id AS acted_for, c.roles, c.session_id, c.request_id, c.application_name, c.client_address,
       c.statement, c.reason, e.operation = 't' AS truncated,
       e.committed_at, e.seen_at, e.row_key, e.table_key, e.transaction_id AS transaction_number, e.hash
FROM tenant_guard.audit_events e
LEFT JOIN tenant_guard.audit_context c ON c.id = e.context
WHERE e.operation <> 'K';
COMMENT ON VIEW tenant_guard.audit_log IS
  'The audit trail: an organization sees its own events of the tables it may read, the owner of a table sees all of the table''s, auditors all.
Example: SELECT occurred_at, operation, table_name, changed_columns, user_id FROM tenant_guard.audit_log ORDER BY id DESC LIMIT 20;';

CREATE FUNCTION tenant_guard.changes_between("from" timestamptz, "to" timestamptz, "table" regclass DEFAULT NULL)
RETURNS SETOF tenant_guard.audit_log
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT l.* FROM tenant_guard.audit_log l
  WHERE l.seen_at >= $1 AND l.seen_at < $2 AND l.occurred_at < $2
    AND ($3 IS NULL OR l.table_key = tenant_guard.audit_table_key($3))
  ORDER BY l.id;
END;
COMMENT ON FUNCTION tenant_guard.changes_between(timestamptz, timestamptz, regclass) IS
  'The events of the audit log that came to be seen, by their transactions'' commits, from one moment until before another, of one table or of all; what the caller may read of them. Returns rows of audit_log. Raises 55000 (a table that was never audited).
Example: SELECT * FROM tenant_guard.changes_between(now() - interval ''1 hour'', now());';

CREATE FUNCTION tenant_guard.transaction_changes(transaction_id xid8)
RETURNS SETOF tenant_guard.audit_log
LANGUAGE sql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT l.* FROM tenant_guard.audit_log l WHERE l.transaction_number = CASE WHEN $1 <= '9223372036854775807'::xid8 THEN ($1)::text::bigint END ORDER BY l.id;
END;
COMMENT ON FUNCTION tenant_guard.transaction_changes(xid8) IS
  'The events of the audit log of one transaction; what the caller may read of them. Returns rows of audit_log; raises nothing.
Example: SELECT * FROM tenant_guard.transaction_changes(pg_current_xact_id());';

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_layout_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_context_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_event_id_seq', '');

-- Tables that come under an audited one later.
CREATE EVENT TRIGGER tenant_guard_audited ON ddl_command_end
  WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE TABLE AS')
  EXECUTE FUNCTION tenant_guard.follow_audited();
