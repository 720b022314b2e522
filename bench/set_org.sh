#!/bin/bash
# What set_org adds to a transaction: pgbench's TPC-B-like transaction with the claims set in it, without
# and with set_org, one client. The three are mixed, transaction by transaction, so that all meet the
# same server; 7 runs of 12 s, medians; with durable commits and without waiting for any.
set -euo pipefail
psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
CREATE EXTENSION tenant_guard;
CREATE SCHEMA crm;
CREATE TABLE crm.memberships (user_id uuid, organization_id uuid, role text, PRIMARY KEY (user_id, organization_id));
INSERT INTO crm.memberships
SELECT ('00000000-0000-4000-8000-' || lpad(u::text, 12, '0'))::uuid, ('aaaaaaaa-0000-4000-8000-' || lpad(o::text, 12, '0'))::uuid, 'admin'
FROM generate_series(1, 20000) u, generate_series(1, 5) o;
VACUUM ANALYZE crm.memberships;
SELECT count(*) FROM tenant_guard.use_membership('crm.memberships', 'user_id', 'organization_id', 'role') \g /dev/null
SQL
pgbench -i -s 10 -q >/dev/null 2>&1
scripts=$(mktemp -d)
trap 'rm -rf "$scripts"' EXIT
# script NAME SET_ORG: SET_ORG goes where the claims are set.
script() {
  cat >"$scripts/$1" <<SQL
\set u random(1, 20000)
\set o random(1, 5)
\set aid random(1, 1000000)
\set bid random(1, 10)
\set tid random(1, 100)
\set delta random(-5000, 5000)
BEGIN;
SELECT set_config('request.jwt.claims', '{"sub":"00000000-0000-4000-8000-' || lpad(:u::text, 12, '0') || '","role":"authenticated"}', true)$2;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
COMMIT;
SQL
}
org="('aaaaaaaa-0000-4000-8000-' || lpad(:o::text, 12, '0'))::uuid"
script without ", $org"
script "with set_org" ", tenant_guard.set_org($org)"
script "set_org in a statement of its own" ", $org;
SELECT tenant_guard.set_org($org)"
names=(without "with set_org" "set_org in a statement of its own")
median() { tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -n | sed -n 4p; }

# measure TITLE: seven runs, and a table of them.
measure() {
  local n now micros=() share=()
  for _ in 1 2 3 4 5 6 7; do
    psql -X -q -c 'TRUNCATE pgbench_history' -c 'VACUUM pgbench_accounts, pgbench_tellers, pgbench_branches' -c CHECKPOINT
    mapfile -t now < <(pgbench -n -c 1 -T 12 -M prepared -f "$scripts/${names[0]}" -f "$scripts/${names[1]}" -f "$scripts/${names[2]}" 2>/dev/null |
      sed -nE 's/^ - latency average = ([0-9.]+) ms/\1/p')
    for n in 0 1 2; do
      micros[n]+="$(awk "BEGIN {print ${now[$n]} * 1000}") "
      share[n]+="$(awk "BEGIN {print ${now[0]} / ${now[$n]} * 100}") "
    done
  done
  printf '\n%-36s %16s %16s\n' "$1" 'us a transaction' '% of the tps'
  for n in 0 1 2; do
    printf '%-36s %16.0f %16.1f\n' "${names[n]}" "$(median "${micros[n]}")" "$(median "${share[n]}")"
  done
}

# As servers run: a commit is on the disk before it is told.
psql -X -q -c 'ALTER SYSTEM SET fsync = on' -c 'SELECT pg_reload_conf()' >/dev/null
measure 'durable commits'
# And where nothing else takes time.
psql -X -q -c 'ALTER SYSTEM SET fsync = off' -c 'ALTER SYSTEM SET synchronous_commit = off' -c 'SELECT pg_reload_conf()' >/dev/null
measure 'commits not waited for'
