-- What a row as JSON costs: to_jsonb of the whole row, jsonb_build_object written by hand, and safe_json. A table of eleven
-- columns, 200,000 rows; each variant makes the JSON of all of them in one query. The variants take turns, in an
-- order that changes, 15 rounds; each round gives a ratio to to_jsonb and to the one by hand; medians of those.
\pset footer off
\set VERBOSITY terse
CREATE EXTENSION tenant_guard;

CREATE TABLE owners (id bigint PRIMARY KEY, public_id uuid NOT NULL UNIQUE, name text);
INSERT INTO owners SELECT g, gen_random_uuid(), 'owner ' || g FROM generate_series(1, 100) g;
CREATE TABLE leads (id bigint PRIMARY KEY, public_id uuid NOT NULL, organization_id uuid NOT NULL, owner_id bigint REFERENCES owners,
  name text NOT NULL, email text NOT NULL, city text, amount numeric(12,2), score int, active boolean NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO leads
SELECT g, gen_random_uuid(), 'aaaaaaaa-0000-4000-8000-000000000001', g % 100 + 1, 'name ' || g, 'e' || g || '@example.com', 'Springfield',
       g * 1.37, g % 1000, g % 3 = 0, now() - g * interval '1 second'
FROM generate_series(1, 200000) g;
VACUUM (FREEZE, ANALYZE) leads, owners;
-- All but the internal id, which the public one takes the place of; the foreign key only in the last variant.
SELECT count(*) FROM unnest('{public_id,organization_id,name,email,city,amount,score,active,created_at}'::name[]) c,
  LATERAL tenant_guard.classify('leads', c, 'public') \g /dev/null
CREATE TABLE leads_and_owners (LIKE leads INCLUDING ALL);
ALTER TABLE leads_and_owners ADD FOREIGN KEY (owner_id) REFERENCES owners;
INSERT INTO leads_and_owners TABLE leads;
VACUUM (FREEZE, ANALYZE) leads_and_owners;
SELECT count(*) FROM unnest('{public_id,organization_id,owner_id,name,email,city,amount,score,active,created_at}'::name[]) c,
  LATERAL tenant_guard.classify('leads_and_owners', c, 'public') \g /dev/null

CREATE TABLE variants (position int PRIMARY KEY, variant text, query text);
INSERT INTO variants VALUES
  (1, 'to_jsonb(row), all 11 columns', 'SELECT count(to_jsonb(l)) FROM leads l'),
  (2, 'jsonb_build_object by hand, 9 of them', $$SELECT count(jsonb_build_object('id', l.public_id, 'organization_id', l.organization_id,
     'name', l.name, 'email', l.email, 'city', l.city, 'amount', l.amount, 'score', l.score, 'active', l.active, 'created_at', l.created_at)) FROM leads l$$),
  (3, 'safe_json, the same 9', 'SELECT count(tenant_guard.safe_json(l)) FROM leads l'),
  (4, 'log_json, the same 9', 'SELECT count(tenant_guard.log_json(l)) FROM leads l'),
  (5, 'by hand with a join for the owner, 10', $$SELECT count(jsonb_build_object('id', l.public_id, 'organization_id', l.organization_id, 'owner_id', o.public_id,
     'name', l.name, 'email', l.email, 'city', l.city, 'amount', l.amount, 'score', l.score, 'active', l.active, 'created_at', l.created_at))
     FROM leads_and_owners l LEFT JOIN owners o ON o.id = l.owner_id$$),
  (6, 'safe_json, the owner looked up, 10', 'SELECT count(tenant_guard.safe_json(l)) FROM leads_and_owners l'),
  (7, 'the rows alone', 'SELECT count(l) FROM leads l');
CREATE TABLE timings (position int, round int, ms float8);

DO $$ BEGIN
  ASSERT (SELECT bool_and(tenant_guard.safe_json(l) = jsonb_build_object('id', l.public_id, 'organization_id', l.organization_id, 'owner_id', o.public_id,
     'name', l.name, 'email', l.email, 'city', l.city, 'amount', l.amount, 'score', l.score, 'active', l.active, 'created_at', l.created_at))
     FROM leads_and_owners l LEFT JOIN owners o ON o.id = l.owner_id), 'the two are not the same';
END $$;

CREATE PROCEDURE measure(rounds int) LANGUAGE plpgsql AS $$
DECLARE
  v record; started timestamptz; seen bigint;
BEGIN
  FOR round IN 0..rounds LOOP  -- round 0 warms up
    FOR v IN SELECT * FROM variants ORDER BY (position * 5 + round * 3) % 11, position LOOP
      started := clock_timestamp();
      EXECUTE v.query INTO seen;
      INSERT INTO timings VALUES (v.position, round, extract(epoch FROM clock_timestamp() - started) * 1000);
      ASSERT seen = 200000;
    END LOOP;
  END LOOP;
  DELETE FROM timings WHERE timings.round = 0;
END $$;
SET max_parallel_workers_per_gather = 0;
CALL measure(15);

SELECT v.variant, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms) * 1000 / 200000)::numeric, 2) AS "us a row",
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms / whole.ms))::numeric, 2) AS "of to_jsonb",
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms / hand.ms))::numeric, 2) AS "of by hand"
FROM timings t
JOIN timings whole ON whole.round = t.round AND whole.position = 1
JOIN timings hand ON hand.round = t.round AND hand.position = CASE WHEN t.position IN (5, 6) THEN 5 ELSE 2 END
JOIN variants v ON v.position = t.position
GROUP BY v.position, v.variant ORDER BY v.position;
