-- The registered membership table, with what belongs to it, by name: one row or none. Written by
-- use_membership only; the columns are the fields of Registration in src/context/planner.rs.
CREATE TABLE tenant_guard.membership (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  table_schema name NOT NULL,
  table_name name NOT NULL,
  -- Whose the tables were: another's table that takes the name is not the one registered.
  table_owner name NOT NULL,
  project_owner name,
  organization_owner name,
  user_column name NOT NULL,
  org_column name NOT NULL,
  role_column name,
  -- A condition on its rows: an expression of whoever registered it.
  active text,
  project_schema name,
  project_table name,
  project_column name,
  project_org_column name,
  organization_schema name,
  organization_table name,
  organization_column name,
  status_column name,
  active_statuses text[]
);
COMMENT ON TABLE tenant_guard.membership IS
  'The table that says who belongs to which organization, with those of projects and organizations, as use_membership registered them; one row or none.';

-- What each role of the application may do. Written by set_role_permissions only.
CREATE TABLE tenant_guard.role_permission (
  role text PRIMARY KEY,
  permissions text[] NOT NULL,
  inherits text[] NOT NULL
);
COMMENT ON TABLE tenant_guard.role_permission IS
  'The permissions of each role in an organization, and the roles whose permissions it has too. Written by set_role_permissions.';

-- No policy: to all but the extension they are empty, whatever privileges somebody may grant on them.
ALTER TABLE tenant_guard.membership ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_guard.role_permission ENABLE ROW LEVEL SECURITY;

-- Sessions keep what they read of them: whoever writes them, pg_restore included, lets them know.
CREATE TRIGGER registration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.membership
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.registration_changed();
CREATE TRIGGER registration_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tenant_guard.role_permission
  FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.registration_changed();
ALTER TABLE tenant_guard.membership ENABLE ALWAYS TRIGGER registration_changed;
ALTER TABLE tenant_guard.role_permission ENABLE ALWAYS TRIGGER registration_changed;
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.membership', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.role_permission', '');
