-- What cloning 50 tables with keys, indexes and policies takes beside a bare loop of CREATE TABLE (LIKE ... INCLUDING
-- ALL) with the same foreign keys and policies, which carries nothing else; a copy of rows beside INSERT ... SELECT;
-- and what the thousandth tenant takes beside the first. Milliseconds, the median of several.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE EXTENSION tenant_guard;
CREATE SCHEMA tpl;
DO $$
BEGIN
  FOR i IN 1..50 LOOP
    EXECUTE format('CREATE TABLE tpl.t%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, up bigint%s,
      organization_id uuid NOT NULL, name text NOT NULL CHECK (name <> %L), email text UNIQUE, amount numeric(12,2) DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz)', i,
      CASE WHEN i > 1 THEN format(' REFERENCES tpl.t%s', i - 1) ELSE '' END, '');
    EXECUTE format('CREATE INDEX ON tpl.t%s (organization_id, created_at)', i);
    EXECUTE format('ALTER TABLE tpl.t%s ENABLE ROW LEVEL SECURITY', i);
    EXECUTE format('CREATE POLICY own ON tpl.t%s USING (organization_id = current_setting(%L, true)::uuid)', i, 'app.org');
  END LOOP;
END $$;
CREATE PROCEDURE bare(slug text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE SCHEMA %I', slug);
  FOR i IN 1..50 LOOP
    EXECUTE format('CREATE TABLE %I.t%s (LIKE tpl.t%s INCLUDING ALL)', slug, i, i);
    IF i > 1 THEN
      EXECUTE format('ALTER TABLE %I.t%s ADD FOREIGN KEY (up) REFERENCES %I.t%s', slug, i, slug, i - 1);
    END IF;
    EXECUTE format('ALTER TABLE %I.t%s ENABLE ROW LEVEL SECURITY', slug, i);
    EXECUTE format('CREATE POLICY own ON %I.t%s USING (organization_id = current_setting(%L, true)::uuid)', slug, i, 'app.org');
  END LOOP;
END $$;
CREATE TABLE timings (what text, number int, ms numeric);
CREATE PROCEDURE measure(kind text, call text, number int) LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
BEGIN
  EXECUTE call;
  INSERT INTO timings VALUES (kind, number, round(extract(epoch FROM clock_timestamp() - started) * 1000, 1));
  COMMIT;
END $$;
DO $$
BEGIN
  FOR i IN 1..10 LOOP
    CALL measure('bare loop', format('CALL bare(%L)', 'bare' || i), i);
    CALL measure('create_tenant_schema', format('SELECT count(*) FROM tenant_guard.create_tenant_schema(%L, %L, tenant_role => %L)', 'clone' || i, 'tpl', 'none'), i);
  END LOOP;
END $$;
SELECT what, percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) AS ms,
       round((percentile_disc(0.5) WITHIN GROUP (ORDER BY ms) / first_value(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms)) OVER (ORDER BY what))::numeric, 2) AS "of the loop"
FROM timings GROUP BY what ORDER BY what;
-- Many tenants: the first hundred after those, and the last.
SELECT coalesce(nullif(current_setting('bench.tenants', true), ''), '300') AS tenants \gset
SELECT set_config('bench.tenants', :'tenants', false) \g /dev/null
DO $$
BEGIN
  FOR i IN 1..current_setting('bench.tenants')::int LOOP
    CALL measure('many', format('SELECT count(*) FROM tenant_guard.create_tenant_schema(%L, %L, tenant_role => %L)', 'tenant' || i, 'tpl', 'none'), i);
  END LOOP;
END $$;
SELECT (number - 1) / 50 * 50 AS "after tenants", round(avg(ms), 1) AS "ms a tenant" FROM timings WHERE what = 'many'
GROUP BY 1 ORDER BY 1;
-- Rows.
CREATE SCHEMA rows;
CREATE TABLE rows.t (id bigint PRIMARY KEY, name text, amount numeric, at timestamptz);
INSERT INTO rows.t SELECT n, md5(n::text), n, now() FROM generate_series(1, 1000000) n;
CREATE TABLE copy (LIKE rows.t INCLUDING ALL);
CALL measure('INSERT ... SELECT', 'INSERT INTO copy SELECT * FROM rows.t', 1);
CALL measure('with_data', $$SELECT count(*) FROM tenant_guard.create_tenant_schema('copied', 'rows', tenant_role => 'none', with_data => 'all')$$, 1);
SELECT what, ms AS "ms for 1,000,000 rows" FROM timings WHERE what IN ('INSERT ... SELECT', 'with_data');
