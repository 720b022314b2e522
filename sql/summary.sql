-- Summaries that create_tenant_summary made, with the query that fills each. The OID says which table
-- that is, whatever it is called by now, where the origin is this database; in a restored copy it is the
-- table of that name.
CREATE TABLE tenant_guard.tenant_summary (
  origin bigint NOT NULL,
  table_oid oid NOT NULL,
  table_schema name NOT NULL,
  table_name name NOT NULL,
  -- Whose query it is: it runs for no other owner of the table.
  table_owner name NOT NULL,
  query text NOT NULL,
  tenant_column name NOT NULL,
  key name[] NOT NULL,
  PRIMARY KEY (origin, table_oid)
);
COMMENT ON TABLE tenant_guard.tenant_summary IS
  'Per-tenant summaries and the queries that fill them; you see those that you own. Written by create_tenant_summary and drop_tenant_summary.
Example: SELECT table_schema, table_name, query FROM tenant_guard.tenant_summary;';
ALTER TABLE tenant_guard.tenant_summary ENABLE ROW LEVEL SECURITY;
CREATE POLICY owners_read ON tenant_guard.tenant_summary FOR SELECT USING (
  EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = table_owner AND pg_catalog.pg_has_role(r.oid, 'USAGE')));

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_summary', '');
