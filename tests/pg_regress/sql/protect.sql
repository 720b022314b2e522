-- protect_table: the plan, what it does to rows, and nothing the second time.
\pset null '(null)'
SET ROLE app_owner;
CREATE SCHEMA "Acme Co";
GRANT USAGE ON SCHEMA "Acme Co" TO authenticated, nobody;
CREATE TABLE "Acme Co"."order" (id int PRIMARY KEY, "Org Id" uuid NOT NULL, body text);
INSERT INTO "Acme Co"."order" SELECT n, CASE n % 2 WHEN 1 THEN 'aaaaaaaa-0000-4000-8000-000000000001'::uuid ELSE 'bbbbbbbb-0000-4000-8000-000000000002' END, 'row ' || n FROM generate_series(1, 6) n;
GRANT ALL ON "Acme Co"."order" TO authenticated, nobody;

\pset format unaligned
SELECT sql FROM tenant_guard.protect_table('"Acme Co"."order"', 'Org Id', dry_run => true);
SELECT undo FROM tenant_guard.protect_table('"Acme Co"."order"', 'Org Id', dry_run => true);
\pset format aligned
SELECT count(*) AS "policies after a dry run" FROM pg_policy WHERE polrelid = '"Acme Co"."order"'::regclass;
SELECT change_id IS NULL AS dry, step, action FROM tenant_guard.protect_table('"Acme Co"."order"', 'Org Id');
SELECT count(*) AS "steps the second time" FROM tenant_guard.protect_table('"Acme Co"."order"', 'Org Id');
SELECT id, "Org Id" FROM "Acme Co"."order" ORDER BY id; -- the owner obeys too

SET ROLE authenticated;
BEGIN;
SELECT id FROM "Acme Co"."order" ORDER BY id; -- no claims, no rows
SELECT identity('{"sub":"u","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT id, body FROM "Acme Co"."order" ORDER BY id;
-- The index finds the organization's rows; the planner has settled whether the floor stands.
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT bool_or(line ~ 'Cond:.*context') AS "by the index", bool_or(line ~ 'has_floor') AS "asked again"
FROM explained('SELECT * FROM "Acme Co"."order"') line;
COMMIT;
UPDATE "Acme Co"."order" SET body = 'mine' RETURNING id;
DELETE FROM "Acme Co"."order" WHERE id = 1 RETURNING id;
DELETE FROM "Acme Co"."order" WHERE id = 2 RETURNING id; -- the other tenant's: not there
INSERT INTO "Acme Co"."order" VALUES (7, 'aaaaaaaa-0000-4000-8000-000000000001', 'new') RETURNING id;
SELECT * FROM refused($$INSERT INTO "Acme Co"."order" VALUES (8, 'bbbbbbbb-0000-4000-8000-000000000002', 'theirs')$$);
SELECT * FROM refused($$UPDATE "Acme Co"."order" SET "Org Id" = 'bbbbbbbb-0000-4000-8000-000000000002'$$);
SELECT * FROM refused($$INSERT INTO "Acme Co"."order" VALUES (7, 'aaaaaaaa-0000-4000-8000-000000000001') ON CONFLICT (id) DO UPDATE SET "Org Id" = 'bbbbbbbb-0000-4000-8000-000000000002'$$);
SELECT * FROM refused($$MERGE INTO "Acme Co"."order" o USING (VALUES (9)) v(id) ON o.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'bbbbbbbb-0000-4000-8000-000000000002', 'merged')$$);
ROLLBACK;
-- A role that the policies are not for sees nothing, whatever its claims.
SET ROLE nobody;
BEGIN;
SELECT identity('{"sub":"u","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT count(*) FROM "Acme Co"."order";
ROLLBACK;

-- Another option plans only the difference.
SET ROLE app_owner;
SELECT step, action FROM tenant_guard.protect_table('"Acme Co"."order"', 'Org Id', roles => '{nobody,authenticated}');
SELECT polname, polcmd, polpermissive, ARRAY(SELECT r::regrole::text FROM unnest(polroles) r ORDER BY 1) AS roles FROM pg_policy WHERE polrelid = '"Acme Co"."order"'::regclass ORDER BY 1;

-- Somebody's change by hand is put right; the rest is left.
ALTER POLICY tenant_guard_select ON "Acme Co"."order" USING (true);
ALTER TABLE "Acme Co"."order" NO FORCE ROW LEVEL SECURITY;
SELECT step, action FROM tenant_guard.protect_table('"Acme Co"."order"', 'Org Id', roles => '{nobody,authenticated}');

-- scope => 'member' shows every organization of the user's.
SELECT sql FROM tenant_guard.protect_table('"Acme Co"."order"', 'Org Id', scope => 'member', dry_run => true) WHERE step = 2;

-- Each type of id; domains count as what they are over.
CREATE DOMAIN "Acme Co".org AS varchar(40);
CREATE TABLE "Acme Co".by_text (org text, x int);
CREATE TABLE "Acme Co".by_varchar (org varchar(20), x int);
CREATE TABLE "Acme Co".by_domain (org "Acme Co".org, x int);
CREATE DOMAIN "Acme Co".org_uuid AS uuid;
CREATE DOMAIN "Acme Co".org_int AS int;
CREATE DOMAIN "Acme Co".org_text AS text;
CREATE TABLE "Acme Co".by_domain_uuid (org "Acme Co".org_uuid, x int);
CREATE TABLE "Acme Co".by_domain_int (org "Acme Co".org_int, x int);
CREATE TABLE "Acme Co".by_domain_text (org "Acme Co".org_text, x int);
CREATE TABLE "Acme Co".by_smallint (org smallint, x int);
CREATE TABLE "Acme Co".by_bigint (org bigint, x int);
SELECT t, (SELECT count(*) FROM tenant_guard.protect_table(('"Acme Co".' || t)::regclass, 'org', scope => s)) AS steps,
       (SELECT count(*) FROM tenant_guard.protect_table(('"Acme Co".' || t)::regclass, 'org', scope => s)) AS again
FROM unnest(ARRAY['by_text', 'by_varchar', 'by_domain', 'by_domain_uuid', 'by_domain_int', 'by_domain_text', 'by_smallint', 'by_bigint']) t, unnest(ARRAY['active', 'member']) s;
SELECT polrelid::regclass, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = 'tenant_guard_tenant' AND polrelid::regclass::text LIKE '%by\_%' ORDER BY 1;

-- The session's settings change nothing.
SET quote_all_identifiers = on; SET standard_conforming_strings = off; SET timezone = 'Asia/Tokyo'; SET datestyle = 'German';
SELECT count(*) AS again FROM tenant_guard.protect_table('"Acme Co".by_domain_uuid', 'org', scope => 'member');
RESET quote_all_identifiers; RESET standard_conforming_strings; RESET timezone; RESET datestyle;

-- Policies that others made.
CREATE TABLE "Acme Co".notes (organization_id uuid, body text);
ALTER TABLE "Acme Co".notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY "every one" ON "Acme Co".notes AS PERMISSIVE FOR SELECT TO authenticated, nobody USING (body <> 'it''s');
COMMENT ON POLICY "every one" ON "Acme Co".notes IS 'it''s old';
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('"Acme Co".notes')$$);
SET client_min_messages = notice;
SELECT action FROM tenant_guard.protect_table('"Acme Co".notes', existing => 'keep', index => 'skip', dry_run => true);
RESET client_min_messages;
SELECT action, undo FROM tenant_guard.protect_table('"Acme Co".notes', existing => 'replace', index => 'skip') WHERE step <= 2;
SELECT step, action, sql FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change)) WHERE step > 6;
SELECT polname, obj_description(oid, 'pg_policy') FROM pg_policy WHERE polrelid = '"Acme Co".notes'::regclass;

-- A partitioned table is protected with its partitions, each of which could be read by itself.
CREATE TABLE "Acme Co".events (organization_id uuid, at date) PARTITION BY RANGE (at);
CREATE TABLE "Acme Co".events_2026 PARTITION OF "Acme Co".events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (organization_id);
CREATE TABLE "Acme Co"."events 2026 a" PARTITION OF "Acme Co".events_2026 DEFAULT;
SELECT count(*) FROM tenant_guard.protect_table('"Acme Co".events');
SELECT count(*) AS again FROM tenant_guard.protect_table('"Acme Co".events');
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
       (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes
FROM pg_class c WHERE c.relnamespace = '"Acme Co"'::regnamespace AND c.relname LIKE 'events%' AND c.relkind IN ('r', 'p') ORDER BY 1;

-- The index: one that serves is enough, one that does not is not; a taken name is avoided.
CREATE TABLE "Acme Co".t1 (organization_id uuid, x int);
CREATE INDEX idx_t1_organization_id ON "Acme Co".t1 (organization_id) WHERE x > 0;
SELECT action FROM tenant_guard.protect_table('"Acme Co".t1') WHERE action LIKE '%index%';
CREATE TABLE "Acme Co".t2 (organization_id uuid, x int, UNIQUE (organization_id, x));
SELECT action FROM tenant_guard.protect_table('"Acme Co".t2') WHERE action LIKE '%index%';
CREATE TABLE "Acme Co".t3 (organization_id uuid, x int);
SELECT * FROM refused($$SELECT * FROM tenant_guard.protect_table('"Acme Co".t3', index => 'concurrently')$$);
SELECT sql, undo FROM tenant_guard.protect_table('"Acme Co".t3', index => 'concurrently', dry_run => true) WHERE action LIKE '%index%';
CREATE INDEX CONCURRENTLY idx_t3_organization_id ON "Acme Co".t3 (organization_id);
SELECT count(*) AS "then the rest" FROM tenant_guard.protect_table('"Acme Co".t3', index => 'concurrently');

-- The way out.
SELECT step, action FROM tenant_guard.unprotect_table('"Acme Co".t3');
SELECT count(*) AS again FROM tenant_guard.unprotect_table('"Acme Co".t3');
CREATE POLICY theirs ON "Acme Co".t2 USING (true);
SET client_min_messages = notice;
SELECT step, action FROM tenant_guard.unprotect_table('"Acme Co".t2');
RESET client_min_messages;
RESET ROLE;
