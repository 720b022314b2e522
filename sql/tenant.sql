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
  fingerprint text,
  -- Which schema that is, whatever it is called by now, where the origin is this database.
  schema_oid oid,
  origin bigint,
  -- The version of the template that it was made or synced from.
  template_version int,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'archived')),
  -- The privileges on the schema that archiving took away, for restoring to give them back.
  remembered jsonb
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

-- What each template was like whenever a tenant was made or synced from it.
CREATE TABLE tenant_guard.template_version (
  template text NOT NULL,
  version int NOT NULL,
  fingerprint text NOT NULL,
  schema_oid oid NOT NULL,
  origin bigint NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  recorded_by text NOT NULL,
  PRIMARY KEY (template, version)
);
COMMENT ON TABLE tenant_guard.template_version IS
  'The versions of the templates of tenant schemas: fingerprint, when it was first seen, by whom. Written by create_tenant_schema and sync_tenant_schema; you see those of templates that you may use.';
ALTER TABLE tenant_guard.template_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY users_read ON tenant_guard.template_version FOR SELECT USING (
  EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = template AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')));

CREATE VIEW tenant_guard.tenant_schemas WITH (security_invoker = true) AS
SELECT t.slug, t.organization, t.template, t.tenant_role,
       pg_catalog.pg_get_userbyid(n.nspowner) AS owner,
       (SELECT count(*) FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p')) AS tables,
       (SELECT coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint
        FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r') AS size_bytes,
       CASE WHEN n.oid IS NULL THEN 'missing' ELSE t.state END AS state,
       t.created_at, t.created_by, t.fingerprint,
       (SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint
        FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r') AS estimated_rows,
       t.template_version,
       now.fingerprint IS DISTINCT FROM v.fingerprint AND now.fingerprint IS NOT NULL AS behind
FROM tenant_guard.tenant_schema t
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = t.slug
LEFT JOIN tenant_guard.template_version v ON v.template = t.template AND v.version = t.template_version
-- Once a template, and not at all for a query that does not ask.
LEFT JOIN (SELECT s.template, tenant_guard.template_fingerprint(s.template) AS fingerprint
           FROM tenant_guard.tenant_schema s GROUP BY s.template) now ON now.template = t.template;
COMMENT ON VIEW tenant_guard.tenant_schemas IS
  'Tenant schemas that you own or work in: organization, template, role, owner, number of tables, size in bytes, rows as estimated, state (active, archived, or missing when somebody dropped the schema by hand), fingerprint of the structure when it was made, the version of the template that it was made or synced from, and whether the template, where you may use it, is another one by now.
Example: SELECT slug, organization, tables, size_bytes, behind FROM tenant_guard.tenant_schemas;';

SELECT pg_catalog.pg_extension_config_dump('tenant_guard.tenant_schema', '');
SELECT pg_catalog.pg_extension_config_dump('tenant_guard.template_version', '');
