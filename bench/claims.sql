-- What a claim helper costs in a policy: ours beside the usual SQL auth.uid(), bare and wrapped in
-- (select ...), over a policy that is true and one that compares with a constant.
-- 100,000 rows, claims of 750 bytes, every row passes. The variants take turns, 41 rounds; medians.
\pset footer off
\set VERBOSITY terse
CREATE EXTENSION tenant_guard;

-- As Supabase ships it.
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
  )::uuid
$$;

CREATE TABLE notes (id int PRIMARY KEY, user_id uuid NOT NULL, body text NOT NULL);
INSERT INTO notes SELECT n, '6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11', repeat('x', 60) FROM generate_series(1, 100000) n;
VACUUM (FREEZE, ANALYZE) notes;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON notes USING (true);

CREATE TABLE variants (position int PRIMARY KEY, variant text, condition text);
INSERT INTO variants VALUES
  (1, 'true', 'true'),
  (2, 'constant', $$user_id = '6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11'$$),
  (3, 'tenant_guard.uid()', 'user_id = tenant_guard.uid()'),
  (4, '(select tenant_guard.uid())', 'user_id = (SELECT tenant_guard.uid())'),
  (5, 'auth.uid()', 'user_id = auth.uid()'),
  (6, '(select auth.uid())', 'user_id = (SELECT auth.uid())'),
  (8, 'tenant_guard.org_id()', 'tenant_guard.org_id() IS NOT NULL'),
  -- What PostgreSQL takes for any sub-select, whatever is in it.
  (7, '(select constant)', $$user_id = (SELECT '6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11'::uuid)$$);
CREATE TABLE timings (position int, round int, ms float8);

CREATE ROLE reader;
GRANT SELECT ON notes TO reader;
GRANT USAGE ON SCHEMA auth TO reader;

CREATE PROCEDURE measure(rounds int) LANGUAGE plpgsql AS $$
DECLARE
  v record; started timestamptz; seen bigint;
BEGIN
  PERFORM set_config('request.jwt.claims',
    rpad('{"sub":"6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11","role":"authenticated","org_id":"aaaaaaaa-0000-4000-8000-000000000001","pad":"', 748, 'x') || '"}', false);
  ASSERT length(current_setting('request.jwt.claims')) = 750;
  FOR round IN 0..rounds LOOP  -- round 0 warms up
    FOR v IN SELECT * FROM variants ORDER BY position LOOP
      EXECUTE format('ALTER POLICY p ON notes USING (%s)', v.condition);
      COMMIT;
      SET ROLE reader;
      started := clock_timestamp();
      EXECUTE 'SELECT count(*) FROM notes' INTO seen;
      IF round > 0 THEN
        started := clock_timestamp();
        EXECUTE 'SELECT count(*) FROM notes' INTO seen;
      END IF;
      RESET ROLE;
      ASSERT seen = 100000, v.variant || ' let pass ' || seen;
      INSERT INTO timings VALUES (v.position, round, extract(epoch FROM clock_timestamp() - started) * 1000);
    END LOOP;
  END LOOP;
  DELETE FROM timings WHERE timings.round = 0;
END $$;
SET max_parallel_workers_per_gather = 0;
CALL measure(41);

WITH medians AS (
  SELECT position, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms FROM timings GROUP BY position
), base AS (
  SELECT (SELECT ms FROM medians WHERE position = 1) AS plain, (SELECT ms FROM medians WHERE position = 2) AS constant
)
SELECT v.variant AS "policy", round(m.ms::numeric, 2) AS "median ms",
       round(((m.ms - plain) * 1000 / 100000)::numeric, 3) AS "us a row over true",
       -- Pair by pair within a round, so that the machine's drift cancels out.
       round(((SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms / c.ms) FROM timings t JOIN timings c ON c.round = t.round AND c.position = 2 WHERE t.position = m.position) * 100 - 100)::numeric, 1) AS "% over the constant",
       round(((SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms / c.ms) FROM timings t JOIN timings c ON c.round = t.round AND c.position = 7 WHERE t.position = m.position) * 100 - 100)::numeric, 1) AS "% over (select constant)"
FROM medians m JOIN variants v USING (position), base ORDER BY position;
