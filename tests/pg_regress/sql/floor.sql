-- What stands and falls with the floor: the grants, also in plans that are kept; and the context that it compares with.
SET ROLE app_owner;
CREATE SCHEMA "Flo or";
GRANT USAGE, CREATE ON SCHEMA "Flo or" TO authenticated;
CREATE TABLE "Flo or"."no te" (id int PRIMARY KEY, organization_id uuid NOT NULL, body text);
CREATE TABLE "Flo or".parts (id int, organization_id uuid NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE "Flo or".parts_1 PARTITION OF "Flo or".parts FOR VALUES FROM (0) TO (10);
SELECT count(*) FROM unnest(ARRAY['"Flo or"."no te"', '"Flo or".parts']) t, tenant_guard.protect_table(t::regclass);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "Flo or" TO authenticated;
CREATE FUNCTION "Flo or".become(org text) RETURNS void LANGUAGE sql AS $$
  SELECT set_config('request.jwt.claims', format('{"sub":"ada","org_id":"%s"}', repeat(org, 8) || '-0000-4000-8000-000000000001'), false)
$$;
RESET ROLE;
INSERT INTO "Flo or"."no te" SELECT n, (repeat(substr('ab', n % 2 + 1, 1), 8) || '-0000-4000-8000-000000000001')::uuid, 'x' FROM generate_series(1, 6) n;
INSERT INTO "Flo or".parts SELECT id, organization_id FROM "Flo or"."no te";

-- Each grant holds while the floor does; a kept plan is made anew when it falls.
CREATE FUNCTION "Flo or".what_is_open() RETURNS TABLE (command text, rows text) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH command IN ARRAY ARRAY['see', 'see_parts', 'change', 'remove', 'add'] LOOP
    BEGIN
      EXECUTE 'EXECUTE ' || command INTO rows;
      RAISE SQLSTATE 'TGUND';
    EXCEPTION
      WHEN SQLSTATE 'TGUND' THEN NULL;
      WHEN insufficient_privilege THEN rows := sqlerrm;
    END;
    RETURN NEXT;
  END LOOP;
END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA "Flo or" TO authenticated;
SET ROLE authenticated;
SELECT "Flo or".become('a');
PREPARE see AS SELECT count(*) FROM "Flo or"."no te";
PREPARE see_parts AS SELECT count(*) FROM "Flo or".parts_1;
PREPARE change AS WITH changed AS (UPDATE "Flo or"."no te" SET body = 'y' WHERE id > 0 RETURNING 1) SELECT count(*) FROM changed;
PREPARE remove AS WITH removed AS (DELETE FROM "Flo or"."no te" RETURNING 1) SELECT count(*) FROM removed;
PREPARE add AS WITH added AS (INSERT INTO "Flo or"."no te" VALUES (10) RETURNING 1) SELECT count(*) FROM added;
SELECT * FROM "Flo or".what_is_open();
SELECT "Flo or".become('b');
SELECT * FROM "Flo or".what_is_open();
RESET ROLE;
CREATE PROCEDURE "Flo or".without(command text) LANGUAGE plpgsql AS $$
DECLARE
  line record;
BEGIN
  EXECUTE command;
  SET LOCAL ROLE authenticated;
  FOR line IN SELECT * FROM "Flo or".what_is_open() LOOP
    RAISE WARNING '%: %', line.command, line.rows;
  END LOOP;
  RESET ROLE;
  ROLLBACK;
END $$;
CALL "Flo or".without('DROP POLICY tenant_guard_tenant ON "Flo or"."no te"; DROP POLICY tenant_guard_tenant ON "Flo or".parts_1');
CALL "Flo or".without('ALTER POLICY tenant_guard_tenant ON "Flo or"."no te" USING (true) WITH CHECK (true)');
CALL "Flo or".without('ALTER POLICY tenant_guard_tenant ON "Flo or"."no te" WITH CHECK (true)');
CALL "Flo or".without('ALTER POLICY tenant_guard_tenant ON "Flo or"."no te" USING (1 = 1) WITH CHECK (organization_id IS NOT NULL)');
CALL "Flo or".without('ALTER POLICY tenant_guard_tenant ON "Flo or"."no te" USING (true OR organization_id = (tenant_guard.context()).org_id)');
CALL "Flo or".without('ALTER POLICY tenant_guard_tenant ON "Flo or"."no te" TO authenticated');
CALL "Flo or".without('ALTER POLICY tenant_guard_tenant ON "Flo or"."no te" RENAME TO another');
-- What shows rows now is the policy that the owner has put in its place, and not the grants.
CALL "Flo or".without('DROP POLICY tenant_guard_tenant ON "Flo or"."no te"; CREATE POLICY tenant_guard_tenant ON "Flo or"."no te" FOR SELECT USING (organization_id IS NOT NULL)');
CALL "Flo or".without('DROP POLICY tenant_guard_tenant ON "Flo or"."no te"; CREATE POLICY tenant_guard_tenant ON "Flo or"."no te" AS RESTRICTIVE FOR SELECT USING (organization_id IS NOT NULL)');
-- Names are no matter: rows stay where they were.
BEGIN;
ALTER TABLE "Flo or"."no te" RENAME TO other;
ALTER TABLE "Flo or".other RENAME organization_id TO org;
ALTER SCHEMA "Flo or" RENAME TO "Wa ll";
SET LOCAL ROLE authenticated;
SELECT id FROM "Wa ll".other;
ROLLBACK;

-- has_floor is no way to learn or to open anything.
SET ROLE authenticated;
SELECT tenant_guard.has_floor('"Flo or"."no te"') AS stands, tenant_guard.has_floor('"Flo or".parts_1') AS below, tenant_guard.has_floor('pg_class') AS none,
       tenant_guard.has_floor(1) AS gone, tenant_guard.has_floor(NULL) AS nothing;
RESET ROLE;
ALTER TABLE "Flo or"."no te" DISABLE ROW LEVEL SECURITY;
SELECT tenant_guard.has_floor('"Flo or"."no te"') AS disabled;
ALTER TABLE "Flo or"."no te" ENABLE ROW LEVEL SECURITY;

-- The context: NULL for nobody, in each type for somebody.
SET ROLE authenticated;
SELECT set_config('request.jwt.claims', '', false), tenant_guard.context() IS NULL AS nobody, (tenant_guard.context()).org_id IS NULL AS no_value;
SELECT (tenant_guard.context()).* FROM set_config('request.jwt.claims', '{"sub":"ada","org_id":"AAAAAAAA-0000-4000-8000-000000000001","project_id":"7"}', false);
SELECT set_config('request.jwt.claims', '{"sub":"ada","org_id":"AAAAAAAA-0000-4000-8000-000000000001","project_id":"7"}', false);
SELECT (tenant_guard.context()).*;
SELECT set_config('request.jwt.claims', '{"sub":"ada","org_id":"42"}', false);
SELECT (tenant_guard.context()).*;
SELECT set_config('request.jwt.claims', '{"sub":"ada"}', false);
SELECT (tenant_guard.context()).*;

-- A query has the identity that it began with, as with a sub-select; the next one has the next, in a loop too.
SELECT "Flo or".become('a');
SELECT id, "Flo or".become('b') FROM "Flo or"."no te";
SELECT id FROM "Flo or"."no te";
SELECT id, "Flo or".become('a') FROM "Flo or"."no te" ORDER BY id LIMIT 1;
DO $$
DECLARE
  seen text;
BEGIN
  FOR i IN 1..4 LOOP
    PERFORM "Flo or".become(substr('ab', i % 2 + 1, 1));
    SELECT string_agg(id::text, ' ' ORDER BY id) INTO seen FROM "Flo or"."no te";
    RAISE WARNING '% sees %', tenant_guard.org_id(), seen;
  END LOOP;
END $$;
BEGIN;
SELECT "Flo or".become('a');
SAVEPOINT before;
SELECT "Flo or".become('b');
SELECT id FROM "Flo or"."no te";
ROLLBACK TO before;
SELECT id FROM "Flo or"."no te";
COMMIT;
-- A function in a policy of one's own asks each time, whoever one is meanwhile.
CREATE FUNCTION "Flo or".mine(org uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN org = (tenant_guard.context()).org_id; END $$;
CREATE FUNCTION "Flo or".whose() RETURNS text LANGUAGE plpgsql STABLE AS $$ DECLARE c record := tenant_guard.context(); BEGIN RETURN left(c.org_id_text, 1) || left((tenant_guard.context()).org_id_text, 1); END $$;
DO $$
DECLARE
  seen text;
BEGIN
  FOR i IN 1..3 LOOP
    PERFORM "Flo or".become(substr('ab', i % 2 + 1, 1));
    SELECT string_agg(id::text, ' ' ORDER BY id) INTO seen FROM "Flo or"."no te" WHERE "Flo or".mine(organization_id);
    RAISE WARNING '% sees %, in an expression % and %', left(tenant_guard.org_id_text(), 1), seen, left((tenant_guard.context()).org_id_text, 1), "Flo or".whose();
  END LOOP;
END $$;

-- A cursor is one query, whatever becomes of the identity, and however its rows are found.
BEGIN;
SELECT "Flo or".become('a');
DECLARE by_row CURSOR FOR SELECT id FROM "Flo or"."no te" ORDER BY ctid;
DECLARE of_two CURSOR FOR SELECT n.id, p.id AS part FROM "Flo or"."no te" n LEFT JOIN "Flo or".parts p ON p.id = n.id + 1 OR p.id = n.id;
FETCH 1 FROM by_row;
SELECT "Flo or".become('b');
SAVEPOINT later;
FETCH 1 FROM by_row;
FETCH 1 FROM of_two;
SELECT "Flo or".become('a');
FETCH ALL FROM by_row;
FETCH ALL FROM of_two;
COMMIT;
-- What is added is whose it is, and to be nobody is to see nothing.
INSERT INTO "Flo or"."no te" (id, organization_id, body) VALUES (20, DEFAULT, 'mine');
SELECT * FROM refused($$INSERT INTO "Flo or"."no te" VALUES (21, 'bbbbbbbb-0000-4000-8000-000000000001')$$);
SELECT set_config('request.jwt.claims', '', false), (SELECT count(*) FROM "Flo or"."no te") AS seen;
RESET ROLE;
DEALLOCATE ALL;
RESET request.jwt.claims;
-- A policy that names its own table holds up no DROP.
DROP TABLE "Flo or"."no te";
SET client_min_messages = warning;
DROP SCHEMA "Flo or" CASCADE;
