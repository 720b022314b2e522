-- soft_delete: a DELETE marks, hides and keeps; what goes along, what comes back, what goes for good.
CREATE SCHEMA "so ft" AUTHORIZATION app_owner;
GRANT USAGE ON SCHEMA "so ft" TO authenticated, nobody;
SET ROLE app_owner;
CREATE TABLE "so ft".owners (id int PRIMARY KEY);
CREATE TABLE "so ft"."Fol der" (id int PRIMARY KEY, owner_id int REFERENCES "so ft".owners ON DELETE CASCADE, parent_id int REFERENCES "so ft"."Fol der" ON DELETE CASCADE, name text, UNIQUE (name), CONSTRAINT by_owner UNIQUE (owner_id, name), CONSTRAINT late UNIQUE (name, parent_id) DEFERRABLE);
CREATE TABLE "so ft".files (a int, b int, folder_id int REFERENCES "so ft"."Fol der" ON DELETE CASCADE, size int, half int GENERATED ALWAYS AS (size / 2) STORED, PRIMARY KEY (a, b), UNIQUE (folder_id, size));
CREATE TABLE "so ft".pages (file_a int, file_b int, at int NOT NULL, FOREIGN KEY (file_a, file_b) REFERENCES "so ft".files ON DELETE CASCADE) PARTITION BY RANGE (at);
CREATE TABLE "so ft".pages_1 PARTITION OF "so ft".pages FOR VALUES FROM (0) TO (10);
CREATE TABLE "so ft".pages_2 PARTITION OF "so ft".pages FOR VALUES FROM (10) TO (20);
-- Has not the feature, and is left alone.
CREATE TABLE "so ft".notes (file_a int, file_b int, FOREIGN KEY (file_a, file_b) REFERENCES "so ft".files ON DELETE CASCADE);
SET client_min_messages = notice;
SELECT count(*) FROM tenant_guard.add_feature('"so ft"."Fol der"', 'soft_delete', 'timestamps', 'actors', 'version');
RESET client_min_messages;
SELECT count(*) FROM tenant_guard.add_feature('"so ft".files', 'soft_delete', 'version', 'audit');
SELECT count(*) FROM tenant_guard.add_feature('"so ft".pages', 'soft_delete');
CREATE FUNCTION "so ft".tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING '% % of %: % -> %, by %', TG_WHEN, TG_OP, TG_TABLE_NAME, OLD.is_deleted, NEW.is_deleted, current_user; RETURN NEW; END $$;
CREATE TRIGGER zz_after AFTER UPDATE OF is_deleted ON "so ft".files FOR EACH ROW EXECUTE FUNCTION "so ft".tell();
CREATE TRIGGER aa_before BEFORE UPDATE ON "so ft".files FOR EACH ROW EXECUTE FUNCTION "so ft".tell();
CREATE TRIGGER not_this AFTER UPDATE OF size ON "so ft".files FOR EACH ROW EXECUTE FUNCTION "so ft".tell();
CREATE PROCEDURE "so ft".fill() LANGUAGE sql AS $$
  INSERT INTO "so ft".owners VALUES (1), (2);
  INSERT INTO "so ft"."Fol der" VALUES (1, 1, NULL, 'root'), (2, 1, 1, 'sub'), (3, 2, NULL, 'other');
  INSERT INTO "so ft".files VALUES (1, 1, 1, 10), (1, 2, 2, 20), (2, 1, 3, 30);
  INSERT INTO "so ft".pages VALUES (1, 1, 1), (1, 1, 11), (1, 2, 2), (2, 1, 3);
  INSERT INTO "so ft".notes VALUES (1, 1), (2, 1);
$$;
CALL "so ft".fill();
CREATE VIEW "so ft".state WITH (security_invoker) AS
  SELECT 'folder ' || id AS what, is_deleted, deleted_at, deleted_by::text, deletion_reason FROM "so ft"."Fol der"
  UNION ALL SELECT 'file ' || a || b, is_deleted, deleted_at, deleted_by::text, deletion_reason FROM "so ft".files
  UNION ALL SELECT 'page ' || file_a || file_b || ' in ' || tableoid::regclass, is_deleted, deleted_at, deleted_by::text, deletion_reason FROM "so ft".pages;
GRANT SELECT ON ALL TABLES IN SCHEMA "so ft" TO authenticated, nobody;

-- Rows are hidden, from the owner too, once row-level security is enabled and forced.
ALTER TABLE "so ft"."Fol der" ENABLE ROW LEVEL SECURITY; ALTER TABLE "so ft"."Fol der" FORCE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON "so ft"."Fol der" USING (true);
ALTER TABLE "so ft".files ENABLE ROW LEVEL SECURITY; ALTER TABLE "so ft".files FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON "so ft".files FOR SELECT USING (true);
CREATE POLICY remove ON "so ft".files FOR DELETE TO authenticated USING (a = 2);

-- A role with DELETE alone, with no UPDATE privilege and no UPDATE policy.
GRANT DELETE ON "so ft".files, "so ft"."Fol der" TO authenticated;
BEGIN;
SELECT identity('{"sub":"6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11"}');
SET LOCAL tenant_guard.deletion_reason = 'it''s old';
SET LOCAL ROLE authenticated;
DELETE FROM "so ft".files WHERE a = 1 RETURNING a; -- the policy does not allow it
DELETE FROM "so ft".files RETURNING a;
SELECT what, is_deleted FROM "so ft".state WHERE what LIKE 'file%';
SET LOCAL tenant_guard.show_deleted = on;
SELECT what, is_deleted, deleted_by, deletion_reason, deleted_at >= now() AS now FROM "so ft".state WHERE what LIKE 'file%' ORDER BY 1;
SELECT a, size, half, version, version_updated_by FROM "so ft".files WHERE is_deleted;
-- Deleted already: nothing happens.
DELETE FROM "so ft".files RETURNING a;
RESET ROLE;
SELECT what, is_deleted, deleted_by FROM "so ft".state WHERE is_deleted ORDER BY 1;
SELECT * FROM "so ft".notes;
SELECT operation, key, record ->> 'is_deleted' AS is_deleted, changed_columns, user_id FROM tenant_guard.audit_log WHERE table_schema = 'so ft' AND operation <> 'INSERT' ORDER BY id;
ROLLBACK;

-- A whole tree goes, at one time: folders in folders, files in them, pages of partitions.
BEGIN;
SELECT identity('{"sub":"6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11"}');
SET LOCAL ROLE authenticated;
DELETE FROM "so ft"."Fol der" WHERE id = 1;
RESET ROLE;
SELECT what, deleted_by, count(*) OVER (PARTITION BY deleted_at) AS together FROM "so ft".state WHERE is_deleted ORDER BY 1;
-- The names are free again; those in use are not.
INSERT INTO "so ft"."Fol der" VALUES (10, 1, NULL, 'root');
SELECT * FROM refused($$INSERT INTO "so ft"."Fol der" VALUES (11, 2, NULL, 'other')$$);
INSERT INTO "so ft"."Fol der" VALUES (12, 1, NULL, 'root') ON CONFLICT (name) WHERE NOT is_deleted DO NOTHING;
-- And stand in the way of the way back.
SELECT * FROM refused($$SELECT tenant_guard.restore_row('"so ft"."Fol der"', '{"id": 1}')$$);
ROLLBACK;

-- restore_row brings back what went together; what was deleted before stays deleted.
CREATE POLICY change ON "so ft".files USING (true);
DELETE FROM "so ft".files WHERE (a, b) = (1, 2);
DELETE FROM "so ft"."Fol der" WHERE id = 1;
SELECT count(*) AS visible FROM "so ft"."Fol der";
SET ROLE nobody;
SELECT * FROM refused($$SELECT tenant_guard.restore_row('"so ft"."Fol der"', '{"id": 1}')$$);
SET ROLE app_owner;
SELECT tenant_guard.restore_row('"so ft"."Fol der"', '{"id": 2}');
SELECT tenant_guard.restore_row('"so ft"."Fol der"', '{"id": 1}');
SELECT tenant_guard.restore_row('"so ft"."Fol der"', '{"id": 1}') AS again, tenant_guard.restore_row('"so ft"."Fol der"', '{"id": 99}') AS nothing;
SHOW tenant_guard.show_deleted;
SET tenant_guard.show_deleted = on;
SELECT what, is_deleted FROM "so ft".state ORDER BY 1;
SELECT tenant_guard.restore_row('"so ft".files', '{"a": 1, "b": 2}');
SELECT count(*) FROM "so ft".state WHERE is_deleted;
RESET tenant_guard.show_deleted;
SELECT * FROM refused($$SELECT tenant_guard.restore_row('"so ft".files', '{"a": 1}')$$);
SELECT * FROM refused($$SELECT tenant_guard.restore_row('"so ft".files', '[1, 2]')$$);
SELECT * FROM refused($$SELECT tenant_guard.restore_row('"so ft".files', '{"a": 1, "b": null}')$$);
SELECT * FROM refused($$SELECT tenant_guard.restore_row('"so ft".files', '{"a": 1, "b": "x"}')$$);
SELECT * FROM refused($$SELECT tenant_guard.restore_row('"so ft".pages', '{"a": 1}')$$);
SELECT * FROM refused($$SELECT tenant_guard.restore_row('"so ft".notes', '{"a": 1}')$$);
SELECT * FROM refused($$SELECT tenant_guard.restore_row(NULL, '{}')$$);
SELECT * FROM refused($$SELECT tenant_guard.restore_row('"so ft".files', NULL)$$);

-- A foreign key's own action takes the row for good: its parent is gone.
DELETE FROM "so ft".owners WHERE id = 2;
SET tenant_guard.show_deleted = on;
SELECT what FROM "so ft".state WHERE what IN ('folder 3', 'file 21');
RESET tenant_guard.show_deleted;

-- TRUNCATE is no DELETE; MERGE and a data-modifying WITH are.
BEGIN;
MERGE INTO "so ft".files f USING (VALUES (1, 1)) v(a, b) ON (f.a, f.b) = (v.a, v.b) WHEN MATCHED THEN DELETE;
WITH gone AS (DELETE FROM "so ft".pages WHERE file_b = 2 RETURNING *) SELECT count(*) FROM gone;
-- A row that two others match is marked once.
DELETE FROM "so ft".pages p USING (VALUES (1), (1)) v(x) WHERE p.at > v.x;
SET LOCAL tenant_guard.show_deleted = on;
SELECT what, is_deleted FROM "so ft".state WHERE what NOT LIKE 'folder%' ORDER BY 1;
ROLLBACK;

-- purge_deleted.
DELETE FROM "so ft"."Fol der" WHERE id = 1;
SELECT * FROM tenant_guard.purge_deleted('1 hour') WHERE "table" LIKE '%so ft%';
SELECT * FROM tenant_guard.purge_deleted('0', dry_run => true) WHERE "table" LIKE '%so ft%';
SELECT * FROM tenant_guard.purge_deleted('0', '"so ft".pages_1');
SELECT * FROM tenant_guard.purge_deleted('0', '"so ft".pages');
SELECT * FROM tenant_guard.purge_deleted('0') WHERE "table" LIKE '%so ft%';
SET tenant_guard.show_deleted = on;
SELECT what FROM "so ft".state;
RESET tenant_guard.show_deleted;
SELECT * FROM refused($$SELECT * FROM tenant_guard.purge_deleted(NULL)$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.purge_deleted('-1 day')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.purge_deleted('1 day', '"so ft".notes')$$);
SET ROLE authenticated;
SELECT * FROM refused($$SELECT * FROM tenant_guard.purge_deleted('1 day', '"so ft".files')$$);
SELECT * FROM tenant_guard.purge_deleted('0');
SET ROLE app_owner;

-- The way out: the indexes are constraints again, where the rows allow it.
SET client_min_messages = notice;
SELECT step, action, sql FROM tenant_guard.drop_feature('"so ft"."Fol der"', 'soft_delete');
RESET client_min_messages;
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '"so ft"."Fol der"'::regclass AND contype <> 'n' ORDER BY 1;
SELECT count(*) AS again FROM tenant_guard.drop_feature('"so ft"."Fol der"', 'soft_delete');
SELECT count(*) FROM tenant_guard.undo((SELECT max(id) FROM tenant_guard.change));
SELECT indexdef FROM pg_indexes WHERE schemaname = 'so ft' AND tablename = 'Fol der' ORDER BY 1;

-- A constraint that a foreign key refers to, and a trigger that fires under the owner's identity elsewhere.
CREATE TABLE "so ft".codes (id int PRIMARY KEY, code text UNIQUE, tag text UNIQUE);
CREATE TABLE "so ft".uses (code text REFERENCES "so ft".codes (code));
SET client_min_messages = notice;
SELECT action FROM tenant_guard.add_feature('"so ft".codes', 'soft_delete:{"type": "text"}') WHERE action ~ 'constraint|index';
RESET client_min_messages;
BEGIN;
SELECT identity('{"sub":"no uuid"}');
INSERT INTO "so ft".codes VALUES (1, 'x', 'y');
DELETE FROM "so ft".codes;
SELECT is_deleted, deleted_by FROM "so ft".codes;
COMMIT;

-- A trigger of the table that lets no UPDATE through lets no deletion through, nor what would go with it.
CREATE FUNCTION "so ft".hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
DELETE FROM "so ft".owners;
CALL "so ft".fill();
CREATE TRIGGER hold BEFORE UPDATE ON "so ft"."Fol der" FOR EACH ROW EXECUTE FUNCTION "so ft".hold();
DELETE FROM "so ft"."Fol der";
SELECT count(*) FROM "so ft".state WHERE is_deleted;
DROP TRIGGER hold ON "so ft"."Fol der";

-- Marking by hand goes against the policy.
SELECT * FROM refused($$UPDATE "so ft"."Fol der" SET is_deleted = true WHERE id = 3$$);
RESET ROLE;

-- A stranger who may refer to the table: its triggers run with its own rights, and restore_row runs none of them.
RESET ROLE;
CREATE SCHEMA evil AUTHORIZATION nobody;
CREATE SCHEMA kept AUTHORIZATION app_owner;
GRANT USAGE ON SCHEMA kept TO nobody, authenticated;
SET ROLE app_owner;
CREATE TABLE kept.parents (id int PRIMARY KEY, name text);
SELECT count(*) FROM tenant_guard.add_feature('kept.parents', 'soft_delete');
GRANT REFERENCES, SELECT ON kept.parents TO nobody;
GRANT SELECT, INSERT, DELETE, UPDATE ON kept.parents TO authenticated;
INSERT INTO kept.parents VALUES (1, 'a'), (2, 'b');
SET ROLE nobody;
CREATE TABLE evil.children (id int PRIMARY KEY, parent_id int REFERENCES kept.parents ON DELETE CASCADE);
SELECT count(*) FROM tenant_guard.add_feature('evil.children', 'soft_delete');
CREATE FUNCTION evil.who() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING '% as %', tg_when, current_user; RETURN NEW; END $$;
CREATE TRIGGER who BEFORE UPDATE ON evil.children FOR EACH ROW EXECUTE FUNCTION evil.who();
CREATE TRIGGER who_after AFTER UPDATE ON evil.children FOR EACH ROW EXECUTE FUNCTION evil.who();
CREATE CONSTRAINT TRIGGER who_later AFTER UPDATE ON evil.children DEFERRABLE FOR EACH ROW EXECUTE FUNCTION evil.who();
INSERT INTO evil.children VALUES (1, 1);
RESET ROLE;
DELETE FROM kept.parents WHERE id = 1;
SELECT tenant_guard.restore_row('kept.parents', '{"id": 1}');
-- What would run when nobody's rights are in force any more, is refused.
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
UPDATE evil.children SET is_deleted = false;
SELECT * FROM refused('DELETE FROM kept.parents WHERE id = 1');
ROLLBACK;
SELECT id, is_deleted FROM evil.children;

-- A trigger within somebody's own foreign key's action does not really delete another's rows.
GRANT TEMP ON DATABASE tenant_guard_regress TO authenticated;
SET ROLE authenticated;
CREATE TEMP TABLE above (id int PRIMARY KEY);
CREATE TEMP TABLE below (id int REFERENCES above ON DELETE CASCADE);
CREATE FUNCTION pg_temp.delete_all() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM kept.parents; RETURN OLD; END $$;
CREATE TRIGGER delete_all BEFORE DELETE ON below FOR EACH ROW EXECUTE FUNCTION pg_temp.delete_all();
INSERT INTO above VALUES (1);
INSERT INTO below VALUES (1);
DELETE FROM above;
RESET ROLE;
SELECT id, is_deleted FROM kept.parents ORDER BY id;

-- The mark is not for writing, whatever is shown.
ALTER TABLE kept.parents ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON kept.parents USING (true);
SET ROLE authenticated;
SET tenant_guard.show_deleted = on;
SELECT * FROM refused($$UPDATE kept.parents SET is_deleted = true, deleted_at = '2001-01-01'$$);
SELECT * FROM refused($$INSERT INTO kept.parents (id, is_deleted) VALUES (3, true)$$);
RESET tenant_guard.show_deleted;
RESET ROLE;

-- One statement may delete a row and those that refer to it, in whatever order.
CREATE SCHEMA trees;
CREATE TABLE trees.nodes (id int PRIMARY KEY, parent_id int REFERENCES trees.nodes ON DELETE CASCADE, other_id int REFERENCES trees.nodes ON DELETE CASCADE);
SELECT count(*) FROM tenant_guard.add_feature('trees.nodes', 'soft_delete', 'version');
INSERT INTO trees.nodes VALUES (1, NULL, 1), (2, 1, NULL), (3, 2, 1), (4, 3, 4), (5, NULL, 4), (6, NULL, NULL);
BEGIN;
DELETE FROM trees.nodes RETURNING id;
SELECT id, is_deleted, version, count(*) OVER (PARTITION BY deleted_at) AS together FROM trees.nodes ORDER BY 1;
ROLLBACK;
BEGIN;
DELETE FROM trees.nodes WHERE id IN (4, 2, 1);
SELECT id, is_deleted, version FROM trees.nodes ORDER BY 1;
SELECT tenant_guard.restore_row('trees.nodes', '{"id": 1}') AS restored;
ROLLBACK;
-- Down a long way.
BEGIN;
INSERT INTO trees.nodes SELECT n, nullif(n - 1, 99) FROM generate_series(100, 3100) n;
DELETE FROM trees.nodes WHERE id = 100;
SELECT count(*), count(DISTINCT deleted_at) FROM trees.nodes WHERE is_deleted;
SELECT tenant_guard.restore_row('trees.nodes', '{"id": 100}') AS restored;
ROLLBACK;
-- Many rows of a table at once, with all that is kept for each, and their partitions below.
CREATE TABLE trees.branches (id int PRIMARY KEY, node_id int REFERENCES trees.nodes ON DELETE CASCADE, status text);
CREATE TABLE trees.leaves (id int, branch_id int REFERENCES trees.branches ON DELETE CASCADE, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE trees.leaves_1 PARTITION OF trees.leaves FOR VALUES FROM (0) TO (50);
CREATE TABLE trees.leaves_2 PARTITION OF trees.leaves FOR VALUES FROM (50) TO (100);
SELECT count(*) FROM unnest(ARRAY['trees.branches', 'trees.leaves']) t, tenant_guard.add_feature(t::regclass, 'soft_delete', 'timestamps', 'actors:{"type": "text"}', 'version');
INSERT INTO trees.branches SELECT n, 1 + n % 3 FROM generate_series(1, 30) n;
INSERT INTO trees.leaves SELECT n, 1 + n % 30, n % 100 FROM generate_series(1, 600) n;
UPDATE trees.branches SET updated_at = '2001-01-01';
BEGIN;
SELECT identity('{"sub":"carol"}');
DELETE FROM trees.nodes WHERE id = 1;
SELECT 'branch' AS what, version, deleted_by, updated_by, is_deleted, count(*), count(DISTINCT updated_at), count(DISTINCT deleted_at) FROM trees.branches GROUP BY 2, 3, 4, 5
UNION ALL SELECT 'leaf', version, deleted_by, updated_by, is_deleted, count(*), count(DISTINCT updated_at), count(DISTINCT deleted_at) FROM trees.leaves GROUP BY 2, 3, 4, 5 ORDER BY 1, 2;
ROLLBACK;
-- A privilege on the partitioned table, or on a view, is one for what goes along.
GRANT USAGE ON SCHEMA trees TO authenticated;
CREATE TABLE trees.roots (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE trees.roots_1 PARTITION OF trees.roots FOR VALUES FROM (0) TO (10);
CREATE TABLE trees.shoots (root_id int REFERENCES trees.roots ON DELETE CASCADE);
SELECT count(*) FROM unnest(ARRAY['trees.roots', 'trees.shoots']) t, tenant_guard.add_feature(t::regclass, 'soft_delete');
CREATE VIEW trees.in_sight AS SELECT id FROM trees.roots_1;
GRANT SELECT, DELETE ON trees.roots, trees.in_sight TO authenticated;
INSERT INTO trees.roots VALUES (1), (2), (3);
INSERT INTO trees.shoots VALUES (1), (2), (3);
SET ROLE authenticated;
DELETE FROM trees.roots WHERE id = 1;
DELETE FROM trees.in_sight WHERE id = 2;
RESET ROLE;
SELECT root_id, is_deleted FROM trees.shoots ORDER BY 1;

-- A mark written by hand takes along what a DELETE would, if its writer could delete.
GRANT USAGE ON SCHEMA trees TO authenticated;
GRANT SELECT, UPDATE ON trees.nodes TO authenticated;
BEGIN;
UPDATE trees.nodes SET is_deleted = true, deletion_reason = 'by hand' WHERE id = 2;
SELECT id, is_deleted, deleted_at IS NOT NULL AS at, deletion_reason FROM trees.nodes ORDER BY 1;
SELECT tenant_guard.restore_row('trees.nodes', '{"id": 2}') AS alone, tenant_guard.restore_row('trees.nodes', '{"id": 3}') AS with_what_refers;
ROLLBACK;
BEGIN;
SET LOCAL ROLE authenticated;
UPDATE trees.nodes SET is_deleted = true WHERE id = 2;
SELECT id FROM trees.nodes WHERE is_deleted ORDER BY 1;
ROLLBACK;

-- MERGE on partitions: what it deletes and inserts is no row that moves, though it tried to update the row before.
CREATE TABLE trees.parts (id int, part int, body text, created_by text DEFAULT 'forged') PARTITION BY LIST (part);
CREATE TABLE trees.parts_1 PARTITION OF trees.parts FOR VALUES IN (1);
CREATE TABLE trees.parts_2 PARTITION OF trees.parts FOR VALUES IN (2);
SELECT count(*) FROM tenant_guard.add_feature('trees.parts', 'soft_delete', 'actors:{"type": "text"}', 'version');
CREATE TRIGGER z_redundant BEFORE UPDATE ON trees.parts FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
BEGIN;
SELECT identity('{"sub":"alice"}');
INSERT INTO trees.parts VALUES (1, 1, 'one'), (2, 1, 'two');
COMMIT;
BEGIN;
SELECT identity('{"sub":"bob"}');
-- Row by row, in the order of the list.
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SELECT * FROM refused($$
MERGE INTO trees.parts p USING (VALUES (1, 'update'), (1, 'delete'), (9, 'insert')) v(id, what) ON p.id = v.id
  WHEN MATCHED AND what = 'update' THEN UPDATE SET body = body
  WHEN MATCHED THEN DELETE
  WHEN NOT MATCHED THEN INSERT (id, part, body, created_by, version) VALUES (v.id, 2, what, 'forged', 7)$$);
CREATE TABLE trees.kept (LIKE trees.parts INCLUDING DEFAULTS) PARTITION BY LIST (part);
CREATE TABLE trees.kept_1 PARTITION OF trees.kept FOR VALUES IN (1);
CREATE TABLE trees.kept_2 PARTITION OF trees.kept FOR VALUES IN (2);
INSERT INTO trees.kept SELECT * FROM trees.parts;
SELECT count(*) FROM tenant_guard.add_feature('trees.kept', 'actors', 'version');
CREATE TRIGGER z_redundant BEFORE UPDATE ON trees.kept FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
MERGE INTO trees.kept p USING (VALUES (1, 'update'), (1, 'delete'), (9, 'insert')) v(id, what) ON p.id = v.id
  WHEN MATCHED AND what = 'update' THEN UPDATE SET body = body
  WHEN MATCHED THEN DELETE
  WHEN NOT MATCHED THEN INSERT (id, part, body, created_by, version) VALUES (v.id, 2, what, 'forged', 7);
SELECT tableoid::regclass AS part, id, created_by, version FROM trees.kept ORDER BY id;
COMMIT;
-- A row that moves takes all it has along.
UPDATE trees.parts SET part = 2 WHERE id = 2;
MERGE INTO trees.parts p USING (VALUES (2)) v(id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET part = 1, body = 'back';
SELECT tableoid::regclass AS part, id, is_deleted, created_by, updated_by, version FROM trees.parts WHERE id = 2;
-- Moved by a trigger that nobody could see coming.
CREATE FUNCTION trees.elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.part := 3 - OLD.part; RETURN NEW; END $$;
CREATE TRIGGER z_elsewhere BEFORE UPDATE ON trees.parts FOR EACH ROW EXECUTE FUNCTION trees.elsewhere();
SELECT * FROM refused($$UPDATE trees.parts SET body = 'moved' WHERE id = 2$$);
ALTER TRIGGER z_elsewhere ON trees.parts RENAME TO a_elsewhere;
UPDATE trees.parts SET body = 'moved' WHERE id = 2;
SELECT tableoid::regclass AS part, id, is_deleted, created_by, updated_by, version FROM trees.parts WHERE id = 2;

-- What does not go together.
CREATE TABLE trees.by_mark (id int, is_deleted boolean NOT NULL DEFAULT false) PARTITION BY LIST ((NOT is_deleted));
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('trees.by_mark', 'soft_delete')$$);
CREATE TABLE trees.told (id int);
CREATE TRIGGER told AFTER UPDATE ON trees.told REFERENCING NEW TABLE AS news FOR EACH ROW EXECUTE FUNCTION trees.elsewhere();
SELECT * FROM refused($$SELECT * FROM tenant_guard.add_feature('trees.told', 'soft_delete')$$);

-- A purge that is cancelled leaves the session as it was.
CREATE TABLE trees.slow (id int);
SELECT count(*) FROM tenant_guard.add_feature('trees.slow', 'soft_delete');
INSERT INTO trees.slow VALUES (1);
DELETE FROM trees.slow;
CREATE FUNCTION trees.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN OLD; END $$;
CREATE TRIGGER a_slow BEFORE DELETE ON trees.slow FOR EACH ROW EXECUTE FUNCTION trees.wait();
SET statement_timeout = '300ms';
SELECT * FROM tenant_guard.purge_deleted('0') WHERE "table" = 'trees.slow';
RESET statement_timeout;
SELECT count(*) AS still_there FROM trees.slow;
DROP TABLE trees.slow;

-- A table that cannot be purged does not keep the others.
CREATE TABLE trees.stuck (id int);
CREATE TABLE trees.loose (id int);
SELECT count(*) FROM unnest(ARRAY['trees.stuck', 'trees.loose']) t, tenant_guard.add_feature(t::regclass, 'soft_delete');
INSERT INTO trees.stuck VALUES (1);
INSERT INTO trees.loose VALUES (1);
DELETE FROM trees.stuck;
DELETE FROM trees.loose;
CREATE FUNCTION trees.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one, says %', current_user; END $$;
CREATE TRIGGER stuck AFTER DELETE ON trees.stuck FOR EACH ROW EXECUTE FUNCTION trees.refuse();
SELECT * FROM tenant_guard.purge_deleted('0') WHERE "table" LIKE 'trees.%' ORDER BY 1;
SELECT (SELECT count(*) FROM trees.stuck) AS stuck, (SELECT count(*) FROM trees.loose) AS loose, current_user;
SELECT * FROM refused($$SELECT * FROM tenant_guard.purge_deleted('0', 'trees.stuck')$$);
SET client_min_messages = warning;
DROP SCHEMA trees CASCADE;
