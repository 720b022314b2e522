#!/bin/bash
# What auditing costs a transaction that updates one row: 100,000 rows of eleven columns in three tables alike, of which
# one is not audited, one has the usual PL/pgSQL row trigger that stores jsonb, and one is audited by tenant_guard with
# claims, organization, a masked column and content hashes. pgbench, prepared statements, the three mixed transaction by
# transaction so that all meet the same server; 1 and 4 clients, 7 runs of 5 s, medians.
# Then how long the history of one row takes to read among ten million events.
set -euo pipefail
psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
SET client_min_messages = error;
CREATE EXTENSION tenant_guard;
CREATE TABLE log_jsonb (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ts timestamptz DEFAULT clock_timestamp(), xid xid8 DEFAULT pg_current_xact_id(),
  usr text DEFAULT current_setting('request.jwt.claims', true)::jsonb ->> 'sub', op text, old_row jsonb, new_row jsonb);
CREATE FUNCTION log_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log_jsonb (op, old_row, new_row)
  VALUES (TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
  RETURN NULL;
END $$;
CREATE PROCEDURE make(name text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, organization_id uuid, name text, email text, phone text, city text, amount numeric(12,2),
    note text, tags text[], active boolean, created_at timestamptz) WITH (fillfactor = 70)', name);
  EXECUTE format($f$INSERT INTO %I SELECT g, 'aaaaaaaa-0000-4000-8000-000000000001', 'name ' || g, 'e' || g || '@example.com', '+1 555 ' || g, 'Springfield', g,
    repeat('x', 80), '{a,b}', true, now() FROM generate_series(1, 100000) g$f$, name);
END $$;
CALL make('none'); CALL make('plpgsql'); CALL make('ours');
CREATE TRIGGER log AFTER INSERT OR UPDATE OR DELETE ON plpgsql FOR EACH ROW EXECUTE FUNCTION log_row();
SELECT count(*) FROM tenant_guard.enable_audit('ours', columns => '{"email": "mask"}') \g /dev/null
UPDATE ours SET amount = amount WHERE id = 1; -- makes the month's partition
VACUUM (FREEZE, ANALYZE);
ALTER SYSTEM SET synchronous_commit = off;
SELECT pg_reload_conf() \g /dev/null
SQL
claims='{"sub":"6f1c0a52-7f6d-4a57-9d57-0f7f3a3d1c11","role":"authenticated","org_id":"aaaaaaaa-0000-4000-8000-000000000001"}'
export PGOPTIONS="-c request.jwt.claims=$claims"

scripts=$(mktemp -d)
trap 'rm -rf "$scripts"' EXIT
tables=(none plpgsql ours)
files=()
for table in "${tables[@]}"; do
  printf '\\set id random(1, 100000)\nUPDATE %s SET amount = amount + 1 WHERE id = :id;\n' "$table" >"$scripts/$table"
  files+=(-f "$scripts/$table")
done
median() { tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -n | sed -n 4p; }
printf '%8s %14s %14s %14s %14s %14s\n' clients 'none us' 'plpgsql us' 'ours us' 'plpgsql tps %' 'ours tps %'
for clients in 1 4; do
  micros=('' '' '') share=('' '' '')
  for _ in 1 2 3 4 5 6 7; do
    mapfile -t now < <(pgbench -n -c "$clients" -j 1 -T 5 -M prepared "${files[@]}" 2>/dev/null |
      sed -nE 's/^ - latency average = ([0-9.]+) ms/\1/p')
    for n in 0 1 2; do
      micros[n]+="$(awk "BEGIN {print ${now[$n]} * 1000}") "
      share[n]+="$(awk "BEGIN {print ${now[0]} / ${now[$n]} * 100}") "
    done
    psql -X -q -c 'VACUUM none, plpgsql, ours'
  done
  printf '%8s %14.1f %14.1f %14.1f %14.1f %14.1f\n' "$clients" "$(median "${micros[0]}")" "$(median "${micros[1]}")" \
    "$(median "${micros[2]}")" "$(median "${share[1]}")" "$(median "${share[2]}")"
done

echo
psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
\pset footer off
SET client_min_messages = error;
SET synchronous_commit = off;
-- Ten million events of a million rows.
CREATE TABLE history (id bigint PRIMARY KEY, organization_id uuid, n int, v text);
SELECT count(*) FROM tenant_guard.enable_audit('history') \g /dev/null
INSERT INTO history SELECT g, 'aaaaaaaa-0000-4000-8000-000000000001', 0, 'value ' || g FROM generate_series(1, 1000000) g;
SELECT 'UPDATE history SET n = n + 1' FROM generate_series(1, 9) \gexec
CREATE TABLE timings (ms float8);
DO $$
DECLARE started timestamptz; events int;
BEGIN
  FOR i IN 1..101 LOOP
    started := clock_timestamp();
    SELECT count(*) INTO events FROM tenant_guard.row_history('history', jsonb_build_object('id', (random() * 999999)::int + 1));
    IF events <> 10 THEN RAISE EXCEPTION '% events', events; END IF;
    IF i > 1 THEN INSERT INTO timings VALUES (extract(epoch FROM clock_timestamp() - started) * 1000); END IF;
  END LOOP;
END $$;
SELECT (SELECT count(*) FROM tenant_guard.audit_event) AS events,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2) AS "row_history ms, median",
       round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 2) AS "95th percentile"
FROM timings;
SQL
