-- The active organization: checked against the membership table, ended by the transaction.
\pset null '(null)'
SET ROLE app_owner;
CREATE SCHEMA ctx;
CREATE TABLE ctx.memberships (user_id uuid NOT NULL, organization_id uuid NOT NULL, role text, PRIMARY KEY (user_id, organization_id));
-- Row-level security on the membership table itself must neither blind the look-ups nor recurse into them.
ALTER TABLE ctx.memberships ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON ctx.memberships USING (organization_id = ANY (tenant_guard.org_ids()));
RESET ROLE;
INSERT INTO ctx.memberships VALUES
  ('11111111-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000001', 'owner'),
  ('11111111-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002', NULL),
  ('22222222-0000-4000-8000-000000000002', 'bbbbbbbb-0000-4000-8000-000000000002', 'member');

-- Before anything is registered nobody is a member.
BEGIN;
SELECT identity('{"sub":"11111111-0000-4000-8000-000000000001"}');
SELECT tenant_guard.org_ids(), tenant_guard.is_member('aaaaaaaa-0000-4000-8000-000000000001');
SELECT * FROM refused($$SELECT tenant_guard.set_org('aaaaaaaa-0000-4000-8000-000000000001')$$);
ROLLBACK;

SELECT step, action, sql, undo FROM tenant_guard.use_membership('ctx.memberships', 'user_id', 'organization_id', 'role', dry_run => true);
SELECT step, action FROM tenant_guard.use_membership('ctx.memberships', 'user_id', 'organization_id', 'role');
SELECT count(*) AS "the second time" FROM tenant_guard.use_membership('ctx.memberships', 'user_id', 'organization_id', 'role');

SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"11111111-0000-4000-8000-000000000001"}');
SELECT tenant_guard.org_ids(), tenant_guard.org_ids_text();
SELECT tenant_guard.is_member('aaaaaaaa-0000-4000-8000-000000000001') AS a, tenant_guard.is_member('cccccccc-0000-4000-8000-000000000003') AS c, tenant_guard.is_member(NULL) AS nobody;
SELECT tenant_guard.org_role('aaaaaaaa-0000-4000-8000-000000000001') AS a, tenant_guard.org_role('bbbbbbbb-0000-4000-8000-000000000002') AS b, tenant_guard.org_role_text('nope') AS none;
SELECT tenant_guard.org_id() AS "none yet";
SELECT tenant_guard.set_org('aaaaaaaa-0000-4000-8000-000000000001'), tenant_guard.org_id(), tenant_guard.require_org(), tenant_guard.require_org_text();
-- A savepoint takes its choice back with it.
SAVEPOINT s;
SELECT tenant_guard.set_org_text('bbbbbbbb-0000-4000-8000-000000000002');
SELECT tenant_guard.org_id();
ROLLBACK TO s;
SELECT tenant_guard.org_id();
-- The choice was checked for this user; it is worth nothing for another.
SELECT identity('{"sub":"22222222-0000-4000-8000-000000000002"}');
SELECT tenant_guard.org_id() AS "the other user's";
COMMIT;
SELECT tenant_guard.org_id() AS "after the transaction";

-- What is refused.
SELECT * FROM refused($$SELECT tenant_guard.set_org('aaaaaaaa-0000-4000-8000-000000000001')$$);
SELECT * FROM refused($$SELECT tenant_guard.require_org()$$);
BEGIN;
SELECT identity('{"sub":"22222222-0000-4000-8000-000000000002"}');
SELECT * FROM refused($$SELECT tenant_guard.set_org('aaaaaaaa-0000-4000-8000-000000000001')$$);
SELECT * FROM refused($$SELECT tenant_guard.set_org_text('"; DROP TABLE ctx.memberships --')$$);
SELECT * FROM refused($$SELECT tenant_guard.set_org(NULL)$$);
SELECT * FROM refused($$SET tenant_guard.org = '36:22222222-0000-4000-8000-000000000002aaaaaaaa-0000-4000-8000-000000000001'$$);
SELECT * FROM refused($$SELECT set_config('tenant_guard.org', 'x', true)$$);
SELECT * FROM refused($$RESET tenant_guard.org$$);
SELECT * FROM refused($$ALTER ROLE CURRENT_USER SET tenant_guard.org = 'x'$$);
SELECT tenant_guard.org_id() AS "still none";
ROLLBACK;
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('ctx.memberships', 'user_id', 'organization_id')$$);
SELECT * FROM refused($$SELECT tenant_guard.register_membership('{"table_schema": "ctx", "table_name": "memberships", "user_column": "user_id", "org_column": "organization_id"}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.membership$$);
RESET ROLE;

-- A membership that is taken away counts until the transaction ends.
BEGIN;
SELECT identity('{"sub":"22222222-0000-4000-8000-000000000002"}');
SELECT tenant_guard.is_member('bbbbbbbb-0000-4000-8000-000000000002');
DELETE FROM ctx.memberships WHERE user_id = '22222222-0000-4000-8000-000000000002';
SELECT tenant_guard.is_member('bbbbbbbb-0000-4000-8000-000000000002');
ROLLBACK;

-- Whole numbers and text serve as ids too; quoted names everywhere.
CREATE SCHEMA "Ctx Two";
CREATE DOMAIN "Ctx Two".number AS integer;
CREATE DOMAIN "Ctx Two".subject AS text;
CREATE TABLE "Ctx Two"."member of" ("User" "Ctx Two".subject, "Org Id" "Ctx Two".number);
SELECT * FROM refused($$SELECT * FROM tenant_guard.use_membership('"Ctx Two"."member of"', 'User', 'Org Id')$$);
CREATE INDEX "member by user" ON "Ctx Two"."member of" ("User");
INSERT INTO "Ctx Two"."member of" VALUES ('auth0|7', 42), ('auth0|7', 7), ('auth0|7', 42);
SELECT action, undo FROM tenant_guard.use_membership('"Ctx Two"."member of"', 'User', 'Org Id');
BEGIN;
SELECT identity('{"sub":"auth0|7"}');
SELECT tenant_guard.org_ids(), tenant_guard.org_ids_text(), tenant_guard.org_ids_bigint(), tenant_guard.org_role_text('42');
SELECT tenant_guard.set_org_text('42'), tenant_guard.org_id_bigint(), tenant_guard.org_id();
SELECT tenant_guard.is_member_text('042') AS "another spelling", tenant_guard.is_member_text('x') AS "no number";
SELECT tenant_guard.set_org_text('7'), tenant_guard.org_id_text() AS "as the table spells it";
SELECT * FROM refused($$SELECT tenant_guard.require_org()$$);
ROLLBACK;
-- A registered table that is gone makes nobody a member.
BEGIN;
ALTER TABLE "Ctx Two"."member of" RENAME TO elsewhere;
SELECT identity('{"sub":"auth0|7"}');
SELECT tenant_guard.org_ids_text();
SELECT * FROM refused($$SELECT tenant_guard.set_org_text('42')$$);
ROLLBACK;

-- What a session keeps of the registration is never out of date.
BEGIN;
SELECT identity('{"sub":"auth0|7"}');
SELECT tenant_guard.org_ids_text();
ALTER TABLE "Ctx Two"."member of" RENAME TO elsewhere;
SELECT tenant_guard.org_ids_text() AS renamed;
ALTER TABLE "Ctx Two".elsewhere RENAME TO "member of";
SELECT tenant_guard.org_ids_text() AS "renamed back";
ALTER SCHEMA "Ctx Two" RENAME TO ctx_three;
SELECT tenant_guard.org_ids_text() AS "schema renamed";
ALTER SCHEMA ctx_three RENAME TO "Ctx Two";
ALTER TABLE "Ctx Two"."member of" RENAME COLUMN "User" TO u;
SELECT tenant_guard.org_ids_text() AS "column renamed";
ALTER TABLE "Ctx Two"."member of" RENAME COLUMN u TO "User";
SAVEPOINT s;
SELECT count(*) FROM tenant_guard.use_membership('ctx.memberships', 'user_id', 'organization_id');
SELECT tenant_guard.org_ids_text() AS "another table";
ROLLBACK TO s;
SELECT tenant_guard.org_ids_text() AS "rolled back";
ALTER TABLE "Ctx Two"."member of" ALTER "Org Id" TYPE text;
SELECT tenant_guard.org_ids_text() AS "another type", tenant_guard.is_member_text('042') AS "no number any more";
ROLLBACK;

-- Neither does a role column that is gone raise anything.
BEGIN;
SELECT count(*) FROM tenant_guard.use_membership('ctx.memberships', 'user_id', 'organization_id', 'role');
ALTER TABLE ctx.memberships DROP COLUMN role;
SELECT identity('{"sub":"11111111-0000-4000-8000-000000000001"}');
SELECT tenant_guard.is_member('aaaaaaaa-0000-4000-8000-000000000001'), tenant_guard.org_role('aaaaaaaa-0000-4000-8000-000000000001');
ROLLBACK;

-- Undo registers what was registered before, and then nothing.
SELECT action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change WHERE operation = 'use_membership'));
BEGIN;
SELECT identity('{"sub":"11111111-0000-4000-8000-000000000001"}');
SELECT tenant_guard.org_ids();
ROLLBACK;

-- The other tests know of none.
SELECT tenant_guard.register_membership(NULL);
