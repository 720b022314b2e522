-- Tenant summaries: made, filled for one and for all, read by their own, and never with more rights than the owner's.
\pset null '(null)'
SET ROLE app_owner;
CREATE SCHEMA "Sum";
GRANT USAGE ON SCHEMA "Sum" TO authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA "Sum" GRANT ALL ON TABLES TO authenticated;
CREATE TABLE "Sum".deals (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id uuid NOT NULL, "Day" date NOT NULL, price numeric(10,2), note text COLLATE "C");
INSERT INTO "Sum".deals (organization_id, "Day", price, note)
SELECT CASE n % 2 WHEN 0 THEN 'aaaaaaaa-0000-4000-8000-000000000001'::uuid ELSE 'bbbbbbbb-0000-4000-8000-000000000002' END, date '2026-01-01' + n % 3, n, 'n' || n FROM generate_series(1, 12) n;
SELECT count(*) FROM tenant_guard.protect_table('"Sum".deals');

\pset format unaligned
SELECT sql, undo FROM tenant_guard.create_tenant_summary('"Sum"."by Day"', $$SELECT organization_id, "Day", sum(price)::numeric(12,2) AS "to'tal", max(note) AS "last" FROM "Sum".deals GROUP BY 1, 2; -- each day's $$, key => '{Day}', dry_run => true);
SELECT sql FROM tenant_guard.create_tenant_summary('"Sum".totals', 'SELECT organization_id, count(*) AS n FROM "Sum".deals GROUP BY 1', protect => false, dry_run => true);
\pset format aligned
SELECT to_regclass('"Sum"."by Day"') AS "after a dry run", (SELECT count(*) FROM tenant_guard.tenant_summary) AS registered;
SELECT step, action FROM tenant_guard.create_tenant_summary('"Sum"."by Day"', $$SELECT organization_id, "Day", sum(price)::numeric(12,2) AS "to'tal", max(note) AS "last" FROM "Sum".deals GROUP BY 1, 2; -- each day's $$, key => '{Day}');
SELECT count(*) AS "steps the second time" FROM tenant_guard.create_tenant_summary('"Sum"."by Day"', $$SELECT organization_id, "Day", sum(price)::numeric(12,2) AS "to'tal", max(note) AS "last" FROM "Sum".deals GROUP BY 1, 2$$, key => '{organization_id,Day}');
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation FROM pg_attribute a WHERE a.attrelid = '"Sum"."by Day"'::regclass AND a.attnum > 0;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '"Sum"."by Day"'::regclass AND contype = 'p';
SELECT has_table_privilege('authenticated', '"Sum"."by Day"', 'SELECT') AS reads, has_table_privilege('authenticated', '"Sum"."by Day"', 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes;
SELECT table_schema, table_name, table_owner, query, tenant_column, key FROM tenant_guard.tenant_summary;

-- Empty until refreshed; for one, for all; each organization reads its own.
SELECT tenant_guard.refresh_tenant_summary('"Sum"."by Day"', 'AAAAAAAA-0000-4000-8000-000000000001') AS written;
RESET ROLE;
SELECT DISTINCT organization_id, refreshed_at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS refreshed FROM "Sum"."by Day";
SET ROLE app_owner;
SELECT tenant_guard.refresh_tenant_summary('"Sum"."by Day"') AS written, tenant_guard.refresh_tenant_summary('"Sum"."by Day"') AS again;
SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"u","org_id":"bbbbbbbb-0000-4000-8000-000000000002"}');
SELECT organization_id, "Day", "to'tal", "last" FROM "Sum"."by Day" ORDER BY "Day";
ROLLBACK;
-- What is gone from the source goes, and the other organization's rows stay as they were.
RESET ROLE;
DELETE FROM "Sum".deals WHERE organization_id = 'aaaaaaaa-0000-4000-8000-000000000001' AND "Day" = '2026-01-01';
UPDATE "Sum".deals SET price = 100 WHERE organization_id = 'bbbbbbbb-0000-4000-8000-000000000002';
SET ROLE app_owner;
SELECT tenant_guard.refresh_tenant_summary('"Sum"."by Day"', 'aaaaaaaa-0000-4000-8000-000000000001') AS written;
SELECT tenant_guard.refresh_tenant_summary('"Sum"."by Day"', 'cccccccc-0000-4000-8000-000000000003') AS "no such organization";
RESET ROLE;
SELECT organization_id, count(*), sum("to'tal") FROM "Sum"."by Day" GROUP BY 1 ORDER BY 1;

-- For one organization the index of the source is read, not the whole of it.
INSERT INTO "Sum".deals (organization_id, "Day", price) SELECT md5(n::text)::uuid, '2026-02-01', n FROM generate_series(1, 5000) n;
ANALYZE "Sum".deals;
BEGIN;
SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relid = '"Sum".deals'::regclass \gset
SELECT tenant_guard.refresh_tenant_summary('"Sum"."by Day"', 'aaaaaaaa-0000-4000-8000-000000000001');
SELECT seq_scan - :seq_scan AS "in whole", idx_scan - :idx_scan AS "by index" FROM pg_stat_xact_user_tables WHERE relid = '"Sum".deals'::regclass;
ROLLBACK;

-- A failed refresh changes nothing.
INSERT INTO "Sum".deals (organization_id, "Day", price) VALUES ('aaaaaaaa-0000-4000-8000-000000000001', '2026-01-01', 99999999), ('aaaaaaaa-0000-4000-8000-000000000001', '2026-01-01', 99999999);
SET ROLE app_owner;
SELECT step, action, undo FROM tenant_guard.create_tenant_summary('"Sum"."by Day"', $$SELECT organization_id, "Day", (sum(price) / (count(*) - 1))::numeric(12,2) AS "to'tal", max(note) AS "last" FROM "Sum".deals GROUP BY 1, 2$$, key => '{Day}');
SELECT * FROM refused($$SELECT tenant_guard.refresh_tenant_summary('"Sum"."by Day"')$$) LIMIT 1;
RESET ROLE;
SELECT organization_id, count(*), sum("to'tal") FROM "Sum"."by Day" GROUP BY 1 ORDER BY 1;

-- It runs as the owner, whoever calls.
SET ROLE app_owner;
CREATE FUNCTION "Sum".who() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT current_user::text';
SELECT count(*) FROM tenant_guard.create_tenant_summary('"Sum".spy', 'SELECT DISTINCT organization_id, "Sum".who() AS ran_as FROM "Sum".deals', protect => false);
RESET ROLE;
SELECT tenant_guard.refresh_tenant_summary('"Sum".spy') > 0 AS "by a superuser";
SELECT DISTINCT ran_as FROM "Sum".spy;
-- Nothing that it may not: another owner's table, its policies, a way up.
CREATE TABLE "Sum".secret (organization_id uuid);
SET ROLE app_owner;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_summary('"Sum".stolen', 'SELECT organization_id FROM "Sum".secret')$$) LIMIT 1;
SET ROLE other_owner;
CREATE SCHEMA "Sum2"; GRANT USAGE ON SCHEMA "Sum2" TO app_owner;
CREATE TABLE "Sum2".lent (organization_id uuid); INSERT INTO "Sum2".lent VALUES ('aaaaaaaa-0000-4000-8000-000000000001');
GRANT SELECT ON "Sum2".lent TO app_owner;
SET ROLE app_owner;
SELECT count(*) FROM tenant_guard.create_tenant_summary('"Sum".lent', 'SELECT organization_id, count(*) AS n FROM "Sum2".lent GROUP BY 1');
SELECT tenant_guard.refresh_tenant_summary('"Sum".lent') AS "nothing is hidden";
SET ROLE other_owner;
SELECT count(*) FROM tenant_guard.protect_table('"Sum2".lent', roles => '{app_owner}');
SET ROLE app_owner;
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_summary('"Sum".lent2', 'SELECT organization_id, count(*) AS n FROM "Sum2".lent GROUP BY 1')$$) LIMIT 1;
SELECT * FROM refused($$SELECT tenant_guard.refresh_tenant_summary('"Sum".lent')$$) LIMIT 1;
CREATE FUNCTION "Sum".climb() RETURNS int LANGUAGE plpgsql AS $$ BEGIN SET LOCAL ROLE postgres; RETURN 1; END $$;
SELECT count(*) FROM tenant_guard.create_tenant_summary('"Sum".climbing', 'SELECT organization_id, "Sum".climb() AS n FROM "Sum".deals');
RESET ROLE;
SELECT answer FROM refused($$SELECT tenant_guard.refresh_tenant_summary('"Sum".climbing')$$) answer LIMIT 1;

-- The table is followed by its renames; one that takes its name is another; another owner's query does not run.
SET ROLE app_owner;
ALTER TABLE "Sum".spy RENAME TO "spy 2";
SELECT tenant_guard.refresh_tenant_summary('"Sum"."spy 2"') > 0 AS renamed;
CREATE TABLE "Sum".spy (organization_id uuid, ran_as text, refreshed_at timestamptz);
SELECT * FROM refused($$SELECT tenant_guard.refresh_tenant_summary('"Sum".spy')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_summary('"Sum".spy', 'SELECT organization_id FROM "Sum".deals')$$);
RESET ROLE;
ALTER TABLE "Sum"."spy 2" OWNER TO postgres;
SELECT * FROM refused($$SELECT tenant_guard.refresh_tenant_summary('"Sum"."spy 2"')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_tenant_summary('"Sum"."spy 2"')$$) LIMIT 1;
SET ROLE app_owner;
SELECT * FROM refused($$SELECT tenant_guard.register_tenant_summary('"Sum"."spy 2"', 'SELECT organization_id, ''x''::text AS ran_as FROM "Sum".deals', 'organization_id', '{}')$$) LIMIT 1;
RESET ROLE;
ALTER TABLE "Sum"."spy 2" OWNER TO app_owner;
SET ROLE app_owner;
SELECT tenant_guard.register_tenant_summary('"Sum"."spy 2"', 'SELECT organization_id, ''x''::text AS ran_as FROM "Sum".deals', 'organization_id', '{}');
SELECT tenant_guard.refresh_tenant_summary('"Sum"."spy 2"') > 0 AS "registered anew";
-- As in a restored copy, where the OID means nothing: by the name, for the same owner.
RESET ROLE;
UPDATE tenant_guard.tenant_summary SET origin = 1, table_oid = 1, table_name = 'spy 2' WHERE table_name = 'spy 2';
SET ROLE app_owner;
SELECT tenant_guard.refresh_tenant_summary('"Sum"."spy 2"') > 0 AS restored;
RESET ROLE;
UPDATE tenant_guard.tenant_summary SET table_owner = 'other_owner' WHERE table_name = 'spy 2';
SET ROLE app_owner;
SELECT * FROM refused($$SELECT tenant_guard.refresh_tenant_summary('"Sum"."spy 2"')$$) LIMIT 1;

-- Ids of other types, in columns that are domains, and every query that can be.
CREATE DOMAIN "Sum".org AS varchar(40);
CREATE TABLE "Sum".others (org "Sum".org, "no" int, x int);
INSERT INTO "Sum".others VALUES ('it''s', 7, 1), ('it''s', 8, 2), ('b', 7, 3);
SELECT count(*) FROM tenant_guard.create_tenant_summary('"Sum".by_text', 'WITH w AS (SELECT org, x FROM "Sum".others) SELECT org, sum(x) AS s FROM w GROUP BY org UNION ALL SELECT ''b'', 0', 'org');
SELECT count(*) FROM tenant_guard.create_tenant_summary('"Sum".by_int', 'TABLE "Sum".others', 'no');
SELECT tenant_guard.refresh_tenant_summary('"Sum".by_text', 'it''s') AS text, tenant_guard.refresh_tenant_summary('"Sum".by_int', '7') AS int, tenant_guard.refresh_tenant_summary('"Sum".by_text') AS all;
SELECT * FROM refused($$SELECT tenant_guard.refresh_tenant_summary('"Sum".by_int', 'seven')$$);

-- The settings of the session change nothing.
SET standard_conforming_strings = off; SET search_path = "Sum"; SET datestyle = 'German'; SET row_security = on;
SELECT count(*) FROM tenant_guard.create_tenant_summary('"Sum".plain', $$SELECT organization_id, '\' AS backslash, ' FROM nothing --' AS x FROM "Sum".deals WHERE "Day" < '2026-01-13'$$);
SELECT tenant_guard.refresh_tenant_summary('"Sum".plain') AS written;
RESET standard_conforming_strings; RESET search_path; RESET datestyle; RESET row_security;
RESET ROLE;
SELECT DISTINCT backslash, x FROM "Sum".plain;
SET ROLE app_owner;

-- What is refused.
SELECT answer FROM unnest(ARRAY['SELECT 1; SELECT 2', 'DELETE FROM "Sum".deals', 'SELECT organization_id INTO x FROM "Sum".deals', 'SELECT organization_id FROM "Sum".deals FOR UPDATE',
    '', 'SELECT organization_id, 1 FROM "Sum".deals', 'SELECT organization_id, organization_id FROM "Sum".deals', 'SELECT organization_id, now() AS refreshed_at FROM "Sum".deals',
    'SELECT organization_id FROM "Sum".deals) q; DROP TABLE "Sum".deals; --', 'SELECT id FROM "Sum".deals', 'SELECT "Day" AS organization_id FROM "Sum".deals', 'SELECT organization_id FROM deals',
    'SELECT $1 AS organization_id', 'VALUES (1)', 'SELECT']) q,
  refused(format('SELECT * FROM tenant_guard.create_tenant_summary(%L, %L)', '"Sum".bad', q)) answer WHERE answer NOT LIKE '  hint%';
SELECT answer FROM unnest(ARRAY['bad', '"Sum".', 'a.b.c', '"Sum".x; DROP TABLE y', '']) n,
  refused(format('SELECT * FROM tenant_guard.create_tenant_summary(%L, %L)', n, 'SELECT organization_id FROM "Sum".deals')) answer WHERE answer NOT LIKE '  hint%';
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_summary('bad', 'SELECT 1')$$);
SELECT answer FROM unnest(ARRAY['{nothing}', '{Day,Day}', '{NULL}']) k,
  refused(format('SELECT * FROM tenant_guard.create_tenant_summary(%L, %L, key => %L)', '"Sum".bad', 'SELECT organization_id, "Day" FROM "Sum".deals', k)) answer WHERE answer NOT LIKE '  hint%';
SELECT answer FROM unnest(ARRAY['nowhere.x', 'pg_catalog.x', 'tenant_guard.x', '"Sum2".x']) n,
  refused(format('SELECT * FROM tenant_guard.create_tenant_summary(%L, %L)', n, 'SELECT organization_id FROM "Sum".deals')) answer WHERE answer NOT LIKE '  hint%';
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_summary('"Sum".deals', 'SELECT organization_id FROM "Sum".deals')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.create_tenant_summary('"Sum"."by Day"', 'SELECT organization_id, "Day" FROM "Sum".deals', key => '{Day}')$$);
SELECT answer FROM refused($$SELECT * FROM tenant_guard.create_tenant_summary('"Sum"."by Day"', 'SELECT organization_id, "Day" FROM "Sum".deals')$$) answer LIMIT 2;
SELECT answer FROM unnest(ARRAY['create_tenant_summary(NULL, $$SELECT 1$$)', 'create_tenant_summary($$a.b$$, NULL)', 'create_tenant_summary($$a.b$$, $$SELECT 1$$, NULL)', 'refresh_tenant_summary(NULL)', 'drop_tenant_summary(NULL)',
  'refresh_tenant_summary(1)', 'refresh_tenant_summary($$pg_class$$)', 'drop_tenant_summary($$"Sum".deals$$)', 'register_tenant_summary($$"Sum".deals$$, NULL, $$x$$, $${}$$)', 'register_tenant_summary($$"Sum".deals$$, $$SELECT 1 AS x$$, $$x$$, $${}$$)',
  'unregister_tenant_summary($$"Sum2".lent$$)']) c, refused('SELECT * FROM tenant_guard.' || c) answer WHERE answer NOT LIKE '  hint%';
SET ROLE authenticated;
SELECT * FROM refused($$SELECT tenant_guard.refresh_tenant_summary('"Sum"."by Day"')$$);
SELECT answer FROM unnest(ARRAY['drop_tenant_summary($$"Sum"."by Day"$$)', 'drop_tenant_summary($$"Sum"."by Day"$$, true)', 'register_tenant_summary($$"Sum"."by Day"$$, NULL, NULL, NULL)', 'unregister_tenant_summary($$"Sum"."by Day"$$)']) c, refused('SELECT * FROM tenant_guard.' || c) answer WHERE answer NOT LIKE '  %';
SELECT count(*) AS "registered, seen by a stranger" FROM tenant_guard.tenant_summary;
SELECT * FROM refused('INSERT INTO tenant_guard.tenant_summary SELECT * FROM tenant_guard.tenant_summary') LIMIT 1;

-- Undo gives back what was there; not where it was filled since.
SET ROLE app_owner;
SELECT count(*) FROM tenant_guard.create_tenant_summary('"Sum".undone', 'SELECT organization_id, count(*) AS n FROM "Sum".deals GROUP BY 1');
SELECT max(id) AS change FROM tenant_guard.change WHERE operation = 'create_tenant_summary' \gset
SELECT step, action FROM tenant_guard.undo(:change);
SELECT to_regclass('"Sum".undone') AS "undone", (SELECT count(*) FROM tenant_guard.tenant_summary WHERE table_name = 'undone') AS registered;
SELECT step, action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change));
SELECT tenant_guard.refresh_tenant_summary('"Sum".undone') > 0 AS "made again";
SELECT regexp_replace(answer, '\d+$', 'N') AS answer FROM refused('SELECT * FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change))') answer LIMIT 1;
SELECT step, action, undo FROM tenant_guard.drop_tenant_summary('"Sum".undone', dry_run => true);
CREATE VIEW "Sum".over AS TABLE "Sum".undone;
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_tenant_summary('"Sum".undone')$$) LIMIT 1;
DROP VIEW "Sum".over;
SELECT count(*) FROM tenant_guard.drop_tenant_summary('"Sum".undone');
SELECT to_regclass('"Sum".undone') AS dropped, (SELECT count(*) FROM tenant_guard.tenant_summary WHERE table_name = 'undone') AS registered;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA "Sum", "Sum2" CASCADE;
DELETE FROM tenant_guard.tenant_summary;
