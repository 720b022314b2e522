-- protect_table's options: who may do what, whose rows, on which way; and every wrong combination of them.
SET ROLE app_owner;
CREATE SCHEMA opt;
GRANT USAGE ON SCHEMA opt TO authenticated;
CREATE TABLE opt.projects (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id uuid NOT NULL, name text);
CREATE TABLE opt.tasks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project_id bigint REFERENCES opt.projects, other_id bigint REFERENCES opt.projects, title text);
CREATE TABLE opt.leads (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id uuid, project_id uuid, created_by uuid, author text, public boolean NOT NULL DEFAULT false, name text, at date);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA opt TO authenticated;

-- What does not go together, or is nothing, is refused before anything is looked at.
SELECT r.* FROM unnest(ARRAY[
  $$scope => 'member', project_column => 'project_id'$$,
  $$permissions => '{"update": "own"}'$$,
  $$owner_column => 'created_by', permissions => '{"update": "admin"}'$$,
  $$permissions => '["member"]'$$,
  $$permissions => '{"truncate": "member"}'$$,
  $$permissions => '{"select": 7}'$$,
  $$permissions => '{"select": ["member", ""]}'$$,
  $$project_column => 'organization_id'$$,
  $$owner_column => 'organization_id'$$,
  $$via => 'project_id'$$,
  $$shared => 'public; DROP TABLE opt.leads'$$,
  $$shared => 'EXISTS (SELECT FROM opt.projects)'$$,
  $$shared => 'random() < 0.5'$$,
  $$shared => 'nothing_there'$$,
  $$shared => 'name'$$,
  $$project_column => 'at'$$,
  $$owner_column => 'public'$$,
  $$owner_column => 'nobody_there'$$,
  $$scope => 'all'$$,
  $$scope => NULL$$,
  $$roles => '{}'$$,
  $$roles => '{no_such_role}'$$
]) o, LATERAL refused(format('SELECT * FROM tenant_guard.protect_table(''opt.leads'', %s)', o)) r;
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('opt.tasks')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('opt.tasks', via => 'title')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('opt.tasks', via => 'nope')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_schema('opt')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_schema('no such schema')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.denormalize_tenant('opt.tasks')$$);
SELECT count(*) AS "policies after all that" FROM pg_policy WHERE polrelid::regclass::text LIKE 'opt.%';

-- A role, a permission, one's own.
SELECT count(*) FROM tenant_guard.protect_table('opt.leads', owner_column => 'created_by', permissions =>
  '{"select": "member", "insert": ["own", "importer"], "update": ["own", "admin"], "delete": "leads:delete"}');
SELECT polname, polcmd, pg_get_expr(polqual, polrelid) AS "using", pg_get_expr(polwithcheck, polrelid) AS "check"
FROM pg_policy WHERE polrelid = 'opt.leads'::regclass ORDER BY 1;
RESET ROLE;
SELECT count(*) FROM tenant_guard.set_role_permissions('manager', '{leads:*}', '{admin}');
SET ROLE authenticated;
CREATE FUNCTION pg_temp.be(role text, who int DEFAULT 1, org text DEFAULT 'aaaaaaaa-0000-4000-8000-000000000001') RETURNS void LANGUAGE sql AS $$
  SELECT identity(format('{"sub": "00000000-0000-4000-8000-00000000000%s", "org_id": "%s", "app_metadata": {"roles": ["%s"]}}', who, org, role)::json)
$$;
BEGIN;
SELECT pg_temp.be('viewer');
INSERT INTO opt.leads (name, created_by) VALUES ('of 1', '00000000-0000-4000-8000-000000000001') RETURNING name, organization_id;
SELECT * FROM refused($$INSERT INTO opt.leads (name, created_by) VALUES ('for 2', '00000000-0000-4000-8000-000000000002')$$);
SELECT pg_temp.be('importer');
INSERT INTO opt.leads (name, created_by) VALUES ('for 2', '00000000-0000-4000-8000-000000000002') RETURNING name;
SELECT pg_temp.be('viewer');
SELECT name FROM opt.leads ORDER BY id;
UPDATE opt.leads SET name = name || '!' RETURNING name; -- one's own
DELETE FROM opt.leads RETURNING name; -- nobody's but of those who may
SELECT pg_temp.be('admin');
UPDATE opt.leads SET name = name || '!' RETURNING name;
DELETE FROM opt.leads RETURNING name;
SELECT pg_temp.be('manager'); -- an admin by inheritance, with leads:*
UPDATE opt.leads SET name = name || '!' RETURNING name;
SELECT pg_temp.be('manager', org => 'bbbbbbbb-0000-4000-8000-000000000002');
DELETE FROM opt.leads RETURNING name; -- in the other organization there is none
SELECT pg_temp.be('manager');
DELETE FROM opt.leads RETURNING name;
ROLLBACK;
RESET ROLE;
SELECT count(*) FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change WHERE operation = 'set_role_permissions'));

-- Projects within the organization.
SET ROLE app_owner;
SELECT count(*) FROM tenant_guard.protect_table('opt.leads', project_column => 'project_id');
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'opt.leads'::regclass AND NOT indisprimary ORDER BY 1;
SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"u","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT * FROM refused($$INSERT INTO opt.leads (name) VALUES ('no project')$$);
SELECT identity('{"sub":"u","org_id":"aaaaaaaa-0000-4000-8000-000000000001","project_id":"cccccccc-0000-4000-8000-000000000001"}');
INSERT INTO opt.leads (name) VALUES ('in the project') RETURNING organization_id, project_id;
SELECT identity('{"sub":"u","org_id":"aaaaaaaa-0000-4000-8000-000000000001","project_id":"cccccccc-0000-4000-8000-000000000002"}');
SELECT count(*) FROM opt.leads;
ROLLBACK;

-- Shared rows: read by all, written by nobody, made by nobody.
SET ROLE app_owner;
SELECT count(*) FROM tenant_guard.protect_table('opt.leads', shared => 'public');
SELECT count(*) AS again FROM tenant_guard.protect_table('opt.leads', shared => 'public');
RESET ROLE;
INSERT INTO opt.leads (organization_id, public, name) VALUES ('bbbbbbbb-0000-4000-8000-000000000002', true, 'of B, for all'), ('bbbbbbbb-0000-4000-8000-000000000002', false, 'of B');
SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"u","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT name FROM opt.leads;
UPDATE opt.leads SET name = 'mine now' RETURNING name;
DELETE FROM opt.leads RETURNING name;
SELECT * FROM refused($$INSERT INTO opt.leads (public, name) VALUES (true, 'for all')$$);
INSERT INTO opt.leads (name) VALUES ('of A') RETURNING name;
SELECT * FROM refused($$UPDATE opt.leads SET public = true$$);
SELECT identity('{"sub":"u","org_id":"bbbbbbbb-0000-4000-8000-000000000002"}');
UPDATE opt.leads SET name = 'changed' RETURNING public, name; -- not even by the organization that it came from
ROLLBACK;

-- Along a foreign key that was named; then with a column of its own, held to the parent's.
SET ROLE app_owner;
SELECT count(*) FROM tenant_guard.protect_table('opt.projects');
SELECT count(*) FROM tenant_guard.protect_table('opt.tasks', via => 'project_id');
SELECT count(*) AS again FROM tenant_guard.protect_table('opt.tasks', via => 'project_id');
RESET ROLE;
INSERT INTO opt.projects (organization_id, name) VALUES ('aaaaaaaa-0000-4000-8000-000000000001', 'A'), ('bbbbbbbb-0000-4000-8000-000000000002', 'B');
SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"u","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
INSERT INTO opt.tasks (project_id, title) VALUES (1, 'of A') RETURNING title;
SELECT * FROM refused($$INSERT INTO opt.tasks (project_id, title) VALUES (2, 'of B')$$);
SELECT * FROM refused($$INSERT INTO opt.tasks (title) VALUES ('of nobody')$$);
SELECT * FROM refused($$UPDATE opt.tasks SET project_id = 2$$);
SELECT identity('{"sub":"u","org_id":"bbbbbbbb-0000-4000-8000-000000000002"}');
SELECT count(*) FROM opt.tasks;
COMMIT;
SET ROLE app_owner;
SELECT count(*) FROM tenant_guard.unprotect_table('opt.tasks');
SELECT step, action FROM tenant_guard.denormalize_tenant('opt.tasks', via => 'project_id');
SELECT count(*) AS again FROM tenant_guard.denormalize_tenant('opt.tasks', via => 'project_id');
SELECT count(*) FROM tenant_guard.protect_table('opt.tasks');
RESET ROLE;
SELECT organization_id, project_id, title FROM opt.tasks;

-- What is protected, and what was changed by hand since.
SET ROLE app_owner;
ALTER TABLE opt.leads ALTER organization_id DROP DEFAULT, NO FORCE ROW LEVEL SECURITY;
GRANT TRUNCATE ON opt.leads TO authenticated;
ALTER POLICY tenant_guard_insert ON opt.leads WITH CHECK (true);
DROP POLICY tenant_guard_delete ON opt.leads;
CREATE POLICY by_hand ON opt.leads USING (true);
SELECT table_name, scope, roles, options, drift FROM tenant_guard.protected_tables WHERE table_schema = 'opt' ORDER BY 1;
SELECT step, action FROM tenant_guard.protect_table('opt.leads', shared => 'public', existing => 'replace');
SELECT drift FROM tenant_guard.protected_tables WHERE table_schema = 'opt' AND table_name = 'leads';
ALTER TABLE opt.leads RENAME TO "Leads of old";
SELECT table_name, drift FROM tenant_guard.protected_tables WHERE table_schema = 'opt' ORDER BY 1;
SET ROLE authenticated;
SELECT count(*) AS "of tables that are not one's own" FROM tenant_guard.protected_tables;
RESET ROLE;
