-- What cloning 50 tables with keys, indexes and policies takes beside a bare loop of CREATE TABLE (LIKE ... INCLUDING
-- ALL) with the same foreign keys and policies, which carries nothing else; a copy of rows beside INSERT ... SELECT;
-- and what the three hundredth tenant takes beside the first. The loop runs in a database without the extension, as
-- by hand today, and in one that has it, whose event triggers see its commands; each in a session of its own that
-- stays open, in turn. Milliseconds, medians of ten; bench.tenants says how many tenants there are to be.
\set VERBOSITY terse
SET client_min_messages = error;
SELECT current_database() AS here, 'bench_bare' AS bare \gset
DROP DATABASE IF EXISTS :bare;
CREATE DATABASE :bare;
\set template 'CREATE SCHEMA tpl; DO $do$ BEGIN FOR i IN 1..50 LOOP EXECUTE format($f$CREATE TABLE tpl.t%1$s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, up bigint%2$s, organization_id uuid NOT NULL, name text NOT NULL CHECK (name <> repeat(\'x\', 3)), email text UNIQUE, amount numeric(12,2) DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz); CREATE INDEX ON tpl.t%1$s (organization_id, created_at); ALTER TABLE tpl.t%1$s ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON tpl.t%1$s USING (organization_id = current_setting(\'app.org\', true)::uuid)$f$, i, CASE WHEN i > 1 THEN format(\' REFERENCES tpl.t%s\', i - 1) ELSE \'\' END); END LOOP; END $do$'
\set bare_loop 'CREATE PROCEDURE bare(slug text) LANGUAGE plpgsql AS $do$ BEGIN EXECUTE format(\'CREATE SCHEMA %I\', slug); FOR i IN 1..50 LOOP EXECUTE format(\'CREATE TABLE %I.t%s (LIKE tpl.t%s INCLUDING ALL)\', slug, i, i); IF i > 1 THEN EXECUTE format(\'ALTER TABLE %I.t%s ADD FOREIGN KEY (up) REFERENCES %I.t%s\', slug, i, slug, i - 1); END IF; EXECUTE format(\'ALTER TABLE %I.t%s ENABLE ROW LEVEL SECURITY\', slug, i); EXECUTE format(\'CREATE POLICY own ON %I.t%s USING (organization_id = current_setting(%L, true)::uuid)\', slug, i, \'app.org\'); END LOOP; END $do$'
CREATE EXTENSION tenant_guard;
CREATE EXTENSION dblink;
SELECT format('host=%s port=%s user=%s dbname=', :'HOST', :'PORT', :'USER') AS server \gset
SELECT dblink_connect('bare', :'server' || :'bare'), dblink_connect('beside', :'server' || :'here'),
       dblink_connect('clone', :'server' || :'here') \g /dev/null
SELECT dblink_exec('bare', :'template'), dblink_exec('bare', :'bare_loop'),
       dblink_exec('clone', :'template'), dblink_exec('clone', :'bare_loop') \g /dev/null
CREATE TABLE timings (what text, number int, ms numeric);
CREATE PROCEDURE measure(connection text, kind text, call text, number int) LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
BEGIN
  PERFORM dblink_exec(connection, call);
  INSERT INTO timings VALUES (kind, number, round(extract(epoch FROM clock_timestamp() - started) * 1000, 1));
  COMMIT;
END $$;
CREATE FUNCTION cloned(slug text, template text, options text DEFAULT '') RETURNS text LANGUAGE sql RETURN
  format('DO $do$ BEGIN PERFORM FROM tenant_guard.create_tenant_schema(%L, %L, tenant_role => %L%s); END $do$', slug, template, 'none', options);
DO $$
BEGIN
  FOR i IN 1..10 LOOP
    CALL measure('bare', 'bare loop', format('CALL bare(%L)', 'bare' || i), i);
    CALL measure('beside', 'bare loop, extension there', format('CALL bare(%L)', 'bare' || i), i);
    CALL measure('clone', 'create_tenant_schema', cloned('clone' || i, 'tpl'), i);
  END LOOP;
END $$;
WITH medians AS (
  SELECT what, percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS ms, min(ms) AS least FROM timings GROUP BY what
)
SELECT m.what, m.ms, m.least, round((m.ms / b.ms)::numeric, 2) AS "of the bare loop"
FROM medians m JOIN medians b ON b.what = 'bare loop' ORDER BY m.what;
SELECT coalesce(nullif(current_setting('bench.tenants', true), ''), '300') AS tenants \gset
SELECT set_config('bench.tenants', :'tenants', false) \g /dev/null
DO $$
BEGIN
  FOR i IN 1..current_setting('bench.tenants')::int LOOP
    CALL measure('clone', 'many', cloned('tenant' || i, 'tpl'), i);
  END LOOP;
END $$;
SELECT (number - 1) / 50 * 50 AS "after tenants", percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS "ms a tenant"
FROM timings WHERE what = 'many' GROUP BY 1 ORDER BY 1;
-- Rows: a table without anything to check, and one with what tables have.
CREATE SCHEMA rows;
CREATE TABLE rows.t (id bigint PRIMARY KEY, name text, amount numeric, at timestamptz);
INSERT INTO rows.t SELECT n, md5(n::text), n, now() FROM generate_series(1, 1000000) n;
CREATE TABLE copy (LIKE rows.t INCLUDING ALL);
DO $$
BEGIN
  FOR i IN 1..5 LOOP
    CALL measure('beside', 'INSERT ... SELECT', 'INSERT INTO copy SELECT * FROM rows.t', i);
    TRUNCATE copy;
    COMMIT;
    CALL measure('clone', 'with_data', cloned('copied' || i, 'rows', $o$, with_data => 'all'$o$), i);
  END LOOP;
END $$;
SELECT what, percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS "ms for 1,000,000 rows"
FROM timings WHERE what IN ('INSERT ... SELECT', 'with_data') GROUP BY what;
SELECT dblink_disconnect(c) FROM unnest(dblink_get_connections()) c \g /dev/null
DROP DATABASE :bare;
