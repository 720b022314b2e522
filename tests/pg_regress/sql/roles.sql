-- Projects, suspended organizations, roles and permissions.
\pset null '(null)'
SET ROLE app_owner;
CREATE SCHEMA "Role Co";
CREATE TABLE "Role Co".organizations (id uuid PRIMARY KEY, status text NOT NULL);
CREATE TABLE "Role Co"."Projects" (id uuid PRIMARY KEY, organization_id uuid NOT NULL REFERENCES "Role Co".organizations);
CREATE TABLE "Role Co".members ("user" text NOT NULL, organization_id uuid NOT NULL, roles text[], left_at date, UNIQUE ("user", organization_id));
RESET ROLE;
INSERT INTO "Role Co".organizations VALUES
  ('aaaaaaaa-0000-4000-8000-000000000001', 'active'), ('bbbbbbbb-0000-4000-8000-000000000002', 'suspended'), ('cccccccc-0000-4000-8000-000000000003', 'trialing');
INSERT INTO "Role Co"."Projects" VALUES
  ('a0000000-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000001'), ('c0000000-0000-4000-8000-000000000003', 'cccccccc-0000-4000-8000-000000000003');
INSERT INTO "Role Co".members VALUES
  ('ann', 'aaaaaaaa-0000-4000-8000-000000000001', '{admin}', NULL), ('ann', 'bbbbbbbb-0000-4000-8000-000000000002', '{owner}', NULL),
  ('ann', 'cccccccc-0000-4000-8000-000000000003', '{}', NULL), ('bob', 'aaaaaaaa-0000-4000-8000-000000000001', '{member}', '2020-01-01');

SELECT sql, undo FROM tenant_guard.use_membership('"Role Co".members', 'user', 'organization_id', 'roles', project_table => '"Role Co"."Projects"',
  organizations => '"Role Co".organizations', active_statuses => '{active,trialing}', active => 'left_at IS NULL -- still there', dry_run => true);
SELECT count(*) FROM tenant_guard.use_membership('"Role Co".members', 'user', 'organization_id', 'roles', project_table => '"Role Co"."Projects"',
  organizations => '"Role Co".organizations', active_statuses => '{active,trialing}', active => 'left_at IS NULL -- still there');
SELECT step, action, sql, undo FROM tenant_guard.set_role_permissions('member', '{leads:read}');
SELECT count(*) FROM tenant_guard.set_role_permissions('admin', '{leads:*}', inherits => '{member}');
SELECT count(*) AS "the second time" FROM tenant_guard.set_role_permissions('admin', '{leads:*}', inherits => '{member}');

SET ROLE authenticated;
BEGIN;
-- The token's own roles do not count where the table has them.
SELECT identity('{"sub":"ann","org_id":"aaaaaaaa-0000-4000-8000-000000000001","project_id":"a0000000-0000-4000-8000-000000000001","app_metadata":{"roles":["owner"]}}');
SELECT tenant_guard.org_id(), tenant_guard.project_id(), tenant_guard.project_id_text(), tenant_guard.project_id_bigint();
SELECT tenant_guard.roles(), tenant_guard.permissions(), tenant_guard.has_role('member') AS inherited, tenant_guard.has_role('owner') AS claimed,
       tenant_guard.has_permission('leads:write') AS wildcard, tenant_guard.has_permission('billing:read') AS not_granted;
SELECT tenant_guard.org_ids(), tenant_guard.is_member('bbbbbbbb-0000-4000-8000-000000000002') AS suspended, tenant_guard.org_role('bbbbbbbb-0000-4000-8000-000000000002');
SELECT tenant_guard.require_org(), tenant_guard.require_project(), tenant_guard.require_role('owner', 'member', 'admin'), tenant_guard.require_permission('leads:read');
SELECT * FROM refused($$SELECT tenant_guard.require_role('owner', 'auditor')$$);
SELECT * FROM refused($$SELECT tenant_guard.require_permission('billing:read')$$);
SELECT * FROM refused($$SELECT tenant_guard.require_role(VARIADIC '{}'::text[])$$);
-- Another organization, another role; and projects only of one's own.
SELECT tenant_guard.set_org('cccccccc-0000-4000-8000-000000000003', 'c0000000-0000-4000-8000-000000000003'), tenant_guard.project_id(), tenant_guard.roles();
SELECT * FROM refused($$SELECT tenant_guard.require_permission('leads:read')$$);
SELECT * FROM refused($$SELECT tenant_guard.set_org('aaaaaaaa-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000003')$$);
SELECT * FROM refused($$SELECT tenant_guard.set_org('aaaaaaaa-0000-4000-8000-000000000001', 'dddddddd-0000-4000-8000-000000000004')$$);
SELECT * FROM refused($$SELECT tenant_guard.set_org('bbbbbbbb-0000-4000-8000-000000000002')$$);
SELECT * FROM refused($$SELECT tenant_guard.validate_org('bbbbbbbb-0000-4000-8000-000000000002')$$);
SELECT tenant_guard.org_id() AS "still the one chosen", tenant_guard.validate_org('aaaaaaaa-0000-4000-8000-000000000001'), tenant_guard.validate_org_text('AAAAAAAA-0000-4000-8000-000000000001');
SELECT tenant_guard.set_org('aaaaaaaa-0000-4000-8000-000000000001'), tenant_guard.project_id() AS "none was chosen";
SELECT * FROM refused($$SELECT tenant_guard.require_project()$$);
ROLLBACK;
BEGIN;
-- A suspended organization, another's project, a membership that has ended: claimed in vain.
SELECT identity('{"sub":"ann","org_id":"bbbbbbbb-0000-4000-8000-000000000002"}');
SELECT tenant_guard.org_id();
SELECT * FROM refused($$SELECT tenant_guard.require_org()$$);
SELECT identity('{"sub":"ann","org_id":"aaaaaaaa-0000-4000-8000-000000000001","project_id":"c0000000-0000-4000-8000-000000000003"}');
SELECT tenant_guard.org_id(), tenant_guard.project_id();
SELECT identity('{"sub":"bob","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT tenant_guard.org_id(), tenant_guard.org_ids(), tenant_guard.roles();
SELECT * FROM refused($$SELECT tenant_guard.require_org_text()$$);
SELECT setting, value_seen, verdict, hint FROM tenant_guard.explain_identity() WHERE setting IN ('organization', 'project', 'membership table', 'roles in force', 'tenant_guard.org_check');
ROLLBACK;
RESET ROLE;

-- What the token claims counts where the administrator says so; suspended is suspended all the same.
BEGIN;
SET LOCAL tenant_guard.org_check = 'claim';
SELECT identity('{"sub":"bob","org_id":"aaaaaaaa-0000-4000-8000-000000000001","app_metadata":{"roles":["admin"]}}');
SELECT tenant_guard.org_id(), tenant_guard.org_ids(), tenant_guard.is_member('aaaaaaaa-0000-4000-8000-000000000001'), tenant_guard.roles(), tenant_guard.has_permission('leads:write');
SELECT identity('{"sub":"bob","org_id":"bbbbbbbb-0000-4000-8000-000000000002","app_metadata":{"roles":["admin"]}}');
SELECT tenant_guard.org_id(), tenant_guard.org_ids(), tenant_guard.roles();
ROLLBACK;

-- A row that is rolled back leaves no membership behind; one that is added counts at once.
BEGIN;
SELECT identity('{"sub":"eve"}');
SELECT tenant_guard.is_member('aaaaaaaa-0000-4000-8000-000000000001') AS "not yet";
SAVEPOINT s;
INSERT INTO "Role Co".members VALUES ('eve', 'aaaaaaaa-0000-4000-8000-000000000001', '{owner}', NULL);
SELECT tenant_guard.is_member('aaaaaaaa-0000-4000-8000-000000000001') AS "now";
ROLLBACK TO s;
SELECT tenant_guard.is_member('aaaaaaaa-0000-4000-8000-000000000001') AS "no more";
ROLLBACK;

-- Refused, and nothing changed.
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_role_permissions('member', '{}', inherits => '{admin}')$$);
SELECT * FROM refused($$SELECT tenant_guard.register_role_permissions('member', '{}', '{admin}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_role_permissions('member', '{lea*}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.set_role_permissions('', '{x}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('"Role Co".members', 'user', 'organization_id', active => 'left_at IS NULL) OR (true')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('"Role Co".members', 'user', 'organization_id', active => 'true; DROP TABLE x')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('"Role Co".members', 'user', 'organization_id', active => 'left_at IS NULL FROM pg_class')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('"Role Co".members', 'user', 'organization_id', active => 'no_column')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('"Role Co".members', 'organization_id', 'organization_id')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('"Role Co".members', 'user', 'organization_id', organizations => '"Role Co".organizations', status_column => 'state')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('"Role Co".members', 'user', 'organization_id', project_table => '"Role Co"."Projects"', project_column => 'organization_id')$$);
SELECT role, permissions, inherits FROM tenant_guard.role_permission ORDER BY role;
SELECT action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change));
SELECT action FROM tenant_guard.set_role_permissions('member', NULL);
SELECT action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change WHERE operation = 'use_membership'));
SELECT role FROM tenant_guard.role_permission;
SELECT table_name FROM tenant_guard.membership;
