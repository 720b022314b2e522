-- page_query: every row once and in order, whatever the order; the index it needs; nothing slips in.
\pset null '(null)'
SET ROLE app_owner;
CREATE SCHEMA "Pages";
GRANT USAGE ON SCHEMA "Pages" TO authenticated, nobody;
CREATE TYPE "Pages"."Mood" AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN "Pages".short AS varchar(20);
CREATE TABLE "Pages"."Order s" (
  "Id" bigint PRIMARY KEY, organization_id uuid NOT NULL, title text, "At" timestamptz NOT NULL, price numeric, key uuid NOT NULL,
  mood "Pages"."Mood", "select" int, code char(3) NOT NULL, ratio float8, tag "Pages".short NOT NULL, data jsonb, note json, day date, tags text[]);
INSERT INTO "Pages"."Order s"
SELECT n, CASE n % 2 WHEN 0 THEN 'aaaaaaaa-0000-4000-8000-000000000001'::uuid ELSE 'bbbbbbbb-0000-4000-8000-000000000002' END,
       CASE WHEN n % 7 = 0 THEN NULL WHEN n % 5 = 0 THEN 'it''s \ "' || n % 3 ELSE 'Ü' || n % 13 END,
       timestamptz '2026-01-01 00:00+00' + (n % 100) * interval '1.000001 s', CASE WHEN n % 11 = 0 THEN NULL WHEN n % 17 = 0 THEN 'NaN' ELSE (n % 40) / 8.0 END,
       md5((n % 250)::text)::uuid, (ARRAY['sad', 'ok', 'happy', NULL])[1 + n % 4]::"Pages"."Mood", nullif(n % 3, 0),
       (ARRAY['a', 'b ', 'abc'])[1 + n % 3], CASE n % 9 WHEN 0 THEN 'Infinity' WHEN 1 THEN '-0' WHEN 2 THEN NULL ELSE (n % 9) / 3.0 END, 't' || n % 6,
       CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN '"x"' WHEN 2 THEN '[1]' ELSE to_jsonb(n % 5) END, '{}', date '2026-01-01' + n % 9, ARRAY['a,b', (n % 3)::text]
FROM generate_series(1, 1000) n;
GRANT SELECT ON "Pages"."Order s" TO authenticated;

-- Walks all pages as a client does, the last row of each handed on as JSON.
CREATE FUNCTION "Pages".walk("table" regclass, "order" text, size int) RETURNS TABLE (pages int, rows bigint, keys text[])
LANGUAGE plpgsql AS $$
DECLARE
  page text; row jsonb; last jsonb; n int;
BEGIN
  pages := 0; keys := '{}';
  LOOP
    SELECT q.sql INTO page FROM tenant_guard.page_query("table", "order", last, size) q;
    n := 0;
    FOR row IN EXECUTE 'SELECT to_jsonb(p) FROM (' || page || ') p' LOOP
      n := n + 1; keys := keys || (row ->> 'Id'); last := row;
    END LOOP;
    pages := pages + 1;
    EXIT WHEN n < size OR pages > 1000;
  END LOOP;
  rows := cardinality(keys);
  RETURN NEXT;
END $$;

-- Each order in full, with its tie breaker, next to the walk.
CREATE FUNCTION "Pages".check_all(orders text[]) RETURNS TABLE ("order" text, pages int, rows bigint, "each once" boolean, "in order" boolean)
LANGUAGE plpgsql AS $$
DECLARE
  item text; full_order text; expected text[]; found text[];
BEGIN
  FOREACH item IN ARRAY orders LOOP
    SELECT w.pages, w.rows, w.keys INTO pages, rows, found FROM "Pages".walk('"Pages"."Order s"', item, 37) w;
    full_order := CASE WHEN item ILIKE '%"Id"%' THEN item WHEN item ~* 'desc( nulls (first|last))?$' THEN item || ', "Id" DESC' ELSE item || ', "Id"' END;
    EXECUTE 'SELECT array_agg("Id"::text ORDER BY ' || full_order || ') FROM "Pages"."Order s"' INTO expected;
    "order" := item;
    "each once" := (SELECT count(DISTINCT k) = 1000 AND count(*) = 1000 FROM unnest(found) k);
    "in order" := found = expected;
    RETURN NEXT;
  END LOOP;
END $$;
SELECT * FROM "Pages".check_all(ARRAY[
  '"Id"', '"Id" DESC', '"At"', '"At" DESC', '"At" DESC, "Id"', 'key', 'key desc, "At"',
  'title', 'title DESC', 'title NULLS FIRST', 'title DESC NULLS LAST', 'title ASC, "At" DESC', 'title DESC NULLS LAST, price NULLS FIRST',
  'price', 'price DESC', 'mood', 'mood DESC NULLS LAST, "select"', '"select" NULLS FIRST, mood DESC, title', 'code', 'code DESC, "select"',
  'ratio', 'ratio DESC', 'tag DESC', 'data', 'data DESC NULLS LAST', 'organization_id, "At" DESC', 'day, tag, code, "Id" DESC']);
-- The settings of the session that asks do not change what the next page is.
BEGIN;
SET LOCAL datestyle = 'German'; SET LOCAL timezone = 'Asia/Tokyo'; SET LOCAL extra_float_digits = -5; SET LOCAL standard_conforming_strings = off; SET LOCAL escape_string_warning = off;
SELECT * FROM "Pages".check_all(ARRAY['"At" DESC', 'title', 'day']);
ROLLBACK;

-- What it writes.
\pset format unaligned
SELECT * FROM tenant_guard.page_query('"Pages"."Order s"', '"At" desc');
SELECT * FROM tenant_guard.page_query('"Pages"."Order s"', '"At" desc, key', '{"Id": 7, "At": "2026-01-01T00:00:07+00:00", "key": "aaaaaaaa-0000-4000-8000-000000000001"}', 10);
SELECT * FROM tenant_guard.page_query('"Pages"."Order s"', '"At", key', '{"Id": 7, "At": "2026-01-01T00:00:07+00:00", "key": "aaaaaaaa-0000-4000-8000-000000000001"}', 10);
SELECT * FROM tenant_guard.page_query('"Pages"."Order s"', 'title desc nulls last, mood', '{"Id": 7, "title": "it''s \\ x", "mood": null, "more": 1}', 10);
SELECT * FROM tenant_guard.page_query('"Pages"."Order s"', 'title, "Id"', '{"Id": 7, "title": null}');
\pset format aligned

-- An index that is there, forwards or backwards, is enough; one that leads with another column is not.
CREATE INDEX by_time ON "Pages"."Order s" (organization_id, "At" DESC, "Id" DESC, tag);
SELECT o AS "order", index FROM unnest(ARRAY['"At"', '"At" DESC', '"At" DESC, "Id"', '"Id"', 'organization_id, "At"', '"At", organization_id', 'organization_id DESC, "At"']) o, tenant_guard.page_query('"Pages"."Order s"', o);
CREATE INDEX by_collation ON "Pages"."Order s" (organization_id, title COLLATE "C", "Id");
CREATE INDEX by_class ON "Pages"."Order s" (organization_id, title text_pattern_ops, "Id");
CREATE INDEX by_part ON "Pages"."Order s" (organization_id, title, "Id") WHERE title > '';
CREATE INDEX "idx_Order s_organization_id_title_Id" ON "Pages"."Order s" (title);
SELECT index FROM tenant_guard.page_query('"Pages"."Order s"', 'title');
CREATE INDEX ON "Pages"."Order s" (organization_id, title DESC, "Id" DESC);
SELECT index FROM tenant_guard.page_query('"Pages"."Order s"', 'title');

-- Composite keys, a unique key where there is no primary one, none, partitions, inheritance.
CREATE TABLE "Pages".composite ("b" int, "A" int, x int, PRIMARY KEY ("A", b));
CREATE TABLE "Pages".unique_only (a int NOT NULL, b int, c text, organization_id uuid, UNIQUE (b), UNIQUE (a, c), UNIQUE (a));
CREATE TABLE "Pages".keyless (a int NOT NULL, b int, UNIQUE (b));
CREATE UNIQUE INDEX ON "Pages".keyless (a) WHERE b > 0;
CREATE UNIQUE INDEX ON "Pages".keyless ((a + 1));
CREATE TABLE "Pages".parts (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE "Pages".parts_2026 PARTITION OF "Pages".parts DEFAULT;
CREATE TABLE "Pages".heir () INHERITS ("Pages".composite);
\pset format unaligned
SELECT t, sql, index FROM unnest(ARRAY['unique_only', 'parts', 'parts_2026']) t, tenant_guard.page_query(('"Pages".' || t)::regclass, CASE t WHEN 'unique_only' THEN 'b' ELSE 'at' END || ' desc');
\pset format aligned
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".keyless', 'a')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'x')$$);
DROP TABLE "Pages".heir;
SELECT sql FROM tenant_guard.page_query('"Pages".composite', 'x', '{"x": 1, "A": 2, "b": 3}');

-- Under policies the tenant's index is read, for the organization and the bound together.
SELECT count(*) FROM tenant_guard.protect_table('"Pages"."Order s"');
ANALYZE "Pages"."Order s";
SET ROLE authenticated;
BEGIN;
SELECT identity('{"sub":"u","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}');
SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off;
-- Versions word the plan differently.
SELECT bool_or(line LIKE '%Index Scan using by_time%') AS "by the index", bool_or(line ~ 'Index Cond: .*organization_id = .* AND \(ROW\("At", "Id"\) < ROW\(') AS "for both", bool_or(line ~ 'Sort|Filter') AS "then sorts or filters"
FROM tenant_guard.page_query('"Pages"."Order s"', '"At" DESC', '{"Id": 500, "At": "2026-01-01T00:00:07Z"}', 5), explained(sql) line;
SELECT pages, rows, (SELECT count(*) FROM "Pages"."Order s") AS visible FROM "Pages".walk('"Pages"."Order s"', '"At" DESC', 99);
ROLLBACK;
-- The tenant column is the one that the policies look at.
SET ROLE app_owner;
CREATE TABLE "Pages".other (id int PRIMARY KEY, "Org" uuid NOT NULL, organization_id uuid, x int);
SELECT index FROM tenant_guard.page_query('"Pages".other', 'x');
SELECT count(*) FROM tenant_guard.protect_table('"Pages".other', 'Org');
SELECT index FROM tenant_guard.page_query('"Pages".other', 'x desc');
SELECT index FROM tenant_guard.page_query('"Pages".other', 'x', page_size => 10000) \gset made_
:made_index;
SELECT index FROM tenant_guard.page_query('"Pages".other', 'x desc');

-- What is refused.
SELECT answer FROM unnest(ARRAY['', ' ', ',', 'title,', 'title title', 'title; DROP TABLE x', 'title DESC ASC', 'title NULLS', 'title NULLS LAST FIRST', '1', '(title)', 'lower(title)',
    'title COLLATE "C"', '"title', '""', 'title -- x', 'title/**/', '"Order s".title', 'title, TITLE', 'note', 'title USING >', E'title\u00a0DESC']) o,
  refused(format('SELECT * FROM tenant_guard.page_query(%L, %L)', '"Pages"."Order s"', o)) answer WHERE answer NOT LIKE '  hint%';
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages"."Order s"', 'title; DROP TABLE x')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'y')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'A')$$); -- bare, it is a
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'ctid')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'x', '{"x": 1, "A": 2}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'x', '{}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'x', '{"x": 1, "A": null, "b": 1}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'x', '{"x": [1], "A": 1, "b": 1}')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'x', '[1]')$$);
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'x', page_size => 0)$$);
SELECT answer FROM unnest(ARRAY['10001', '-1', 'NULL']) n, refused(format($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'x', page_size => %s)$$, n)) answer WHERE answer NOT LIKE '  %';
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query(NULL, 'x')$$);
SELECT answer FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', NULL)$$) answer WHERE answer NOT LIKE '  %';
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query(1, 'x')$$);
CREATE VIEW "Pages".seen AS TABLE "Pages".composite;
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".seen', 'x')$$);
SET ROLE nobody;
SELECT * FROM refused($$SELECT * FROM tenant_guard.page_query('"Pages".composite', 'nothing')$$);

-- What is in a value stays in it.
SET ROLE app_owner;
CREATE TABLE "Pages"."we""ird'; --" (id int PRIMARY KEY, "o'r""g \ $1 %I" text);
INSERT INTO "Pages"."we""ird'; --" VALUES (1, E'x\'; DROP TABLE "Pages".composite; --'), (2, '\'' OR true --'), (3, '$1');
SELECT sql FROM tenant_guard.page_query('"Pages"."we""ird''; --"', '"o''r""g \ $1 %I"', (SELECT to_jsonb(w) FROM "Pages"."we""ird'; --" w WHERE id = 2)) \gset page_
:page_sql;
SELECT sql FROM tenant_guard.page_query('"Pages".composite', 'x', '{"x": "1); DROP TABLE \"Pages\".composite; --", "A": 2, "b": 3}') \gset page_
SELECT answer FROM refused(:'page_sql') answer LIMIT 1;
SELECT count(*) FROM "Pages".composite;
SET client_min_messages = warning;
DROP SCHEMA "Pages" CASCADE;
RESET ROLE;
