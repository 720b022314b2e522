-- classify, safe_json, log_json and mask: what columns hold, what follows them, and what of a row is shown to whom.
\pset null '(null)'
SET ROLE app_owner;
CREATE SCHEMA "Cls";
GRANT USAGE ON SCHEMA "Cls" TO authenticated, other_owner;
CREATE TYPE "Cls".mood AS ENUM ('good', 'it''s "bad"');
CREATE TYPE "Cls".address AS (street text, zip int);
CREATE DOMAIN "Cls".euro AS numeric(12,2);
CREATE TABLE "Cls"."Owner s" (id bigint PRIMARY KEY, public_id uuid NOT NULL UNIQUE, organization_id uuid NOT NULL, name text, phone text);
CREATE TABLE "Cls".lead (id bigint PRIMARY KEY, public_id uuid NOT NULL UNIQUE, organization_id uuid NOT NULL, owner_id bigint REFERENCES "Cls"."Owner s",
  name text, email text, token text, note text);
INSERT INTO "Cls"."Owner s" VALUES
  (1, '01990000-0000-7000-8000-00000000000a', 'aaaaaaaa-0000-4000-8000-000000000001', 'Olga', '+49 170 1234567'),
  (2, '01990000-0000-7000-8000-00000000000b', 'bbbbbbbb-0000-4000-8000-000000000002', 'Otto', '030 1234567');
INSERT INTO "Cls".lead VALUES
  (7, '01990000-0000-7000-8000-000000000007', 'aaaaaaaa-0000-4000-8000-000000000001', 1, 'Ada', 'ada@example.com', 's3cret', 'n1'),
  (8, '01990000-0000-7000-8000-000000000008', 'aaaaaaaa-0000-4000-8000-000000000001', 2, 'Bob', NULL, 's3cret', NULL),
  (9, '01990000-0000-7000-8000-000000000009', 'aaaaaaaa-0000-4000-8000-000000000001', NULL, NULL, NULL, NULL, NULL);

-- Nothing is classified, nothing is shown.
SELECT tenant_guard.safe_json(l), tenant_guard.log_json(l) FROM "Cls".lead l WHERE id = 7;

-- A plan like any other: a dry run, the run, nothing left to do, the difference, and the way back.
SELECT * FROM tenant_guard.classify('"Cls".lead', 'name', 'public', dry_run => true);
SELECT count(*) FROM tenant_guard.classified_columns WHERE table_schema = 'Cls';
SELECT change_id IS NOT NULL AS applied, step, action FROM tenant_guard.classify('"Cls".lead', 'name', 'public');
SELECT * FROM tenant_guard.classify('"Cls".lead', 'name', 'public');
SELECT action, sql, undo FROM tenant_guard.classify('"Cls".lead', 'name', 'pii');
SELECT action, sql, undo FROM tenant_guard.classify('"Cls".lead', 'name', NULL);
SELECT count(*) FROM tenant_guard.classify('"Cls".lead', 'name', NULL);
SELECT action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change));
SELECT class FROM tenant_guard.classified_columns WHERE table_schema = 'Cls' AND column_name = 'name';
SELECT action FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change), dry_run => true);
-- Somebody else has changed it since: undo says so.
SELECT tenant_guard.register_column_class('"Cls".lead', 'name', 'secret');
SELECT regexp_replace(answer, 'change \d+', 'change N') AS answer FROM refused('SELECT * FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change))') LIMIT 1;
SELECT count(*) FROM tenant_guard.classify('"Cls".lead', 'name', 'public');
SELECT count(*) FROM unnest('{owner_id,public_id,id}'::name[]) c, LATERAL tenant_guard.classify('"Cls".lead', c, 'public');
SELECT count(*) FROM (VALUES ('"Cls".lead'::regclass, 'email'::name, 'pii'), ('"Cls".lead', 'token', 'secret'), ('"Cls".lead', 'organization_id', 'internal'),
  ('"Cls"."Owner s"', 'name', 'public'), ('"Cls"."Owner s"', 'phone', 'pii')) v(t, c, class), LATERAL tenant_guard.classify(t, c, class);
SELECT * FROM tenant_guard.classified_columns WHERE table_schema = 'Cls' ORDER BY 2, 3;

-- The dry run's SQL does the same, and its undo takes it back; other sessions and names may be as they like.
CREATE TABLE "Cls"."it's \ ""x""" ("a 'b' \ $$" text);
SELECT sql FROM tenant_guard.classify('"Cls"."it''s \ ""x"""', 'a ''b'' \ $$', 'secret', dry_run => true) \gexec
SELECT undo AS back FROM tenant_guard.classify('"Cls"."it''s \ ""x"""', 'a ''b'' \ $$', 'public', dry_run => true) \gset
SELECT undo FROM tenant_guard.classify('"Cls"."it''s \ ""x"""', 'a ''b'' \ $$', NULL, dry_run => true);
SELECT count(*) FROM tenant_guard.classify('"Cls"."it''s \ ""x"""', 'a ''b'' \ $$', 'secret');
SELECT count(*) FROM tenant_guard.classify('"Cls"."it''s \ ""x"""', 'a ''b'' \ $$', 'public');
SET standard_conforming_strings = off;
SET escape_string_warning = off;
:back
RESET standard_conforming_strings;
RESET escape_string_warning;
SELECT class FROM tenant_guard.classified_columns WHERE table_name = $$it's \ "x"$$;
DROP TABLE "Cls"."it's \ ""x""";

-- What is refused, and why.
SELECT * FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".lead', 'nme', 'public')$$);
SELECT answer FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".lead', 'ctid', 'public')$$) LIMIT 1;
SELECT answer FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".lead', 'nme', NULL)$$) LIMIT 1;
SELECT * FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".lead', 'name', 'Public')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.classify(NULL, 'name', 'public')$$) LIMIT 1;
SELECT * FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".lead', NULL, 'public')$$) LIMIT 1;
SELECT * FROM refused($$SELECT * FROM tenant_guard.classify(1, 'name', 'public')$$) LIMIT 1;
CREATE VIEW "Cls".seen AS SELECT * FROM "Cls".lead;
CREATE MATERIALIZED VIEW "Cls".mv AS SELECT * FROM "Cls".lead;
CREATE TEMP TABLE mine (id int);
SELECT * FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".seen', 'name', 'public')$$);
SELECT answer FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".mv', 'name', 'public')$$) LIMIT 1;
SELECT regexp_replace(answer, 'pg_temp_\d+', 'pg_temp') AS answer FROM refused($$SELECT * FROM tenant_guard.classify('mine', 'id', 'public')$$) LIMIT 2;
RESET ROLE;
SELECT answer FROM refused($$SELECT * FROM tenant_guard.classify('pg_authid', 'rolpassword', 'public')$$) LIMIT 1;
SELECT answer FROM refused($$SELECT * FROM tenant_guard.classify('tenant_guard.change', 'id', 'public')$$) LIMIT 1;
CREATE FOREIGN DATA WRAPPER cls_fdw;
CREATE SERVER cls_server FOREIGN DATA WRAPPER cls_fdw;
CREATE FOREIGN TABLE "Cls".far (id int) SERVER cls_server;
SELECT answer FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".far', 'id', 'public')$$) LIMIT 1;
DROP FOREIGN DATA WRAPPER cls_fdw CASCADE;

-- Another owner, and a role without anything: they classify nothing here, not even in a dry run, and write nothing.
SET ROLE other_owner;
SELECT * FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".lead', 'token', 'public')$$);
SELECT answer FROM refused($$SELECT * FROM tenant_guard.classify('"Cls".lead', 'token', 'nonsense', dry_run => true)$$) LIMIT 1;
SELECT answer FROM refused($$SELECT tenant_guard.register_column_class('"Cls".lead', 'token', 'public')$$) LIMIT 1;
SELECT answer FROM refused($$UPDATE tenant_guard.column_class SET class = 'public'$$) LIMIT 1;
SELECT answer FROM refused($$DELETE FROM tenant_guard.classified_columns$$) LIMIT 1;
SELECT answer FROM refused($$SELECT tenant_guard.follow_columns()$$) LIMIT 1;
SET ROLE nobody;
SELECT count(*) FROM tenant_guard.classified_columns WHERE table_schema = 'Cls';
SET ROLE app_owner;

-- Clients get what is public and public ids; a null stays one. Logs get pii masked and no secret.
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l ORDER BY id;
SELECT tenant_guard.log_json(l) FROM "Cls".lead l ORDER BY id;
SELECT tenant_guard.safe_json(NULL::"Cls".lead), tenant_guard.log_json(NULL::"Cls".lead), tenant_guard.safe_json(NULL::"Cls".lead[]);
-- The public id is shown unless it is classified as something else; then nothing takes its place.
BEGIN;
SELECT count(*) FROM tenant_guard.classify('"Cls".lead', 'public_id', NULL);
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l WHERE id = 7;
SELECT count(*) FROM tenant_guard.classify('"Cls".lead', 'public_id', 'internal');
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l WHERE id = 7;
SELECT count(*) FROM tenant_guard.classify('"Cls"."Owner s"', 'public_id', 'secret');
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l WHERE id = 7;
ROLLBACK;
-- What was rolled back is forgotten here too.
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l WHERE id = 7;

-- Rows within rows go by their own tables; what is of no table shows only the tables' rows in it.
SELECT tenant_guard.safe_json(ROW(l, o, 'text', 1)) FROM "Cls".lead l JOIN "Cls"."Owner s" o ON o.id = l.owner_id ORDER BY l.id;
SELECT jsonb_pretty(tenant_guard.safe_json(x)) FROM (SELECT o.name, o AS "Owner", array_agg(l ORDER BY l.id) AS leads, ROW(o.phone, o) AS pair
  FROM "Cls"."Owner s" o JOIN "Cls".lead l ON l.owner_id = o.id GROUP BY o.id ORDER BY o.id LIMIT 1) x;
SELECT tenant_guard.safe_json(array_agg(l ORDER BY id)) FROM "Cls".lead l;
SELECT tenant_guard.safe_json('{}'::"Cls".lead[]), tenant_guard.safe_json(ARRAY[[l, NULL], [NULL, l]]) FROM "Cls".lead l WHERE id = 9;
SELECT tenant_guard.safe_json(s) AS "a view's", tenant_guard.safe_json(x) AS "a sub-select's", tenant_guard.safe_json(ROW('Main', 1)::"Cls".address) AS "a type's"
FROM "Cls".seen s, (SELECT * FROM "Cls".lead) x WHERE s.id = 7 AND x.id = 7;
SELECT * FROM refused('SELECT tenant_guard.safe_json(1)');
SELECT * FROM refused($$SELECT tenant_guard.log_json('{a}'::text[])$$);

-- Every type, as to_jsonb has it; more columns than jsonb has in one stride; columns that are gone or came later.
CREATE TABLE "Cls".types (gone text, i2 int2, i4 int4, i8 int8, n numeric, e "Cls".euro, f4 float4, f8 float8, b bool, t text, v varchar(9), c char(5), u uuid, d date,
  ts timestamp, tz timestamptz, ti time, iv interval, j json, jb jsonb, m "Cls".mood, r int4range, a text[], aa int[][], ae "Cls".mood[], addr "Cls".address,
  addrs "Cls".address[], by bytea, ip inet, o oid, nm name, x macaddr, bits bit(3), "Über ""x""" text, late int DEFAULT 5);
ALTER TABLE "Cls".types DROP COLUMN gone;
INSERT INTO "Cls".types (i4) VALUES (NULL);
INSERT INTO "Cls".types VALUES (-32768, 2147483647, -9223372036854775808, 1.100, 2, 0.1, 1e300, true, 'it''s "x" \', 'v', 'c', '01990000-0000-7000-8000-00000000000A', '0001-01-01 BC',
  'infinity', '2020-02-29 12:00+00', '12:00', '1 mon', '{"b": 1, "a": [1, 1.50, null, {}]}', '{"deep": [[1, {"k": "v"}], "s", 10000.50]}', 'it''s "bad"', '[1,5)', '{a,NULL,"c\"d"}', '{{1,2},{3,4}}', '{good}', ('Main', 10115),
  ARRAY[('A', 1)::"Cls".address, NULL], '\x00ff', '10.0.0.1/8', 4294967295, 'n', '08:00:2b:01:02:03', '101', 'ü');
INSERT INTO "Cls".types VALUES (0, 10000, 10001, 'NaN', -12345678.9, 'NaN', '-Infinity', false, '', '', '', NULL, '4713-01-01 BC', '-infinity', '294276-12-31 23:59:59.999999+00', '24:00', '-1 day', '"s"', '"s"', 'good', 'empty', '{}', '{}', NULL, ROW(NULL, NULL), '{}');
INSERT INTO "Cls".types (i2, i4, i8, n, e, f4, f8, t, j, jb, a) VALUES (1, -1, 120000000, 'Infinity', 0.00, '-0', 0.1, repeat('long ', 1000), '1', '1.50', '[2:3]={a,b}'),
  (NULL, NULL, 99999999, 123456789012345678901234567890.123, NULL, 1e-7, NULL, repeat('longer ', 100000), 'null', 'null', NULL);
INSERT INTO "Cls".types (n, j, jb) VALUES ('-Infinity', 'true', 'false'), (-0.000000001, '[]', '{}'), (1e100, '{}', '[]');
ALTER TABLE "Cls".types ADD later int NOT NULL DEFAULT 42;
SELECT count(*) FROM pg_attribute a, LATERAL tenant_guard.classify(a.attrelid, a.attname, 'public')
WHERE a.attrelid = '"Cls".types'::regclass AND a.attnum > 0 AND NOT a.attisdropped;
SET timezone = 'Asia/Kolkata';
SELECT bool_and(tenant_guard.safe_json(every) = to_jsonb(every)) AS equal, bool_and(tenant_guard.safe_json(every)::text = to_jsonb(every)::text) AS "same text",
       bool_and(pg_column_size(tenant_guard.safe_json(every)) = pg_column_size(to_jsonb(every))) AS "same size",
       bool_and(jsonb_hash(tenant_guard.safe_json(every)) = jsonb_hash(to_jsonb(every))) AS "same hash",
       bool_and((SELECT bool_and(tenant_guard.safe_json(every) -> k IS NOT DISTINCT FROM v) FROM jsonb_each(to_jsonb(every)) e(k, v))) AS "every key is found", count(*)
FROM "Cls".types every;
SELECT tenant_guard.log_json(all_of_them) = to_jsonb(all_of_them) AS "and in an array" FROM (SELECT array_agg(every) AS all_of_them FROM "Cls".types every) x;
RESET timezone;
-- Masked are texts; of anything else nothing is left.
SELECT count(*) FROM pg_attribute a, LATERAL tenant_guard.classify(a.attrelid, a.attname, 'pii')
WHERE a.attrelid = '"Cls".types'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname IN ('t', 'v', 'nm', 'd', 'i4', 'jb', 'a', 'm', 'addr', 'u');
SELECT key, string_agg(DISTINCT left(value::text, 20), ' ' ORDER BY left(value::text, 20)) FROM "Cls".types every, LATERAL jsonb_each(tenant_guard.log_json(every)) e
WHERE key IN ('t', 'v', 'nm', 'd', 'i4', 'jb', 'a', 'm', 'addr', 'u') GROUP BY key ORDER BY key;
SELECT tenant_guard.safe_json(every) ? 't' AS "to clients" FROM "Cls".types every LIMIT 1;
SELECT m, tenant_guard.mask(m) FROM (VALUES ('ada.lovelace@example.co.uk'), ('+49 170 1234567'), ('Ada Lovelace'), ('12 Main Street'), ('1980-05-17'), (''), (NULL)) x(m);

-- The class goes with the column and the table wherever they go, and with them.
ALTER TABLE "Cls".lead RENAME COLUMN note TO remark;
ALTER TABLE "Cls".lead RENAME COLUMN name TO "Full Name";
ALTER TABLE "Cls".lead RENAME TO leads;
ALTER SCHEMA "Cls" RENAME TO "Cls 2";
SELECT table_schema, table_name, column_name, class FROM tenant_guard.column_class WHERE table_name = 'leads' ORDER BY attribute;
SELECT tenant_guard.safe_json(l) FROM "Cls 2".leads l WHERE id = 7;
ALTER SCHEMA "Cls 2" RENAME TO "Cls";
ALTER TABLE "Cls".leads RENAME COLUMN "Full Name" TO name;
ALTER TABLE "Cls".leads RENAME TO lead;
DROP VIEW "Cls".seen;
DROP MATERIALIZED VIEW "Cls".mv;
ALTER TABLE "Cls".lead DROP COLUMN token;
ALTER TABLE "Cls".lead ADD COLUMN token text DEFAULT 'new';
SELECT count(*) FROM tenant_guard.column_class WHERE table_schema = 'Cls' AND column_name = 'token';
CREATE TABLE "Cls".short (id int, x text);
SELECT count(*) FROM tenant_guard.classify('"Cls".short', 'x', 'public');
DROP TABLE "Cls".short;
CREATE TABLE "Cls".short (id int, x text);
SELECT count(*) FROM tenant_guard.column_class WHERE table_name = 'short';
DROP TABLE "Cls".short;

-- In a restored copy, which has another origin, names count, if the table belongs to whom it belonged; and from the first
-- command on it, OIDs again.
RESET ROLE;
CREATE TABLE "Cls".kept AS TABLE tenant_guard.column_class;
UPDATE tenant_guard.column_class SET origin = 1, attribute = attribute + 100 WHERE table_schema = 'Cls';
SET ROLE app_owner;
-- A copy is another database; this session has to look again.
DISCARD ALL;
SET ROLE app_owner;
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l WHERE id = 7;
SELECT count(*) FROM tenant_guard.classify('"Cls".lead', 'name', 'public');
SELECT count(*) FROM tenant_guard.classify('"Cls".lead', 'email', 'internal');
SELECT origin = 1 AS restored, class FROM tenant_guard.column_class WHERE table_schema = 'Cls' AND column_name = 'email';
ALTER TABLE "Cls".lead RENAME COLUMN owner_id TO whose;
SELECT count(*) FILTER (WHERE origin = 1) AS restored FROM tenant_guard.column_class WHERE table_schema = 'Cls';
ALTER TABLE "Cls".lead RENAME COLUMN whose TO owner_id;
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l WHERE id = 7;
-- So do those of a table that is gone without anybody having noticed, but not another owner's.
RESET ROLE;
BEGIN;
UPDATE tenant_guard.column_class SET table_oid = 1, origin = tenant_guard.origin() WHERE table_schema = 'Cls' AND table_name = 'lead';
SELECT count(*) FROM tenant_guard.classified_columns WHERE table_schema = 'Cls' AND table_name = 'lead';
UPDATE tenant_guard.column_class SET table_owner = 'other_owner' WHERE table_schema = 'Cls' AND table_name = 'lead';
SELECT count(*) FROM tenant_guard.classified_columns WHERE table_schema = 'Cls' AND table_name = 'lead';
ROLLBACK;
DROP TABLE "Cls".kept;
SET ROLE app_owner;

-- What is said of a column holds below, unless a table says otherwise; of two tables above the stricter counts.
CREATE TABLE "Cls".event (id bigint GENERATED ALWAYS AS IDENTITY, public_id uuid NOT NULL, at date NOT NULL, what text, who text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE "Cls".event_1 PARTITION OF "Cls".event FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT count(*) FROM unnest('{id,at,what}'::name[]) c, LATERAL tenant_guard.classify('"Cls".event', c, 'public');
CREATE TABLE "Cls".event_2 (who text, what text, at date NOT NULL, id bigint NOT NULL, public_id uuid NOT NULL);
INSERT INTO "Cls".event_2 VALUES ('w', 'x', '2021-05-05', 1, '01990000-0000-7000-8000-00000000000e');
-- Not a partition yet, and its ids are not said to be any.
SELECT tenant_guard.safe_json(e) FROM "Cls".event_2 e;
ALTER TABLE "Cls".event ATTACH PARTITION "Cls".event_2 FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT tenant_guard.safe_json(e) FROM "Cls".event_2 e;
SELECT count(*) FROM tenant_guard.classify('"Cls".event_2', 'what', 'secret');
SELECT tenant_guard.safe_json(e) AS below FROM "Cls".event_2 e;
SELECT tenant_guard.safe_json(e) AS above FROM "Cls".event e;
SELECT table_name, column_name, class FROM tenant_guard.classified_columns WHERE table_name LIKE 'event%' ORDER BY 1, 2;
SELECT count(*) FROM tenant_guard.classify('"Cls".event', 'who', 'public');
SELECT tenant_guard.safe_json(e) AS below FROM "Cls".event_2 e;
ALTER TABLE "Cls".event RENAME COLUMN who TO whom;
SELECT count(*) FROM tenant_guard.classify('"Cls".event_1', 'whom', 'pii');
ALTER TABLE "Cls".event RENAME COLUMN whom TO who;
SELECT column_name FROM tenant_guard.column_class WHERE table_name = 'event_1';
ALTER TABLE "Cls".event DROP COLUMN who;
SELECT count(*) FROM tenant_guard.column_class WHERE table_name = 'event_1';
ALTER TABLE "Cls".event DETACH PARTITION "Cls".event_2;
SELECT tenant_guard.safe_json(e) AS alone FROM "Cls".event_2 e;
CREATE TABLE "Cls".a (x text, y text);
CREATE TABLE "Cls".b (x text, y text);
CREATE TABLE "Cls".ab () INHERITS ("Cls".a, "Cls".b);
CREATE TABLE "Cls".abc () INHERITS ("Cls".ab);
INSERT INTO "Cls".abc VALUES ('x', 'y');
SELECT count(*) FROM (VALUES ('"Cls".a'::regclass, 'x'::name, 'public'), ('"Cls".a', 'y', 'public'), ('"Cls".b', 'y', 'internal')) v(t, c, class), LATERAL tenant_guard.classify(t, c, class);
SELECT tenant_guard.safe_json(t), tenant_guard.log_json(t) FROM "Cls".abc t;
SELECT table_name, column_name, class FROM tenant_guard.classified_columns WHERE table_name LIKE 'a%' ORDER BY 1, 2;

-- A foreign key is looked up as whoever asks: by privileges and policies, and once a value and query.
SELECT count(*) FROM tenant_guard.protect_table('"Cls"."Owner s"');
GRANT SELECT ON "Cls".lead, "Cls"."Owner s" TO authenticated;
GRANT SELECT ON "Cls".lead TO nobody;
GRANT USAGE ON SCHEMA "Cls" TO nobody;
SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"ada","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l ORDER BY id;
SELECT identity('{"sub":"ada","org_id":"bbbbbbbb-0000-4000-8000-000000000002"}');
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l ORDER BY id;
SELECT pg_current_xact_id_if_assigned() AS "no transaction id";
COMMIT;
-- Within a function too, from one statement to the next and in expressions without a query.
CREATE FUNCTION pg_temp.both_organizations() RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
  l "Cls".lead;
BEGIN
  FOR org IN 1..2 LOOP
    PERFORM identity(json_build_object('sub', 'ada', 'org_id', (ARRAY['aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002'])[org]));
    RETURN QUERY SELECT tenant_guard.safe_json(x) -> 'owner_id' FROM "Cls".lead x WHERE id = 7;
    SELECT * INTO l FROM "Cls".lead WHERE id = 7;
    RETURN NEXT tenant_guard.safe_json(l) -> 'owner_id';
  END LOOP;
END $$;
SELECT * FROM pg_temp.both_organizations();
-- A cursor that outlives the identity.
BEGIN;
SELECT identity('{"sub":"ada","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
DECLARE c CURSOR FOR SELECT tenant_guard.safe_json(l) -> 'owner_id' AS owner FROM "Cls".lead l, generate_series(1, 2) WHERE id = 7;
FETCH 1 FROM c;
SELECT identity('{"sub":"ada","org_id":"bbbbbbbb-0000-4000-8000-000000000002"}');
FETCH 1 FROM c;
COMMIT;
SET ROLE nobody;
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l WHERE id = 7;

-- Keys with the tenant in them: the id is replaced, the tenant stays; a table that refers to itself.
SET ROLE app_owner;
CREATE TABLE "Cls".project (organization_id uuid, id int, public_id uuid NOT NULL DEFAULT '01990000-0000-7000-8000-0000000000f1', parent int, name text,
  PRIMARY KEY (organization_id, id), FOREIGN KEY (organization_id, parent) REFERENCES "Cls".project (organization_id, id));
CREATE TABLE "Cls".task (organization_id uuid, project_id int, done boolean, FOREIGN KEY (organization_id, project_id) REFERENCES "Cls".project);
INSERT INTO "Cls".project (organization_id, id, parent, name) VALUES ('aaaaaaaa-0000-4000-8000-000000000001', 1, 1, 'P');
INSERT INTO "Cls".task VALUES ('aaaaaaaa-0000-4000-8000-000000000001', 1, true), ('aaaaaaaa-0000-4000-8000-000000000001', NULL, false);
SELECT count(*) FROM pg_attribute a, LATERAL tenant_guard.classify(a.attrelid, a.attname, 'public')
WHERE a.attrelid IN ('"Cls".project'::regclass, '"Cls".task'::regclass) AND a.attnum > 0;
SELECT tenant_guard.safe_json(p) FROM "Cls".project p;
SELECT tenant_guard.safe_json(t) FROM "Cls".task t ORDER BY done;

-- In a trigger of a role that may read nothing else; in a read-only transaction; under a parallel query.
CREATE TABLE "Cls".logged (line jsonb);
CREATE FUNCTION "Cls".tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "Cls".logged VALUES (tenant_guard.log_json(NEW)); RETURN NULL; END $$;
CREATE TRIGGER tell AFTER INSERT ON "Cls".lead FOR EACH ROW EXECUTE FUNCTION "Cls".tell();
GRANT INSERT ON "Cls".lead, "Cls".logged TO nobody;
SET ROLE nobody;
INSERT INTO "Cls".lead VALUES (10, '01990000-0000-7000-8000-000000000010', 'aaaaaaaa-0000-4000-8000-000000000001', NULL, 'Eve');
SET ROLE app_owner;
SELECT * FROM "Cls".logged;
BEGIN READ ONLY;
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l WHERE id = 7;
COMMIT;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE "Cls".many (n int, x int);
INSERT INTO "Cls".many SELECT g, g FROM generate_series(1, 1000) g;
SELECT count(*) FROM tenant_guard.classify('"Cls".many', 'n', 'public');
SELECT explained('SELECT tenant_guard.safe_json(m) FROM "Cls".many m WHERE n < 3');
SELECT tenant_guard.safe_json(m) FROM "Cls".many m WHERE n = 3;
SELECT count(*) FROM tenant_guard.classify('"Cls".many', 'x', 'public');
SELECT tenant_guard.safe_json(m) FROM "Cls".many m WHERE n = 3;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- Attacks. Names that shadow those meant: on the path, and in the temporary schema.
RESET ROLE;
CREATE SCHEMA trap AUTHORIZATION other_owner;
SET ROLE other_owner;
CREATE FUNCTION trap.boom(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'ran as %', current_user; END $$;
CREATE OPERATOR trap.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.boom);
CREATE FUNCTION trap.origin() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'ran as %', current_user; END $$;
CREATE FUNCTION trap.max(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'ran as %', current_user; END $$;
CREATE TABLE trap.column_class (LIKE tenant_guard.column_class);
CREATE TABLE trap."Owner s" (id bigint, public_id uuid);
CREATE TYPE trap.uuid AS (x int);
-- A cast that the owner of a type made: to_jsonb would run it as whoever looks.
CREATE TYPE trap.bait AS ENUM ('worm');
CREATE FUNCTION trap.spring(trap.bait) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE 'ran as %', current_user; END $$;
CREATE CAST (trap.bait AS json) WITH FUNCTION trap.spring(trap.bait);
CREATE TABLE trap.hook (id int, bait trap.bait, baits trap.bait[]);
INSERT INTO trap.hook VALUES (1, 'worm', '{worm}');
SELECT count(*) FROM unnest('{bait,baits}'::name[]) c, LATERAL tenant_guard.classify('trap.hook', c, 'public');
RESET ROLE;
SELECT answer FROM refused('SELECT to_jsonb(h) FROM trap.hook h') LIMIT 1;
SELECT tenant_guard.safe_json(h), tenant_guard.log_json(h) FROM trap.hook h;
SET ROLE other_owner;
SET search_path = trap, pg_temp, pg_catalog;
CREATE TEMP TABLE column_class (LIKE tenant_guard.column_class);
CREATE TEMP TABLE "Owner s" (id bigint, public_id pg_catalog.uuid);
RESET ROLE;
SELECT tenant_guard.safe_json(l) FROM "Cls".lead l WHERE id OPERATOR(pg_catalog.=) 7;
SELECT class FROM tenant_guard.classified_columns WHERE table_schema = 'Cls' AND table_name = 'lead' AND column_name = 'name';
SET ROLE app_owner;
SET search_path = trap, "Cls", pg_catalog;
SELECT action FROM tenant_guard.classify('lead', 'email', 'pii');
SELECT action FROM tenant_guard.undo((SELECT pg_catalog.max(id) FROM tenant_guard.change));
RESET search_path;
RESET ROLE;
-- A row type of one's own with the names of another's table has none of its classes; nor does an owner's table of that name.
SET ROLE other_owner;
CREATE TABLE trap.lead (id bigint, public_id pg_catalog.uuid, name text, token text);
INSERT INTO trap.lead VALUES (1, NULL, 'n', 't');
SELECT tenant_guard.safe_json(l), tenant_guard.log_json(l) FROM trap.lead l;
-- A foreign key to another's table needs REFERENCES there; and what it finds is what one may see anyway.
SELECT answer FROM refused('CREATE TABLE trap.spy (id bigint REFERENCES "Cls"."Owner s")') LIMIT 1;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA "Cls", trap CASCADE;
DROP TABLE IF EXISTS pg_temp.column_class, pg_temp."Owner s", pg_temp.mine;
SELECT count(*) FROM tenant_guard.column_class;
