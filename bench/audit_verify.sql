-- How fast verify_audit reads, and seal_audit: 1,000,000 events (half INSERTs, half UPDATEs) of eleven columns and about 250
-- bytes a row, of 100 organizations, written by statements of 100,000 rows; then one transaction a row. The bar: 500,000
-- events a second verified, in a build for release. Memory is that of the session's process at its largest.
\pset footer off
SET client_min_messages = error;
SET synchronous_commit = off;
CREATE EXTENSION tenant_guard;

CREATE TABLE src AS
SELECT g AS id, ('aaaaaaaa-0000-4000-8000-' || lpad((g % 100)::text, 12, '0'))::uuid AS organization_id, 'name ' || g AS name,
       'e' || g || '@example.com' AS email, '+1 555 ' || g AS phone, 'Springfield'::text AS city, g::numeric(12,2) AS amount,
       repeat('x', 80) AS note, '{a,b}'::text[] AS tags, g % 2 = 0 AS active, timestamptz '2026-01-01' + g * interval '1 s' AS created_at
FROM generate_series(1, 100000) g;
CREATE TABLE leads (LIKE src);
CREATE INDEX ON leads (id);
SELECT count(*) > 0 AS audited FROM tenant_guard.enable_audit('leads', tenant_column => 'organization_id');

DO $$
BEGIN
  FOR i IN 1..5 LOOP
    INSERT INTO leads SELECT id + i * 100000, organization_id, name, email, phone, city, amount, note, tags, active, created_at FROM src;
    COMMIT;
    UPDATE leads SET amount = amount + 1 WHERE id > i * 100000;
    COMMIT;
  END LOOP;
END $$;
VACUUM tenant_guard.audit_event;

CREATE TABLE timings (what text, events bigint, ms float8);
CREATE PROCEDURE measure(what text, call text, events bigint) LANGUAGE plpgsql AS $$
DECLARE
  started timestamptz := clock_timestamp();
BEGIN
  EXECUTE call;
  INSERT INTO timings VALUES (what, events, extract(epoch FROM clock_timestamp() - started) * 1000);
  COMMIT;
END $$;

SELECT count(*) AS events FROM tenant_guard.audit_event \gset
CALL measure('seal', 'SELECT count(*) FROM tenant_guard.seal_audit()', :events);
CALL measure('verify', 'SELECT count(*) FROM tenant_guard.verify_audit()', :events);
CALL measure('verify', 'SELECT count(*) FROM tenant_guard.verify_audit()', :events);
CALL measure('verify', 'SELECT count(*) FROM tenant_guard.verify_audit()', :events);
CALL measure('verify', 'SELECT count(*) FROM tenant_guard.verify_audit()', :events);
CALL measure('verify', 'SELECT count(*) FROM tenant_guard.verify_audit()', :events);
SELECT count(*) AS "problems found" FROM tenant_guard.verify_audit();
SELECT count(*) AS blocks, sum(events) AS events FROM tenant_guard.audit_block;

SELECT what, events, round(min(ms)::numeric) AS "fastest ms", round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::numeric) AS "median ms",
       round((events / percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) * 1000)::numeric, -3) AS "events a second"
FROM timings GROUP BY what, events ORDER BY what;

-- The size of the seal beside that of the log.
SELECT pg_size_pretty(sum(pg_total_relation_size(i.inhrelid))) AS log,
       pg_size_pretty(pg_total_relation_size('tenant_guard.audit_tree') + pg_total_relation_size('tenant_guard.audit_block')) AS seal
FROM pg_inherits i WHERE i.inhparent = 'tenant_guard.audit_event'::regclass;
