-- Tenant schemas: the template made again, complete, and nothing pointing back.
\pset null '(null)'
CREATE ROLE tenant_role_a NOLOGIN;
CREATE ROLE tenant_role_b NOLOGIN;
SET ROLE app_owner;
CREATE SCHEMA shared_ref;
CREATE TABLE shared_ref.countries (code text PRIMARY KEY);
CREATE SCHEMA "Temp Late";
CREATE TYPE "Temp Late".stage AS ENUM ('lead', 'it''s won');
CREATE DOMAIN "Temp Late".amount AS numeric(10, 2) DEFAULT 0 CHECK (VALUE >= 0);
CREATE TYPE "Temp Late".address AS (street text, stages "Temp Late".stage[]);
CREATE SEQUENCE "Temp Late"."odd seq" AS int START 5 INCREMENT 2 MAXVALUE 99 CACHE 3 CYCLE;
CREATE TABLE "Temp Late".projects (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  "Pub Id" uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  name text COLLATE "C" NOT NULL CHECK (length(name) > 0),
  stage "Temp Late".stage NOT NULL DEFAULT 'lead',
  amount "Temp Late".amount,
  twice numeric GENERATED ALWAYS AS (amount * 2) STORED,
  home "Temp Late".address,
  n int DEFAULT nextval('"Temp Late"."odd seq"'),
  s serial,
  country text REFERENCES shared_ref.countries
);
COMMENT ON TABLE "Temp Late".projects IS 'it''s a comment';
COMMENT ON COLUMN "Temp Late".projects.name IS 'the \ name';
COMMENT ON SCHEMA "Temp Late" IS 'a template';
ALTER TABLE "Temp Late".projects SET (toast.autovacuum_enabled = off), ALTER name SET (n_distinct = -0.5);
ALTER TABLE "Temp Late".projects ALTER name SET STORAGE EXTERNAL, ALTER stage SET STATISTICS 50, SET (fillfactor = 70);
CREATE UNIQUE INDEX "one name" ON "Temp Late".projects (lower(name) text_pattern_ops, stage DESC) INCLUDE (id) WHERE amount > 0;
ALTER TABLE "Temp Late".projects REPLICA IDENTITY USING INDEX "projects_Pub Id_key", CLUSTER ON projects_pkey;
CREATE TABLE "Temp Late".tasks (
  id int, project_id bigint NOT NULL REFERENCES "Temp Late".projects ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  parent int, at date NOT NULL, PRIMARY KEY (id, at), EXCLUDE USING btree (id WITH =, at WITH =)
);
ALTER TABLE "Temp Late".tasks ADD CONSTRAINT later CHECK (id > 0) NOT VALID;
CREATE TABLE "Temp Late".events (id int, at date, project_id bigint REFERENCES "Temp Late".projects, UNIQUE (id, at)) PARTITION BY RANGE (at);
CREATE TABLE "Temp Late".events_2026 PARTITION OF "Temp Late".events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY HASH (id);
CREATE TABLE "Temp Late".events_2026_0 PARTITION OF "Temp Late".events_2026 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE "Temp Late".events_default PARTITION OF "Temp Late".events DEFAULT;
CREATE INDEX ON "Temp Late".events (project_id);
CREATE TABLE "Temp Late".special (extra text) INHERITS ("Temp Late".tasks);
ALTER TABLE "Temp Late".special ALTER parent SET DEFAULT 7, ALTER parent SET NOT NULL;
CREATE DOMAIN "Temp Late".stage_now AS "Temp Late".stage DEFAULT 'lead';
CREATE UNLOGGED TABLE "Temp Late".cache (k text PRIMARY KEY, v jsonb, now "Temp Late".stage_now);
ALTER TABLE "Temp Late".projects ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "all of it" ON "Temp Late".projects USING (name <> 'hidden' AND EXISTS (SELECT FROM "Temp Late".cache c WHERE c.k = 'open'));
COMMENT ON POLICY "all of it" ON "Temp Late".projects IS 'p';
ALTER TABLE "Temp Late".events ENABLE ROW LEVEL SECURITY;
SELECT count(*) FROM tenant_guard.enable_audit('"Temp Late".tasks');
INSERT INTO "Temp Late".cache VALUES ('open', '{}');

\pset format unaligned
SET client_min_messages = notice;
-- Not-null constraints have names from version 18 on: shown here as before.
-- The fingerprint is the server's version's.
SELECT regexp_replace(regexp_replace(regexp_replace(sql, '1:[0-9a-f]{64}', '(fingerprint)'), ',\n  CONSTRAINT \w+ NOT NULL \w+', '', 'g'), 'CONSTRAINT "?[\w ]+_not_null"? NOT NULL', 'NOT NULL', 'g') AS sql
FROM tenant_guard.create_tenant_schema('acme', 'Temp Late', tenant_role => 'tenant_role_a', dry_run => true) WHERE sql NOT LIKE '%SET NOT NULL%';
SELECT count(*) > 60 AS applied FROM tenant_guard.create_tenant_schema('acme', 'Temp Late', 'aaaaaaaa-0000-4000-8000-000000000001', tenant_role => 'tenant_role_a');
RESET client_min_messages;
\pset format aligned
SHOW search_path;
SELECT slug, organization, template, tenant_role, owner, tables, state, created_by FROM tenant_guard.tenant_schemas;

-- Table by table the definitions are the same, and none mentions the template.
CREATE FUNCTION pg_temp.shape(schema name) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('search_path', quote_ident(schema) || ', pg_temp', true);
  RETURN QUERY
    SELECT format('column %s.%s %s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = quote_ident(schema)::regnamespace AND c.relkind IN ('r', 'p')
    UNION ALL SELECT format('options %s.%s %s', a.attrelid::regclass, a.attname, ARRAY(SELECT o FROM unnest(a.attoptions) o WHERE o LIKE 'n\_distinct%')) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = quote_ident(schema)::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    UNION ALL SELECT format('toast %s %s', c.relname, t.reloptions) FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.relnamespace = quote_ident(schema)::regnamespace
    UNION ALL SELECT format('constraint %s %s %s %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated)
    FROM pg_constraint k WHERE k.connamespace = quote_ident(schema)::regnamespace AND k.contype <> 'n'
    UNION ALL SELECT pg_get_indexdef(i.indexrelid, 0, true) || i.indisvalid || i.indisclustered || i.indisreplident FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = quote_ident(schema)::regnamespace
    UNION ALL SELECT format('policy %s %s %s %s', p.polrelid::regclass, p.polname, pg_get_expr(p.polqual, p.polrelid), obj_description(p.oid, 'pg_policy')) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = quote_ident(schema)::regnamespace
    UNION ALL SELECT format('%s %s %s %s %s %s %s', c.relname, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions, c.relreplident, obj_description(c.oid)) FROM pg_class c WHERE c.relnamespace = quote_ident(schema)::regnamespace AND c.relkind IN ('r', 'p')
    UNION ALL SELECT pg_get_triggerdef(t.oid, true) || t.tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = quote_ident(schema)::regnamespace AND NOT t.tgisinternal;
END $$;
SELECT * FROM (SELECT 'only in the template', * FROM (SELECT pg_temp.shape('Temp Late') EXCEPT ALL SELECT pg_temp.shape('acme')) t
               UNION ALL SELECT 'only in the clone', * FROM (SELECT pg_temp.shape('acme') EXCEPT ALL SELECT pg_temp.shape('Temp Late')) c) difference;
SELECT count(*) > 50 AS compared FROM pg_temp.shape('acme');
RESET search_path;
SELECT (SELECT count(*) FROM acme.cache) AS "rows cloned", nextval('acme."odd seq"') AS "starts anew";
RESET ROLE;

-- The tenant's role works in it, and reaches no other.
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('bolt', 'Temp Late', tenant_role => 'tenant_role_b')$$);
SELECT count(*) > 60 AS applied FROM tenant_guard.create_tenant_schema('bolt', 'Temp Late', tenant_role => 'tenant_role_b', trust_template => true);
SET ROLE tenant_role_a;
INSERT INTO acme.cache VALUES ('open', '{}') RETURNING k;
INSERT INTO acme.projects (name, amount) VALUES ('p1', 10) RETURNING id, name, stage, twice, n, s;
INSERT INTO acme.tasks VALUES (1, 1, NULL, '2026-01-01') RETURNING id;
SELECT * FROM refused('INSERT INTO acme.projects (name) VALUES ($$hidden$$)');
SELECT * FROM refused('SELECT * FROM bolt.cache');
SELECT * FROM refused('TRUNCATE acme.cache');
SELECT slug FROM tenant_guard.tenant_schemas;
RESET ROLE;
SET ROLE nobody;
SELECT count(*) AS "tenants a stranger sees" FROM tenant_guard.tenant_schemas;
RESET ROLE;
SELECT operation, table_schema, table_name, key FROM tenant_guard.audit_log WHERE table_schema = 'acme';

-- Undo is refused over the tenant's rows, and takes an unused schema away.
SELECT id AS acme FROM tenant_guard.change WHERE target = 'acme' \gset
SELECT id AS bolt FROM tenant_guard.change WHERE target = 'bolt' \gset
SELECT split_part(answer, ' since', 1) AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', :acme)) LIMIT 1;
SELECT change_id AS undone, count(*) > 60 AS undone_all FROM tenant_guard.undo(:bolt) GROUP BY 1 \gset
SELECT slug FROM tenant_guard.tenant_schemas ORDER BY 1;
SELECT count(*) AS schemas FROM pg_namespace WHERE nspname = 'bolt';
SELECT count(*) > 60 AS "made again by undo of undo" FROM tenant_guard.undo(:undone);
SELECT slug, tables, tenant_role FROM tenant_guard.tenant_schemas ORDER BY 1;

-- A role of its own, made and dropped with the schema.
SELECT count(*) > 60 AS applied FROM tenant_guard.create_tenant_schema('corp', 'Temp Late', trust_template => true);
SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname = 'tenant_corp';
CREATE VIEW public.peek AS SELECT count(*) FROM corp.projects;
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_tenant_schema('corp', 'corp')$$);
DROP VIEW public.peek;
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_tenant_schema('corp', 'acme')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_tenant_schema('corp', NULL)$$);
SELECT step, action, sql, undo FROM tenant_guard.drop_tenant_schema('corp', NULL, dry_run => true);
SELECT step, action FROM tenant_guard.drop_tenant_schema('corp', 'corp');
SELECT count(*) AS roles FROM pg_roles WHERE rolname = 'tenant_corp';
SELECT regexp_replace(answer, 'change \d+', 'change N') AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', (SELECT max(id) FROM tenant_guard.change)));

-- A schema that somebody dropped by hand is still registered, until that is cleared away.
SELECT count(*) > 60 AS applied FROM tenant_guard.create_tenant_schema('gone', 'Temp Late', trust_template => true);
SET client_min_messages = error;
DROP SCHEMA gone CASCADE;
RESET client_min_messages;
SELECT slug, state FROM tenant_guard.tenant_schemas WHERE slug = 'gone';
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('gone', 'Temp Late', trust_template => true)$$);
SET ROLE app_owner;
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_tenant_schema('gone', 'gone')$$);
RESET ROLE;
SELECT step, action FROM tenant_guard.drop_tenant_schema('gone', 'gone');
-- What somebody added to a tenant's schema is not undone with it.
BEGIN;
CREATE TABLE bolt.added (x int);
SELECT max(id) AS bolt_again FROM tenant_guard.change WHERE target = 'bolt' \gset
SELECT split_part(answer, ' since', 1) AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', :bolt_again)) LIMIT 1;
ROLLBACK;
-- Nobody registers a role for dropping that create_tenant_schema did not make.
CREATE SCHEMA trap AUTHORIZATION app_owner;
SET ROLE app_owner;
SELECT * FROM refused($$SELECT tenant_guard.register_tenant_schema('trap', 'x', NULL, 'other_owner', true)$$);
RESET ROLE;

-- Nothing of another schema goes with a tenant's.
SELECT count(*) > 60 AS applied FROM tenant_guard.create_tenant_schema('dept', 'Temp Late', trust_template => true);
CREATE COLLATION dept.own FROM "C";
CREATE TABLE public.uses_dept (a text COLLATE dept.own);
CREATE FUNCTION dept.two() RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE DOMAIN public.of_dept AS int CHECK (VALUE > dept.two());
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_tenant_schema('dept', 'dept')$$);
DROP TABLE public.uses_dept; DROP DOMAIN public.of_dept;
SET client_min_messages = warning;
SELECT count(*) FROM tenant_guard.drop_tenant_schema('dept', 'dept');
-- A role that is there already is not taken; what still points at the template is refused.
CREATE ROLE tenant_taken NOLOGIN;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('taken', 'Temp Late', trust_template => true)$$);
CREATE SCHEMA pointing; CREATE TABLE pointing.t (home text DEFAULT 'pointing'::regnamespace::text);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('pointed', 'pointing')$$);
-- A name is a name, whatever is in it.
CREATE SCHEMA "x
SELECT 1/0; --"; CREATE TABLE "x
SELECT 1/0; --".t (id int);
SELECT count(*) FROM tenant_guard.create_tenant_schema('odd', E'x\nSELECT 1/0; --');

-- What is refused, with nothing left behind.
SET ROLE app_owner;
SELECT x.* FROM unnest(ARRAY['', 'Acme Co', '2fast', 'pg_acme', 'public', 'acme', repeat('x', 57)]) slug
CROSS JOIN LATERAL refused(format('SELECT * FROM tenant_guard.create_tenant_schema(%L, $$Temp Late$$)', slug)) x;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'nowhere')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'Temp Late', tenant_role => 'no_such_role')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'Temp Late')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema(NULL, 'Temp Late')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_tenant_schema('Temp Late', 'Temp Late')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'pg_catalog')$$);
CREATE SCHEMA hollow;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'hollow', tenant_role => 'none')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'Temp Late', tenant_role => 'none', owner => 'other_owner')$$);
SELECT x.* FROM unnest(ARRAY['most', '{cache,nothing}', '{cache,', '{}{}']) rows
CROSS JOIN LATERAL refused(format('SELECT * FROM tenant_guard.create_tenant_schema(%L, $$Temp Late$$, tenant_role => %L, with_data => %L)', 'ok', 'none', rows)) x;
SELECT x.* FROM unnest(ARRAY['[]', '{"connection_limit": "many"}', '{"rows": 5}', '{"statement_timeout": []}']) quotas
CROSS JOIN LATERAL refused(format('SELECT * FROM tenant_guard.create_tenant_schema(%L, $$Temp Late$$, quotas => %L)', 'ok', quotas)) x;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'Temp Late', tenant_role => 'tenant_role_a', quotas => '{"connection_limit": 1}')$$);
-- What cannot be made again is told, and refused where a table needs it.
RESET ROLE;
CREATE OPERATOR CLASS "Temp Late".backwards FOR TYPE int USING btree AS
  OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(int, int);
SET ROLE app_owner;
ALTER TABLE "Temp Late".cache ADD n int;
SET client_min_messages = warning;
SELECT action FROM tenant_guard.create_tenant_schema('ok', 'Temp Late', tenant_role => 'tenant_role_a', dry_run => true) WHERE action LIKE 'not%';
CREATE INDEX backwards ON "Temp Late".cache (n "Temp Late".backwards);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'Temp Late', tenant_role => 'tenant_role_a')$$);
SET ROLE other_owner;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'Temp Late', tenant_role => 'tenant_role_a')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_tenant_schema('acme', 'acme')$$);
SELECT * FROM refused($$SELECT tenant_guard.register_tenant_schema('acme', 'x', NULL, 'other_owner', false)$$);
SELECT * FROM refused($$SELECT tenant_guard.unregister_tenant_schema('acme')$$);
SET ROLE nobody;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_schema('ok', 'shared_ref', tenant_role => 'nobody')$$);
RESET ROLE;
SELECT count(*) AS "left behind" FROM pg_namespace WHERE nspname = 'ok';
