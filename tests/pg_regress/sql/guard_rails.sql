-- enforce: no table forgotten; and what hangs under a protected table later.
\set VERBOSITY terse
SELECT step, action FROM tenant_guard.enforce('{no_such_schema}', 'warn');
CREATE SCHEMA "Guard ed";
GRANT ALL ON SCHEMA "Guard ed" TO app_owner;
SELECT r.* FROM unnest(ARRAY[
  $$'{}', 'warn'$$, $$NULL, 'warn'$$, $$'{"Guard ed"}', 'shout'$$, $$'{"Guard ed"}', NULL$$,
  $$'{"Guard ed"}', 'error', options => '{"scope": "member"}'$$,
  $$'{"Guard ed"}', 'protect', options => '{"scop": "member"}'$$,
  $$'{"Guard ed"}', 'protect', options => '[]'$$,
  $$'{"Guard ed"}', 'protect', options => '{"scope": "member", "project_column": "p"}'$$
]) o, LATERAL refused(format('SELECT * FROM tenant_guard.enforce(%s)', o)) r;
SET ROLE app_owner;
SELECT * FROM refused($$SELECT * FROM tenant_guard.enforce('{"Guard ed"}', 'warn')$$);
SET tenant_guard.enforcement = off;
RESET ROLE;

-- A warning.
SELECT step, action, sql, undo FROM tenant_guard.enforce('{"Guard ed"}', 'warn', 'Org Id') \gx
SELECT count(*) AS again FROM tenant_guard.enforce('{"Guard ed"}', 'warn', 'Org Id');
SET ROLE app_owner;
CREATE TABLE "Guard ed".plain (id int);
CREATE TABLE "Guard ed"."War ned" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Org Id" uuid);
ALTER TABLE "Guard ed".plain ADD "Org Id" uuid;
CREATE VIEW "Guard ed".v AS TABLE "Guard ed"."War ned";
SELECT count(*) FROM tenant_guard.protect_table('"Guard ed"."War ned"', 'Org Id');
CREATE POLICY more ON "Guard ed"."War ned" USING (true);
DROP POLICY more ON "Guard ed"."War ned";
ALTER TABLE "Guard ed"."War ned" DISABLE ROW LEVEL SECURITY;
RESET ROLE;

-- An error, when the transaction commits.
SELECT step, action FROM tenant_guard.enforce('{"Guard ed"}', 'error', 'Org Id');
SET ROLE app_owner;
CREATE TABLE "Guard ed".refused ("Org Id" uuid);
BEGIN;
CREATE TABLE "Guard ed".accepted ("Org Id" uuid);
SELECT count(*) FROM tenant_guard.protect_table('"Guard ed".accepted', 'Org Id');
COMMIT;
BEGIN;
CREATE TABLE "Guard ed".gone ("Org Id" uuid);
DROP TABLE "Guard ed".gone;
COMMIT;
ALTER TABLE "Guard ed".accepted NO FORCE ROW LEVEL SECURITY;
DROP POLICY tenant_guard_tenant ON "Guard ed".accepted;
DROP POLICY tenant_guard_delete ON "Guard ed".accepted;
SELECT drift FROM tenant_guard.protected_tables WHERE table_name = 'accepted';
SELECT count(*) FROM tenant_guard.protect_table('"Guard ed".accepted', 'Org Id');
CREATE TABLE "Guard ed".copied AS SELECT * FROM "Guard ed".accepted;
CREATE VIEW "Guard ed".open AS SELECT * FROM "Guard ed".accepted;
CREATE VIEW "Guard ed".invoked WITH (security_invoker = true) AS SELECT * FROM "Guard ed".accepted;
ALTER VIEW "Guard ed".invoked RESET (security_invoker);
CREATE MATERIALIZED VIEW "Guard ed".held AS SELECT * FROM "Guard ed".accepted;
RESET ROLE;
CREATE SCHEMA elsewhere AUTHORIZATION app_owner;
SET ROLE app_owner;
CREATE MATERIALIZED VIEW elsewhere.moved AS SELECT * FROM "Guard ed".accepted;
ALTER MATERIALIZED VIEW elsewhere.moved SET SCHEMA "Guard ed";
BEGIN;
CREATE TABLE "Guard ed".renamed ("Org Id" uuid);
SELECT count(*) FROM tenant_guard.protect_table('"Guard ed".renamed', 'Org Id');
ALTER INDEX "Guard ed".renamed RENAME TO "re named";
SELECT table_name FROM tenant_guard.protection WHERE table_name LIKE 're%named';
ROLLBACK;
CREATE TEMP TABLE temporary ("Org Id" uuid);
RESET ROLE;
SET tenant_guard.enforcement = off;
CREATE TABLE "Guard ed".passed ("Org Id" uuid);
RESET tenant_guard.enforcement;
SELECT c.relname FROM pg_class c WHERE c.relnamespace = '"Guard ed"'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1;
SELECT count(*) AS unchecked FROM tenant_guard.unchecked;

-- At once.
SELECT step, action FROM tenant_guard.enforce('{"Guard ed"}', 'protect', 'Org Id', '{"scope": "member", "roles": ["authenticated", "nobody"]}');
SET ROLE app_owner;
SET client_min_messages = notice;
CREATE TABLE "Guard ed"."At once" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Org Id" uuid);
CREATE VIEW "Guard ed"."Seen" AS TABLE "Guard ed"."At once";
CREATE TABLE "Guard ed".parts ("Org Id" uuid, at date) PARTITION BY RANGE (at);
CREATE TABLE "Guard ed".parts_1 (LIKE "Guard ed".parts);
ALTER TABLE "Guard ed".parts ATTACH PARTITION "Guard ed".parts_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
RESET client_min_messages;
SELECT table_name, scope, roles, drift FROM tenant_guard.protected_tables WHERE table_schema = 'Guard ed' ORDER BY 1;
SELECT reloptions FROM pg_class WHERE oid = '"Guard ed"."Seen"'::regclass;
RESET ROLE;
SELECT step, action FROM tenant_guard.enforce('{"Guard ed"}', 'off', 'Org Id');
SELECT step, action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change));
SELECT step, action FROM tenant_guard.enforce('{"Guard ed"}', 'off');

-- Without enforce: what hangs under a protected table is protected as it is.
SET ROLE app_owner;
CREATE SCHEMA later;
CREATE TABLE later.events (organization_id uuid NOT NULL, at date NOT NULL, kind text) PARTITION BY RANGE (at);
SELECT count(*) FROM tenant_guard.protect_table('later.events', shared => 'kind IS NULL');
SET client_min_messages = notice;
CREATE TABLE later.events_1 PARTITION OF later.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind);
CREATE TABLE later.events_1_call PARTITION OF later.events_1 FOR VALUES IN ('call');
CREATE TABLE later.attached (kind text, at date NOT NULL, organization_id uuid NOT NULL);
ALTER TABLE later.events ATTACH PARTITION later.attached FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
CREATE TABLE later.child () INHERITS (later.attached);
CREATE TABLE later.with_policy (organization_id uuid NOT NULL, at date NOT NULL, kind text);
CREATE POLICY theirs ON later.with_policy USING (true);
ALTER TABLE later.events ATTACH PARTITION later.with_policy FOR VALUES FROM ('2028-01-01') TO ('2029-01-01');
CREATE TABLE later.documents (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id uuid NOT NULL);
SELECT count(*) FROM tenant_guard.protect_table('later.documents');
CREATE TABLE later.contracts (signed date) INHERITS (later.documents);
RESET client_min_messages;
SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS rls, (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies,
       (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid) AS triggers
FROM pg_class c WHERE c.relnamespace = 'later'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1;
SELECT count(*) AS "left to do" FROM tenant_guard.protect_table('later.events', shared => 'kind IS NULL');
SELECT table_name, drift FROM tenant_guard.protected_tables WHERE table_schema = 'later' ORDER BY 1;
RESET ROLE;
