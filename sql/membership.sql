-- The registered membership table, by name: one row or none. Written by use_membership only.
CREATE TABLE tenant_guard.membership (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  table_schema name NOT NULL,
  table_name name NOT NULL,
  user_column name NOT NULL,
  org_column name NOT NULL,
  role_column name
);
COMMENT ON TABLE tenant_guard.membership IS
  'The table that says who belongs to which organization, as use_membership registered it; one row or none.';
-- No policy: to all but the extension it is empty, whatever privileges somebody may grant on it.
ALTER TABLE tenant_guard.membership ENABLE ROW LEVEL SECURITY;

-- Sessions keep what they read of it: whoever writes it, pg_restore included, lets them know.
CREATE TRIGGER registration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.membership
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.registration_changed();
ALTER TABLE tenant_guard.membership ENABLE ALWAYS TRIGGER registration_changed;
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.membership', '');
