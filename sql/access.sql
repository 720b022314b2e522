-- Accesses that log_access noted and flush_access has not counted yet, written without SPI (see
-- src/pg/row.rs), so the columns here and in src/feature/access.rs stand in the same order. Unlogged: a
-- crash loses counts and nothing else, and no reader waits for the disk. Without an index: rows are only
-- added, and taken all at once.
CREATE UNLOGGED TABLE tenant_guard.access_event (
  table_oid oid NOT NULL,
  public_id uuid NOT NULL,
  at timestamptz NOT NULL,
  operation text NOT NULL,
  organization_id text,
  user_id text
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE tenant_guard.access_event IS
  'Accesses to rows that were noted and not counted yet; at most 128 MB. Written by log_access, emptied by flush_access.';
-- No policy: to all but the extension and superusers it is empty, whatever somebody may grant on it.
ALTER TABLE tenant_guard.access_event ENABLE ROW LEVEL SECURITY;
-- It is the extension's to dump, and there is nothing to dump: the OIDs mean nothing in a copy.
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.access_event', 'WHERE false');
