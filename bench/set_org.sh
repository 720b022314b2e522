#!/bin/bash
# What set_org adds to a transaction: pgbench's TPC-B-like transaction with the claims set in it, without
# and with set_org. The two take turns, 10 s each, 5 rounds; medians of transactions per second.
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
declare -A tps
for _ in 1 2 3 4 5; do
  for name in without "with set_org" "set_org in a statement of its own"; do
    found=$(pgbench -n -c 1 -T 10 -M prepared -f "$scripts/$name" 2>/dev/null | sed -nE 's/^tps = ([0-9.]+) .*/\1/p')
    tps[$name]+="$found "
  done
done
median() { tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -n | sed -n 3p; }
base=$(median "${tps[without]}")
printf '%-36s %10s %8s\n' transaction tps '% of it'
for name in without "with set_org" "set_org in a statement of its own"; do
  median=$(median "${tps[$name]}")
  printf '%-36s %10.0f %8.1f\n' "$name" "$median" "$(awk "BEGIN {print $median / $base * 100}")"
done
