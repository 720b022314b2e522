-- What protecting a whole schema takes: 1,000 tables of ten columns, two indexes and a foreign key, grants to the
-- API's role. Planned, applied, planned again, one table changed by hand and found, undone. Milliseconds.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE EXTENSION tenant_guard;
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticated') AS missing \gset
\if :missing
CREATE ROLE authenticated NOLOGIN;
\endif
CREATE SCHEMA crm;
CREATE TABLE crm.organizations (id uuid PRIMARY KEY);
DO $$
BEGIN
  FOR i IN 1..1000 LOOP
    EXECUTE format('CREATE TABLE crm.t%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      organization_id uuid NOT NULL REFERENCES crm.organizations, name text NOT NULL, email text, phone text, amount numeric(12,2),
      due date, done boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz)', i);
    EXECUTE format('CREATE INDEX ON crm.t%s (created_at)', i);
  END LOOP;
END $$;
GRANT ALL ON ALL TABLES IN SCHEMA crm TO authenticated;
VACUUM ANALYZE;
CREATE TABLE timings (position int GENERATED ALWAYS AS IDENTITY, what text, steps bigint, ms numeric);
CREATE PROCEDURE measure(what text, call text) LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp(); steps bigint;
BEGIN
  EXECUTE 'SELECT count(*) FROM tenant_guard.' || call INTO steps;
  INSERT INTO timings (what, steps, ms) VALUES (what, steps, round(extract(epoch FROM clock_timestamp() - started) * 1000));
  COMMIT;
END $$;
CALL measure('plan', $$protect_schema('crm', dry_run => true)$$);
CALL measure('apply', $$protect_schema('crm')$$);
CALL measure('plan again', $$protect_schema('crm', dry_run => true)$$);
ALTER POLICY tenant_guard_select ON crm.t500 USING (true);
CALL measure('find what was changed by hand', $$protected_tables WHERE drift <> '{}'$$);
CALL measure('mend it', $$protect_schema('crm')$$);
CALL measure('undo that', $$undo((SELECT max(id) FROM tenant_guard.change))$$);
ALTER POLICY tenant_guard_select ON crm.t500 USING (tenant_guard.has_floor('crm.t500'::regclass));
CALL measure('undo all', $$undo((SELECT min(id) FROM tenant_guard.change))$$);
\pset footer off
SELECT what, steps, ms FROM timings ORDER BY position;
