-- log_access and flush_access: who may note what, what is counted, and how much is kept.
\pset null '(null)'
SET ROLE app_owner;
CREATE SCHEMA "Acc";
GRANT USAGE ON SCHEMA "Acc" TO authenticated;
CREATE TABLE "Acc"."Lead s" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, public_id uuid NOT NULL UNIQUE, organization_id uuid NOT NULL, last_accessed timestamptz, access_count bigint NOT NULL DEFAULT 0);
INSERT INTO "Acc"."Lead s" (public_id, organization_id) VALUES
  ('01990000-0000-7000-8000-00000000000a', 'aaaaaaaa-0000-4000-8000-000000000001'), ('01990000-0000-7000-8000-00000000000b', 'bbbbbbbb-0000-4000-8000-000000000002');
GRANT SELECT ON "Acc"."Lead s" TO authenticated;
SELECT count(*) FROM tenant_guard.protect_table('"Acc"."Lead s"');

-- An ordinary role notes what it sees; the other organization's row and none at all look the same.
SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"ada","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SELECT tenant_guard.log_access('"Acc"."Lead s"', '01990000-0000-7000-8000-00000000000a');
SELECT tenant_guard.log_access('"Acc"."Lead s"', '01990000-0000-7000-8000-00000000000a', 'download');
SELECT tenant_guard.log_access('"Acc"."Lead s"', '01990000-0000-7000-8000-00000000000b');
SELECT tenant_guard.log_access('"Acc"."Lead s"', '01990000-0000-7000-8000-00000000000c');
COMMIT;
RESET ROLE;
SELECT table_oid::regclass, public_id, at BETWEEN now() - interval '1 minute' AND clock_timestamp() AS at, operation, organization_id, user_id FROM tenant_guard.access_event ORDER BY operation;
-- Nobody else reads or writes the events.
SET ROLE app_owner;
SELECT * FROM refused('SELECT * FROM tenant_guard.access_event') LIMIT 1;
SELECT * FROM refused('DELETE FROM tenant_guard.access_event') LIMIT 1;

-- The owner counts, in spite of FORCE, and forgets; the second time there is nothing.
SELECT tenant_guard.flush_access('"Acc"."Lead s"') AS counted;
SELECT tenant_guard.flush_access('"Acc"."Lead s"') AS again;
RESET ROLE;
SELECT id, access_count, last_accessed BETWEEN now() - interval '1 minute' AND clock_timestamp() AS "last accessed" FROM "Acc"."Lead s" ORDER BY id;
SELECT count(*) AS left FROM tenant_guard.access_event;

-- A later last_accessed stays; NULL counts as 0; what rolls back was not looked at.
SET ROLE app_owner;
ALTER TABLE "Acc"."Lead s" ALTER access_count DROP NOT NULL;
RESET ROLE;
UPDATE "Acc"."Lead s" SET last_accessed = '2099-01-01 00:00+00', access_count = NULL;
INSERT INTO tenant_guard.access_event SELECT '"Acc"."Lead s"'::regclass, '01990000-0000-7000-8000-00000000000b', now(), 'read' FROM generate_series(1, 3);
BEGIN; SELECT tenant_guard.log_access('"Acc"."Lead s"', '01990000-0000-7000-8000-00000000000b', 'undone'); ROLLBACK;
SET ROLE app_owner;
SELECT tenant_guard.flush_access() AS counted;
RESET ROLE;
SELECT id, access_count, extract(year FROM last_accessed AT TIME ZONE 'UTC') AS year FROM "Acc"."Lead s" ORDER BY id;

-- A loop notes a row once a second, and 10,000 rows in all.
SET ROLE app_owner;
CREATE TABLE "Acc".many (public_id uuid UNIQUE, last_accessed timestamptz, access_count int);
INSERT INTO "Acc".many SELECT md5(n::text)::uuid FROM generate_series(1, 3) n;
GRANT SELECT ON "Acc".many TO authenticated;
SET ROLE authenticated;
SELECT count(*) FROM (SELECT tenant_guard.log_access('"Acc".many', md5((n % 3 + 1)::text)::uuid) FROM generate_series(1, 1000) n OFFSET 0) loop;
RESET ROLE;
-- A second or two may have begun meanwhile.
SELECT count(*) BETWEEN 3 AND 12 AS "few events", count(DISTINCT public_id) FROM tenant_guard.access_event;

-- Events of a table that is gone, or has lost the columns, are forgotten by whoever counts; another owner's stay.
CREATE TABLE "Acc".gone AS TABLE "Acc".many;
SELECT count(tenant_guard.log_access('"Acc".gone', public_id)::text) FROM "Acc".gone;
DROP TABLE "Acc".gone;
SET ROLE other_owner;
SELECT tenant_guard.flush_access() AS "owns none";
RESET ROLE;
SELECT count(DISTINCT table_oid) AS tables FROM tenant_guard.access_event;
SET ROLE app_owner;
SELECT tenant_guard.flush_access() > 2 AS counted;
SELECT min(access_count) > 0 AS each FROM "Acc".many;

-- Partitions are counted through the parent that was named; an owner's trigger runs as the owner.
CREATE TABLE "Acc".parts (public_id uuid, last_accessed timestamptz, access_count bigint DEFAULT 0, PRIMARY KEY (public_id)) PARTITION BY HASH (public_id);
CREATE TABLE "Acc".parts_0 PARTITION OF "Acc".parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE "Acc".parts_1 PARTITION OF "Acc".parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO "Acc".parts SELECT md5(n::text)::uuid FROM generate_series(1, 10) n;
CREATE TABLE "Acc".ran (who name);
CREATE FUNCTION "Acc".tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO "Acc".ran VALUES (current_user); RETURN NEW; END $$;
CREATE TRIGGER tell BEFORE UPDATE ON "Acc".parts FOR EACH ROW EXECUTE FUNCTION "Acc".tell();
SELECT count(tenant_guard.log_access('"Acc".parts', public_id)::text) FROM "Acc".parts;
RESET ROLE;
SELECT tenant_guard.flush_access('"Acc".parts') AS "by a superuser";
SELECT DISTINCT who FROM "Acc".ran;
SELECT sum(access_count) FROM "Acc".parts;

-- What is refused.
SET ROLE app_owner;
CREATE TABLE "Acc".plain (id int, public_id text, access_count bigint);
CREATE VIEW "Acc".seen AS TABLE "Acc".many;
SELECT * FROM refused($$SELECT tenant_guard.log_access('"Acc".plain', '01990000-0000-7000-8000-00000000000a')$$);
SELECT * FROM refused($$SELECT tenant_guard.flush_access('"Acc".plain')$$) LIMIT 1;
SELECT * FROM refused($$SELECT tenant_guard.log_access('"Acc".seen', '01990000-0000-7000-8000-00000000000a')$$);
SELECT * FROM refused($$SELECT tenant_guard.log_access('"Acc".many', '01990000-0000-7000-8000-00000000000a', '')$$);
SELECT * FROM refused($$SELECT tenant_guard.log_access('"Acc".many', '01990000-0000-7000-8000-00000000000a', repeat('x', 64))$$) LIMIT 1;
SELECT * FROM refused($$SELECT tenant_guard.log_access(NULL, '01990000-0000-7000-8000-00000000000a')$$) LIMIT 1;
SELECT * FROM refused($$SELECT tenant_guard.log_access('"Acc".many', NULL)$$) LIMIT 1;
SELECT * FROM refused($$SELECT tenant_guard.log_access('"Acc".many', '01990000-0000-7000-8000-00000000000a', NULL)$$) LIMIT 1;
SELECT * FROM refused($$SELECT tenant_guard.log_access(1, '01990000-0000-7000-8000-00000000000a')$$) LIMIT 1;
CREATE TEMP TABLE mine (public_id uuid, last_accessed timestamptz, access_count int);
SELECT answer FROM refused($$SELECT tenant_guard.log_access('mine', '01990000-0000-7000-8000-00000000000a')$$) WHERE answer NOT LIKE '42501: pg_temp%';
DROP TABLE mine;
BEGIN READ ONLY;
SELECT tenant_guard.log_access('"Acc".many', md5('1')::uuid);
ROLLBACK;
SELECT * FROM refused($$SELECT tenant_guard.log_access('tenant_guard.access_event', '01990000-0000-7000-8000-00000000000a')$$) LIMIT 2;
SET ROLE nobody;
SELECT * FROM refused($$SELECT tenant_guard.log_access('"Acc".many', '01990000-0000-7000-8000-00000000000a')$$) LIMIT 1;
SET ROLE authenticated;
SELECT * FROM refused($$SELECT tenant_guard.flush_access('"Acc".many')$$);
SELECT tenant_guard.flush_access() AS "owns none";
RESET ROLE;

-- A table whose accesses cannot be counted does not keep the others.
RESET ROLE;
DELETE FROM tenant_guard.access_event;
CREATE TABLE "Acc".stuck AS SELECT * FROM "Acc".many LIMIT 1;
CREATE TABLE "Acc".loose AS SELECT * FROM "Acc".stuck;
CREATE FUNCTION "Acc".refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE TRIGGER stuck BEFORE UPDATE ON "Acc".stuck FOR EACH ROW EXECUTE FUNCTION "Acc".refuse();
SELECT count(tenant_guard.log_access('"Acc".stuck', public_id)::text), count(tenant_guard.log_access('"Acc".loose', public_id)::text) FROM "Acc".stuck;
SELECT tenant_guard.flush_access() AS counted;
SELECT table_oid::regclass AS waiting FROM tenant_guard.access_event;
SELECT * FROM refused($$SELECT tenant_guard.flush_access('"Acc".stuck')$$);
SET client_min_messages = warning;
DROP SCHEMA "Acc" CASCADE;
