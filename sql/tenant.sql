-- The tenant schemas that create_tenant_schema made.
CREATE TABLE tenant_guard.tenant_schema (
  slug text PRIMARY KEY,
  template text NOT NULL,
  organization uuid,
  -- NULL where there is none.
  tenant_role text,
  role_created boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by text NOT NULL,
  -- What its structure was when it was made, as a number for all of it.
  fingerprint text
);
COMMENT ON TABLE tenant_guard.tenant_schema IS
  'Tenant schemas and the roles that work in them. Read it through tenant_guard.tenant_schemas.';

ALTER TABLE tenant_guard.tenant_schema ENABLE ROW LEVEL SECURITY;
-- Who owns the schema, or works in it, sees that it is there; nobody else learns who the tenants are.
CREATE POLICY owners_and_tenants_read ON tenant_guard.tenant_schema FOR SELECT USING (
  EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = slug AND pg_catalog.pg_has_role(n.nspowner, 'USAGE'))
  -- Whoever registered a schema that somebody dropped by hand is to clear it away.
  OR (NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = slug)
      AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = created_by AND pg_catalog.pg_has_role(r.oid, 'USAGE')))
  OR EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = tenant_role AND pg_catalog.pg_has_role(r.oid, 'USAGE')));

CREATE VIEW tenant_guard.tenant_schemas WITH (security_invoker = true) AS
SELECT t.slug, t.organization, t.template, t.tenant_role,
       pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
       (SELECT count(*) FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p')) AS tables,
       (SELECT coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint
        FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r') AS size_bytes,
       CASE WHEN n.oid IS NULL THEN 'missing' ELSE 'active' END AS state,
       t.created_at, t.created_by, t.fingerprint
FROM tenant_guard.tenant_schema t
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = t.slug;
COMMENT ON VIEW tenant_guard.tenant_schemas IS
  'Tenant schemas that you own or work in: organization, template, role, owner, number of tables, size in bytes, state (active, or missing when somebody dropped the schema by hand), fingerprint of the structure when it was made.
Example: SELECT slug, organization, tables, size_bytes FROM tenant_guard.tenant_schemas;';

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_schema', '');
