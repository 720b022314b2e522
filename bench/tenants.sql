-- What the last of many tenants takes beside the first: clones of a template of 50 tables with keys, indexes, foreign
-- keys and policies in one session, each in a transaction of its own; the session's own memory; and a look-up by name.
-- SET bench.tenants for another number than 1,000.
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
CREATE TABLE timings (number int, ms numeric, lookup_us numeric, kb bigint);
CREATE PROCEDURE one(number int) LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
  cloned timestamptz;
  found regclass;
BEGIN
  PERFORM count(*) FROM tenant_guard.create_tenant_schema('tenant' || number, 'tpl', tenant_role => 'none');
  cloned := clock_timestamp();
  FOR i IN 1..50 LOOP
    found := to_regclass(format('tenant%s.t%s', 1 + number / 2, i));
  END LOOP;
  INSERT INTO timings VALUES (number, extract(epoch FROM cloned - started) * 1000,
    extract(epoch FROM clock_timestamp() - cloned) * 1000000 / 50,
    (regexp_match(pg_read_file('/proc/self/status'), 'RssAnon:\s+(\d+)'))[1]::bigint);
END $$;
SELECT coalesce(nullif(current_setting('bench.tenants', true), ''), '1000')::int AS tenants \gset
SELECT format('CALL one(%s)', n) FROM generate_series(1, :tenants) n \gexec
SELECT (number - 1) / 100 * 100 AS "after tenants", round(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 1) AS "ms a tenant",
       round(percentile_disc(0.5) WITHIN GROUP (ORDER BY lookup_us), 1) AS "us a name", max(kb) / 1024 AS "MB of the session"
FROM timings GROUP BY 1 ORDER BY 1;
