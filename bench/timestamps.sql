-- What keeping updated_at costs: no trigger, ours, the usual PL/pgSQL trigger, and contrib's moddatetime.
-- A table of eleven columns for each, 200,000 rows, one UPDATE of all of them that changes one column. The
-- variants take turns, in an order that changes, 11 rounds; each starts from a table without dead rows. Medians.
\pset footer off
\set VERBOSITY terse
CREATE EXTENSION tenant_guard;
CREATE EXTENSION moddatetime;
SET synchronous_commit = off;

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
-- The same, where it does what ours does: nothing where nothing changed, created_at stays.
CREATE FUNCTION touch_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.created_at := OLD.created_at;
  NEW.updated_at := OLD.updated_at;
  IF NEW IS DISTINCT FROM OLD THEN NEW.updated_at := now(); END IF;
  RETURN NEW;
END $$;

CREATE TABLE variants (position int PRIMARY KEY, variant text);
INSERT INTO variants VALUES (1, 'no trigger'), (2, 'tenant_guard timestamps'), (3, 'moddatetime'), (4, 'plpgsql: updated_at := now()'),
  (5, 'plpgsql: the same as ours'), (6, 'tenant_guard timestamps, actors, version');
CREATE TABLE timings (position int, round int, ms float8);

CREATE PROCEDURE make() LANGUAGE plpgsql AS $$
DECLARE
  v record;
BEGIN
  FOR v IN SELECT * FROM variants LOOP
    EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, n int NOT NULL, name text, email text, phone text, city text, amount numeric, note text, tags text[], created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()) WITH (autovacuum_enabled = off)', v.position);
    EXECUTE format($f$INSERT INTO t%s SELECT g, 0, 'name ' || g, 'e' || g || '@example.com', '+1 555 ' || g, 'Springfield', g, repeat('x', 80), '{a,b}' FROM generate_series(1, 200000) g$f$, v.position);
  END LOOP;
  CREATE TRIGGER moddatetime BEFORE UPDATE ON t3 FOR EACH ROW EXECUTE FUNCTION moddatetime(updated_at);
  CREATE TRIGGER touch BEFORE UPDATE ON t4 FOR EACH ROW EXECUTE FUNCTION touch();
  CREATE TRIGGER touch BEFORE UPDATE ON t5 FOR EACH ROW EXECUTE FUNCTION touch_changed();
  PERFORM tenant_guard.add_feature('t2', 'timestamps');
  PERFORM tenant_guard.add_feature('t6', 'timestamps', 'actors', 'version');
  DROP INDEX idx_t2_created_at, idx_t6_created_at; -- the others have none
END $$;
CALL make();

CREATE PROCEDURE measure(round int) LANGUAGE plpgsql AS $$
DECLARE
  v record; started timestamptz;
BEGIN
  PERFORM set_config('request.jwt.claims', '{"sub":"6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11"}', true);
  FOR v IN SELECT * FROM variants ORDER BY (position * 7 + round * 5) % 11, position LOOP
    started := clock_timestamp();
    EXECUTE format('UPDATE t%s SET n = n + 1', v.position);
    INSERT INTO timings VALUES (v.position, round, extract(epoch FROM clock_timestamp() - started) * 1000);
  END LOOP;
END $$;

-- VACUUM runs in no procedure; round 0 warms up.
SELECT 'VACUUM FULL t' || position FROM variants
UNION ALL SELECT 'CHECKPOINT'
UNION ALL SELECT 'CALL measure(0)' \gexec
SELECT CASE step WHEN 7 THEN 'CHECKPOINT' WHEN 8 THEN format('CALL measure(%s)', round) ELSE 'VACUUM FULL t' || step END
FROM generate_series(1, 11) round, generate_series(1, 8) step ORDER BY round, step \gexec

WITH medians AS (
  SELECT position, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS ms FROM timings WHERE round > 0 GROUP BY position)
SELECT v.variant, round(m.ms) AS "ms for 200,000 rows",
       round(((m.ms - (SELECT ms FROM medians WHERE position = 1)) * 1000 / 200000)::numeric, 2) AS "us a row more than none"
FROM medians m JOIN variants v USING (position) ORDER BY v.position;
