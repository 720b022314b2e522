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
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.membership', '');
