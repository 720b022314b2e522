-- The seal of the audit log. A block says what the log held between two moments: for each organization a Merkle tree
-- (audit_tree), and over these trees one (audit_block), chained to the block before. docs/audit-format.md describes the bytes.
-- The columns here and in src/audit/seal/chain.rs and store.rs stand in the same order.
CREATE TABLE tenant_guard.audit_block (
  number bigint PRIMARY KEY,
  -- E: events that were written; P: events that were purged.
  kind "char" NOT NULL,
  origin bigint NOT NULL,
  -- It covers the events of the origin from the first position on, and before the second; a position is a transaction and
  -- an event's id in it.
  xid_from bigint NOT NULL,
  id_from bigint NOT NULL,
  xid_to bigint NOT NULL,
  id_to bigint NOT NULL,
  sealed_at timestamptz NOT NULL,
  events bigint NOT NULL,
  root bytea NOT NULL,
  previous bytea NOT NULL,
  digest bytea NOT NULL,
  -- Where its events are: not part of the digest, and only asked to read less. The months are those of the partitions, in
  -- days since 2000-01-01.
  last_id bigint NOT NULL,
  first_month integer,
  last_month integer,
  -- When its transactions committed, where audit_commit says so: how many, and the root of the tree over them. Both
  -- are in the block's root.
  commits bigint NOT NULL,
  commits_root bytea NOT NULL
);
COMMENT ON TABLE tenant_guard.audit_block IS
  'The chain of blocks that seals the audit log, never altered. Read it through tenant_guard.audit_blocks.';
CREATE INDEX idx_audit_block_origin ON tenant_guard.audit_block (origin, xid_from, id_from);

CREATE TABLE tenant_guard.audit_tree (
  block bigint NOT NULL,
  -- NULL for events that belong to none.
  organization uuid,
  -- A large tree is kept in parts, each of 65,536 leaves but for the last.
  part integer NOT NULL,
  events bigint NOT NULL,
  first_id bigint NOT NULL,
  last_id bigint NOT NULL,
  last_at timestamptz NOT NULL,
  root bytea NOT NULL,
  leaves bytea NOT NULL,
  -- The block that says that its events were purged.
  purged_in bigint
);
ALTER TABLE tenant_guard.audit_tree ALTER leaves SET STORAGE EXTERNAL;
COMMENT ON TABLE tenant_guard.audit_tree IS
  'The Merkle trees of each block of the audit log, one for each organization, never altered; purge_audit marks those whose events it removed.';
CREATE INDEX idx_audit_tree_block ON tenant_guard.audit_tree (block, organization, part);
CREATE INDEX idx_audit_tree_organization_id ON tenant_guard.audit_tree (organization, block);
CREATE INDEX idx_audit_tree_purged_in ON tenant_guard.audit_tree (purged_in) WHERE purged_in IS NOT NULL;

-- Whose events are kept however old they are, and how long those of others are.
CREATE TABLE tenant_guard.audit_hold (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- NULL for everybody's.
  organization uuid,
  reason text NOT NULL,
  held_by name NOT NULL,
  held_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
  released_by name,
  released_at timestamptz
);
COMMENT ON TABLE tenant_guard.audit_hold IS
  'Legal holds: whose events purge_audit leaves, why and since when; of one that was released also by whom. Written by hold_audit and release_audit.';
CREATE TABLE tenant_guard.audit_retention (
  organization uuid PRIMARY KEY,
  keep interval NOT NULL,
  set_by name NOT NULL,
  set_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE tenant_guard.audit_retention IS
  'For how long an organization''s events are kept at least, whatever purge_audit is asked for. Written by set_audit_retention.';
CREATE TABLE tenant_guard.audit_erasure (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  erased_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  erased_by name NOT NULL,
  session_role name NOT NULL,
  table_schema text NOT NULL,
  table_name text NOT NULL,
  table_key bigint NOT NULL,
  -- By which columns the subject was named; not by which values.
  named_by text[] NOT NULL,
  columns text[],
  reason text NOT NULL,
  events bigint NOT NULL,
  erased bigint NOT NULL,
  kept bigint NOT NULL
);
COMMENT ON TABLE tenant_guard.audit_erasure IS
  'Every erasure of personal values from the audit log: when, by whom, why and how many; never the values. Never altered.';

DO $$
DECLARE
  log name;
BEGIN
  FOREACH log IN ARRAY '{audit_block,audit_tree,audit_hold,audit_retention,audit_erasure}'::name[] LOOP
    EXECUTE pg_catalog.format('ALTER TABLE tenant_guard.%I ENABLE ROW LEVEL SECURITY', log);
    EXECUTE pg_catalog.format('ALTER TABLE tenant_guard.%I FORCE ROW LEVEL SECURITY', log);
    EXECUTE pg_catalog.format('CREATE POLICY read_through_the_view ON tenant_guard.%I FOR SELECT TO CURRENT_USER USING (true)', log);
    PERFORM pg_catalog.pg_extension_config_dump(('tenant_guard.' || log)::regclass, '');
    CONTINUE WHEN log = 'audit_retention';
    EXECUTE pg_catalog.format('CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON tenant_guard.%I
      FOR EACH ROW EXECUTE FUNCTION tenant_guard.refuse_change()', log);
    EXECUTE pg_catalog.format('CREATE TRIGGER append_only BEFORE TRUNCATE ON tenant_guard.%I
      FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.refuse_change()', log);
    EXECUTE pg_catalog.format('ALTER TABLE tenant_guard.%I ENABLE ALWAYS TRIGGER append_only_rows', log);
    EXECUTE pg_catalog.format('ALTER TABLE tenant_guard.%I ENABLE ALWAYS TRIGGER append_only', log);
  END LOOP;
END $$;
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_hold_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.audit_erasure_id_seq', '');

CREATE VIEW tenant_guard.audit_blocks AS
SELECT b.number, CASE b.kind WHEN 'E' THEN 'events' ELSE 'purge' END AS kind, b.sealed_at, b.digest
FROM tenant_guard.audit_block b;
COMMENT ON VIEW tenant_guard.audit_blocks IS
  'The chain that seals the audit log, for everybody: whoever keeps a digest elsewhere can later have verify_audit show that it is still in the chain.
Example: SELECT digest FROM tenant_guard.audit_blocks ORDER BY number DESC LIMIT 1;';
