-- add_feature and drop_feature: what each feature makes, and what its trigger keeps.
CREATE SCHEMA "Fea tures" AUTHORIZATION app_owner;
CREATE SCHEMA feat AUTHORIZATION app_owner;
GRANT USAGE ON SCHEMA feat, "Fea tures" TO authenticated;
SET ROLE app_owner;
CREATE FUNCTION feat.shape(t regclass) RETURNS TABLE (what text) LANGUAGE sql AS $$
  SELECT what FROM (
  SELECT 1 AS place, attnum::int AS position, format('%s %s%s%s', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' NOT NULL' END, ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)) AS what
  FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE attrelid = t AND a.attnum > 0 AND NOT attisdropped
  UNION ALL SELECT 2, 0, format('%s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE conrelid = t AND contype <> 'n'
  UNION ALL SELECT 3, 0, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = t
  UNION ALL SELECT 4, 0, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = t AND NOT tgisinternal
  UNION ALL SELECT 5, 0, format('%s %s', polname, pg_get_expr(polqual, polrelid)) FROM pg_policy WHERE polrelid = t
  ) x ORDER BY place, position, what COLLATE "C"
$$;
CREATE TABLE feat.organizations (id uuid PRIMARY KEY);
CREATE TABLE feat.projects (id uuid PRIMARY KEY, organization_id uuid NOT NULL, UNIQUE (organization_id, id));
INSERT INTO feat.organizations VALUES ('aaaaaaaa-0000-4000-8000-000000000001'), ('bbbbbbbb-0000-4000-8000-000000000002');
INSERT INTO feat.projects VALUES ('cccccccc-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000001'),
  ('dddddddd-0000-4000-8000-000000000002', 'bbbbbbbb-0000-4000-8000-000000000002');

-- One table with all of them: a dry run changes nothing, a second run plans nothing, undo is the way back.
CREATE TABLE "Fea tures"."order" ("Wh at" text, n int, doubled int GENERATED ALWAYS AS (n * 2) STORED);
CREATE TABLE feat.before AS SELECT * FROM feat.shape('"Fea tures"."order"');
SELECT count(*) AS planned FROM tenant_guard.add_feature_dry_run('"Fea tures"."order"', 'dual_id', 'tenant:{"references": "feat.organizations"}', 'project:{"references": "feat.projects"}', 'timestamps', 'actors', 'soft_delete', 'version', 'status:draft,active,it''s done', 'access', 'audit');
SELECT * FROM (SELECT * FROM feat.shape('"Fea tures"."order"') EXCEPT SELECT * FROM feat.before) x ORDER BY what COLLATE "C";
SELECT step, action, sql FROM tenant_guard.add_feature('"Fea tures"."order"', 'audit', 'access', 'status:{"values": ["draft", "active", "it''s done"], "transitions": {"draft": ["active"], "active": ["draft", "it''s done"]}}', 'version', 'soft_delete', 'actors', 'timestamps', 'project:{"references": "feat.projects"}', 'tenant:{"references": "feat.organizations"}', 'dual_id');
SELECT count(*) AS again FROM tenant_guard.add_feature('"Fea tures"."order"', 'dual_id', 'tenant:{"references": "feat.organizations"}', 'project:{"references": "feat.projects"}', 'timestamps', 'actors', 'soft_delete', 'version', 'status', 'access', 'audit');
SELECT * FROM feat.shape('"Fea tures"."order"');

-- What a user writes, and what is kept.
GRANT SELECT, INSERT, UPDATE ON "Fea tures"."order" TO authenticated;
BEGIN;
SELECT identity('{"sub":"6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SET LOCAL ROLE authenticated;
INSERT INTO "Fea tures"."order" (n, created_by, updated_by, version, project_id)
VALUES (1, 'eeeeeeee-0000-4000-8000-000000000009', 'eeeeeeee-0000-4000-8000-000000000009', 77, 'cccccccc-0000-4000-8000-000000000001')
RETURNING id, organization_id, n, doubled, created_by, updated_by, version, version_updated_by, status, status_changed_by;
-- Another organization's project is refused by the foreign key.
SELECT * FROM refused($$INSERT INTO "Fea tures"."order" (n, project_id) VALUES (2, 'dddddddd-0000-4000-8000-000000000002')$$);
COMMIT;
BEGIN;
SELECT identity('{"sub":"12121212-0000-4000-8000-000000000012","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SET LOCAL ROLE authenticated;
-- Nothing changes: nothing is kept anew.
UPDATE "Fea tures"."order" SET n = 1, updated_at = 'epoch', created_at = 'epoch', updated_by = NULL, version_updated_at = 'epoch', status_changed_at = 'epoch', status = status
RETURNING version, updated_by, updated_at > created_at AS later, created_at > 'epoch' AS kept, status_changed_at = created_at AS same;
UPDATE "Fea tures"."order" SET access_count = access_count + 1, last_accessed = now() RETURNING version, updated_by, access_count;
UPDATE "Fea tures"."order" SET n = 2, created_by = 'eeeeeeee-0000-4000-8000-000000000009', created_at = 'epoch', version_updated_by = NULL
RETURNING n, doubled, version, created_by, updated_by, version_updated_by, updated_at > created_at AS later, created_at > 'epoch' AS kept, updated_at = now() AS now;
-- The version read, or the next one, is right; any other is stale.
UPDATE "Fea tures"."order" SET n = 3, version = 2 RETURNING version;
UPDATE "Fea tures"."order" SET n = 4, version = 4 RETURNING version;
SELECT * FROM refused($$UPDATE "Fea tures"."order" SET n = 5, version = 2$$);
SELECT * FROM refused($$UPDATE "Fea tures"."order" SET n = 5, version = NULL$$);
-- Statuses.
SELECT * FROM refused($$UPDATE "Fea tures"."order" SET status = 'it''s done'$$);
UPDATE "Fea tures"."order" SET status = 'active' RETURNING status, status_changed_by, status_changed_at = now() AS now;
UPDATE "Fea tures"."order" SET status = 'it''s done' RETURNING status;
SELECT * FROM refused($$UPDATE "Fea tures"."order" SET status = 'draft'$$);
COMMIT;
-- A migration, which has no identity, keeps what is given.
INSERT INTO "Fea tures"."order" (n, organization_id, created_by) VALUES (9, 'bbbbbbbb-0000-4000-8000-000000000002', 'eeeeeeee-0000-4000-8000-000000000009') RETURNING created_by, updated_by, version;
UPDATE "Fea tures"."order" SET created_by = NULL, updated_by = 'eeeeeeee-0000-4000-8000-000000000009' WHERE n = 9 RETURNING created_by, updated_by, version;
-- A large value that stays as it is costs no comparison of its insides; a short one and a long one are told apart.
ALTER TABLE "Fea tures"."order" ALTER "Wh at" SET STORAGE EXTERNAL;
UPDATE "Fea tures"."order" SET "Wh at" = repeat('x', 10000) WHERE n = 9 RETURNING version;
UPDATE "Fea tures"."order" SET "Wh at" = repeat('x', 10000) WHERE n = 9 RETURNING version;
UPDATE "Fea tures"."order" SET "Wh at" = repeat('x', 9999) || 'y' WHERE n = 9 RETURNING version;
SELECT operation, record ->> 'n' AS n, record ->> 'version' AS version FROM tenant_guard.audit_log WHERE table_schema = 'Fea tures' AND record ->> 'n' = '9' ORDER BY id;

-- Another option plans only the difference; leaving the option out leaves the transitions.
SELECT step, action, sql FROM tenant_guard.add_feature('"Fea tures"."order"', 'status:{"transitions": {"draft": ["active"]}}');
SELECT count(*) AS again FROM tenant_guard.add_feature('"Fea tures"."order"', 'status');

-- Ways out: machinery goes, columns stay or go.
SET client_min_messages = notice;
SELECT step, action, sql, undo FROM tenant_guard.drop_feature('"Fea tures"."order"', 'version', 'access', 'project', 'status');
RESET client_min_messages;
SELECT step, action FROM tenant_guard.drop_feature('"Fea tures"."order"', 'version', 'status', 'project');
SELECT step, action, undo FROM tenant_guard.drop_feature('"Fea tures"."order"', 'access:{"columns": "drop"}', 'actors', 'timestamps', 'soft_delete', 'audit', 'tenant', 'dual_id');
SELECT regexp_replace(answer, 'change \d+', 'change N') AS answer FROM refused(format('SELECT * FROM tenant_guard.undo(%s)', (SELECT max(id) FROM tenant_guard.change WHERE operation = 'drop_feature')));
SELECT * FROM feat.shape('"Fea tures"."order"');

-- Undo gives back what was.
CREATE TABLE "Fea tures"."Other" (id int PRIMARY KEY, "E mail" text, n int, UNIQUE ("E mail"), CONSTRAINT "b oth" UNIQUE (n, "E mail"));
COMMENT ON CONSTRAINT "b oth" ON "Fea tures"."Other" IS 'it''s both';
CREATE TABLE feat.b2 AS SELECT * FROM feat.shape('"Fea tures"."Other"');
SELECT count(*) FROM tenant_guard.add_feature('"Fea tures"."Other"', 'dual_id', 'tenant:{"references": "feat.organizations", "column": "Org"}', 'timestamps', 'actors:{"type": "text"}', 'soft_delete:{"type": "text"}', 'version:{"type":"text"}', 'status:a,b', 'access');
SELECT * FROM (SELECT * FROM feat.shape('"Fea tures"."Other"') EXCEPT SELECT * FROM feat.b2) x ORDER BY what COLLATE "C";
SELECT count(*) FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change));
SELECT * FROM (SELECT * FROM feat.shape('"Fea tures"."Other"') EXCEPT SELECT * FROM feat.b2) x ORDER BY what COLLATE "C";
SELECT * FROM (SELECT * FROM feat.b2 EXCEPT SELECT * FROM feat.shape('"Fea tures"."Other"')) x ORDER BY what COLLATE "C";
SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'b oth';
SELECT count(*) AS types FROM pg_type WHERE typname = 'Other_status';

-- Columns that are there: right ones are completed, wrong ones are refused.
CREATE TABLE feat.half (id bigint PRIMARY KEY, organization_id uuid, created_at timestamptz, updated_by text, is_deleted boolean NOT NULL DEFAULT false);
SELECT step, action, sql FROM tenant_guard.add_feature('feat.half', 'dual_id', 'tenant', 'timestamps', 'actors', 'soft_delete');
CREATE TABLE feat.wrong (id uuid PRIMARY KEY, created_at timestamp, updated_by int, version bigint, status text, organization_id bigint, deleted_by uuid GENERATED ALWAYS AS (id) STORED);
SELECT f, r.* FROM unnest(ARRAY['timestamps', 'actors', 'version', 'status', 'status:a,b', 'status:{"type": "pg_catalog.int4"}', 'dual_id', 'tenant', 'soft_delete']) f, refused(format('SELECT * FROM tenant_guard.add_feature(''feat.wrong'', %L)', f)) r;

-- A composite key stays, and the outside gets an id.
CREATE TABLE feat.pairs (a int, b int, PRIMARY KEY (a, b));
SELECT sql FROM tenant_guard.add_feature('feat.pairs', 'dual_id');
CREATE TABLE feat.loose (id int);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.loose', 'dual_id')$$);
-- An enum that is there serves; its values are not guessed.
CREATE TYPE feat.mood AS ENUM ('low', 'high');
CREATE TABLE feat.moods (n int);
SELECT sql FROM tenant_guard.add_feature('feat.moods', 'status:{"type": "feat.mood", "actor": "text"}') WHERE step <= 3;
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.moods', 'status:low,middle,high')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.loose', 'status')$$);

-- A table with rows: whose they are has to be said.
CREATE TABLE feat.full (n int); INSERT INTO feat.full VALUES (1), (2);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.full', 'tenant')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.full', 'tenant:{"backfill": "not an id"}')$$);
SELECT step, sql FROM tenant_guard.add_feature('feat.full', 'tenant:{"backfill": "aaaaaaaa-0000-4000-8000-000000000001"}', 'dual_id');
SELECT n, id, organization_id, count(public_id) OVER () FROM feat.full ORDER BY n;
SELECT count(*) AS again FROM tenant_guard.add_feature('feat.full', 'tenant', 'dual_id');

-- Organizations with other ids; where nothing says which table they are.
RESET ROLE;
CREATE SCHEMA feat2 AUTHORIZATION app_owner;
SET ROLE app_owner;
CREATE TABLE feat2.organizations (code varchar(20) PRIMARY KEY);
CREATE TABLE feat2.firms (no int PRIMARY KEY);
CREATE TABLE feat2.t1 (n int); CREATE TABLE feat2.t2 (n int);
SELECT sql FROM tenant_guard.add_feature('feat2.t1', 'tenant');
SELECT sql FROM tenant_guard.add_feature('feat2.t2', 'tenant:{"references": "feat2.firms"}', 'project:{"references": "feat.projects"}');
CREATE TABLE "Fea tures".t3 (n int);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('"Fea tures".t3', 'tenant')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('"Fea tures".t3', 'tenant:{"references": "feat.nothing"}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('"Fea tures".t3', 'tenant:{"references": "feat.b2"}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('"Fea tures".t3', 'tenant:{"references": "feat.organizations", "type": "bigint"}')$$);

-- A partitioned table: columns and triggers go to its partitions, and a row that moves is no new row.
CREATE TABLE feat.events (at int NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE feat.events_1 PARTITION OF feat.events FOR VALUES FROM (0) TO (10);
CREATE TABLE feat.events_2 PARTITION OF feat.events FOR VALUES FROM (10) TO (20);
SELECT step, action, sql FROM tenant_guard.add_feature('feat.events', 'timestamps', 'actors', 'version', 'soft_delete');
SELECT count(*) AS again FROM tenant_guard.add_feature('feat.events', 'timestamps', 'actors', 'version', 'soft_delete');
INSERT INTO feat.events (at, n) VALUES (1, 1), (2, 2);
BEGIN;
SELECT identity('{"sub":"12121212-0000-4000-8000-000000000012"}');
UPDATE feat.events SET at = 11 WHERE n = 1 RETURNING tableoid::regclass, version, created_by, updated_by, is_deleted;
INSERT INTO feat.events (at, n) VALUES (12, 3) RETURNING tableoid::regclass, version, created_by;
DELETE FROM feat.events WHERE n = 1;
SELECT tableoid::regclass, n, version, created_by, deleted_by, is_deleted FROM feat.events ORDER BY n;
ROLLBACK;
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.events_1', 'access')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.events', 'dual_id')$$);
SELECT count(*) FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change));
SELECT * FROM feat.shape('feat.events_1');

-- Inheritance: the columns are handed down, the rest each table gets for itself.
CREATE TABLE feat.papers (n int); CREATE TABLE feat.letters (m int) INHERITS (feat.papers);
SELECT step, sql FROM tenant_guard.add_feature('feat.papers', 'timestamps', 'soft_delete', 'tenant');
SELECT count(*) AS again FROM tenant_guard.add_feature('feat.papers', 'timestamps', 'soft_delete', 'tenant');
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.papers', 'dual_id')$$);

-- Wrong calls.
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', 'stamps')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', 'timestamps:{"x": 1}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', 'actors:{"type": "int"}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', 'status:a,a')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', 'status:{"values": ["a"], "transitions": {"a": ["z"]}}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', 'access', 'access')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', VARIADIC NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', VARIADIC '{}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature(NULL, 'access')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_feature('feat.half', 'stamps')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_feature('feat.half', 'access:{"columns": "burn"}')$$);
GRANT USAGE ON SCHEMA feat TO other_owner;
RESET ROLE; SET ROLE other_owner;
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('feat.half', 'access')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.drop_feature_dry_run('feat.half', 'access')$$);
RESET ROLE; SET ROLE app_owner;

-- The trigger functions elsewhere than where they belong, and columns that are gone since.
SELECT * FROM refused($$SELECT tenant_guard.keep_conventions()$$);
CREATE TABLE feat.byhand (n int);
CREATE TRIGGER a AFTER INSERT ON feat.byhand FOR EACH ROW EXECUTE FUNCTION tenant_guard.keep_conventions('timestamps');
SELECT * FROM refused($$INSERT INTO feat.byhand VALUES (1)$$);
DROP TRIGGER a ON feat.byhand;
CREATE TRIGGER a BEFORE INSERT ON feat.byhand FOR EACH STATEMENT EXECUTE FUNCTION tenant_guard.keep_conventions('timestamps');
SELECT * FROM refused($$INSERT INTO feat.byhand VALUES (1)$$);
DROP TRIGGER a ON feat.byhand;
CREATE TRIGGER a BEFORE INSERT ON feat.byhand FOR EACH ROW EXECUTE FUNCTION tenant_guard.keep_conventions('magic');
SELECT * FROM refused($$INSERT INTO feat.byhand VALUES (1)$$);
DROP TRIGGER a ON feat.byhand;
CREATE TRIGGER a BEFORE INSERT ON feat.byhand FOR EACH ROW EXECUTE FUNCTION tenant_guard.soft_delete();
SELECT * FROM refused($$INSERT INTO feat.byhand VALUES (1)$$);
DROP TRIGGER a ON feat.byhand;
INSERT INTO feat.byhand VALUES (1);
CREATE TRIGGER a BEFORE DELETE ON feat.byhand FOR EACH ROW EXECUTE FUNCTION tenant_guard.soft_delete();
SELECT * FROM refused($$DELETE FROM feat.byhand$$);
DROP TRIGGER a ON feat.byhand;
SELECT count(*) FROM tenant_guard.add_feature('feat.byhand', 'timestamps');
ALTER TABLE feat.byhand RENAME updated_at TO changed_at;
SELECT * FROM refused($$UPDATE feat.byhand SET n = 2$$);
ALTER TABLE feat.byhand ADD updated_at date;
SELECT * FROM refused($$UPDATE feat.byhand SET n = 2$$);
ALTER TABLE feat.byhand DROP updated_at;
SELECT * FROM refused($$UPDATE feat.byhand SET n = 2$$);
RESET ROLE;
