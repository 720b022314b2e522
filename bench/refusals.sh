#!/bin/bash
# Refusals a second of one client, with and without tenant_guard.durable_security_events: set_org of an
# organization that the user is not a member of, each in a transaction of its own. With the limit of 100 a
# second as it is, and with one that is never reached. The four take turns; 5 runs of 20,000, medians.
set -euo pipefail
psql -X -q -v ON_ERROR_STOP=1 <<'SQL'
CREATE EXTENSION tenant_guard;
CREATE SCHEMA crm;
CREATE TABLE crm.memberships (user_id text, organization_id text, PRIMARY KEY (user_id, organization_id));
INSERT INTO crm.memberships VALUES ('ada', 'acme');
SELECT count(*) FROM tenant_guard.use_membership('crm.memberships', 'user_id', 'organization_id') \g /dev/null
ALTER SYSTEM SET fsync = on;
SELECT pg_reload_conf() \g /dev/null
SQL
script=$(mktemp)
trap 'rm -f "$script"' EXIT
refusals=20000
for ((n = 0; n < refusals; n++)); do echo "SELECT tenant_guard.set_org_text('another');"; done >"$script"

# refuse DURABLE LIMIT: prints how many milliseconds the refusals took, and how many rows they left.
refuse() {
  local before after started ended
  before=$(psql -X -qAt -c 'SELECT count(*) FROM tenant_guard.security_event')
  started=$(date +%s%N)
  PGOPTIONS="-c tenant_guard.durable_security_events=$1 -c tenant_guard.max_refusals_per_second=$2" \
    psql -X -q -c "SET request.jwt.claims = '{\"sub\": \"ada\"}'" -f "$script" >/dev/null 2>&1 || true
  ended=$(date +%s%N)
  sleep 1
  after=$(psql -X -qAt -c 'SELECT count(*) FROM tenant_guard.security_event')
  echo "$(((ended - started) / 1000000)) $((after - before))"
}

names=('in the log, 100 a second' 'kept, 100 a second' 'in the log, each' 'kept, each')
settings=('off 100' 'on 100' 'off 100000' 'on 100000')
declare -a took=() left=()
for _ in 1 2 3 4 5; do
  for n in 0 1 2 3; do
    # shellcheck disable=SC2086 # two words
    read -r ms rows < <(refuse ${settings[n]})
    took[n]+="$ms "
    left[n]+="$rows "
  done
done
median() { tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -n | sed -n 3p; }
printf '\n%-26s %16s %14s %10s\n' refusals 'us a refusal' 'refusals a s' rows
for n in 0 1 2 3; do
  ms=$(median "${took[n]}")
  printf '%-26s %16s %14s %10s\n' "${names[n]}" $((ms * 1000 / refusals)) $((refusals * 1000 / ms)) "$(median "${left[n]}")"
done
