#!/usr/bin/env bash
# The main job, end to end, on real data: a database that anyone may read across organizations becomes
# a guarded one, in front of your eyes, and back again. Everything it claims it checks, and it fails
# where a claim does not hold. It leaves its server running; scripts/clean-demo.sh removes it.
#
#   scripts/demo.sh [PG]        the major version of PostgreSQL, 15 unless given (or $PG)
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$scripts/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../examples/demo/stage.sh
. "$ROOT/examples/demo/stage.sh"
# Found by psql's relative names (\i examples/...) as they are printed at the end.
cd "$ROOT"

pg=${1:-${PG:-15}}
acme=aaaaaaaa-0000-4000-8000-000000000001
globex=bbbbbbbb-0000-4000-8000-000000000002
branches=8
pgbench_seconds=3

# --- setting the stage ------------------------------------------------------------------------

printf '%stenant_guard: from one database for everyone to a guarded one%s\n\n' "$bold" "$plain"

"$scripts/setup.sh" "$pg"
build_install "$pg" release

# A demo that is still there is in the way.
if [ -f .demo ]; then "$scripts/clean-demo.sh"; fi
SECONDS=0

dir=$(cluster_dir)
printf '%s\n' "$dir" >.demo
step "starting a private PostgreSQL $pg" cluster_start "$dir" "$pg"
cluster_use "$dir" "$pg"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

createdb crm
PGDATABASE=crm
step "loading the CRM: 12,000 contacts, 20,000 opportunities, 40,000 interactions" \
  psql -X -q -v ON_ERROR_STOP=1 -f examples/crm/schema.sql -f examples/crm/data.sql -f examples/crm/template.sql
step "loading pgbench's bank: $branches branches with 100,000 accounts each" pgbench -i -q -s "$branches"
step "letting the API role into the bank" psql -X -q -f examples/pgbench/tenants.sql

# dump FILE [OPTION...]: a schema as SQL, of the whole database unless told otherwise. The extension's own schema
# is not in it: the audit log makes its partitions there, and keeps them. Newer pg_dumps write a random key into
# it, which is no schema.
dump() {
  local file=$1
  shift
  pg_dump -s -N tenant_guard "$@" 2>"$work/pg_dump.err" | sed -e '/^\\restrict /d' -e '/^\\unrestrict /d' >"$work/$file" ||
    failed "pg_dump failed" "$(<"$work/pg_dump.err")"
}

# --- the story --------------------------------------------------------------------------------

chapter "Before: one database, and no walls in it"
tell "A CRM of the usual kind. Eight organizations share its tables, each row says whose it is," \
     "and the API role may read and write them all."
run admin "SELECT o.name,
       (SELECT count(*) FROM crm.contacts c WHERE c.organization_id = o.id) AS contacts,
       (SELECT count(*) FROM crm.opportunities p WHERE p.organization_id = o.id) AS opportunities,
       (SELECT count(*) FROM crm.interactions i WHERE i.organization_id = o.id) AS interactions
FROM crm.organizations o ORDER BY contacts DESC;"
all_contacts=$(ask admin "SELECT count(*) FROM crm.contacts")
acme_contacts=$(ask admin "SELECT count(*) FROM crm.contacts WHERE organization_id = '$acme'")
globex_contacts=$(ask admin "SELECT count(*) FROM crm.contacts WHERE organization_id = '$globex'")

tell "Ada works for Acme Rockets. This is her request, as the API gateway hands it to the database:"
run ada "SELECT current_user, c ->> 'sub' AS user_id, c ->> 'org_id' AS org_id
FROM CAST(current_setting('request.jwt.claims') AS jsonb) AS c;"

tell "Globex is another customer. Whenever the application forgets a WHERE, Ada reads its address book:"
run ada "SELECT first_name, last_name, email, phone
FROM crm.contacts WHERE organization_id = '$globex' ORDER BY id LIMIT 4;"
check "Ada, of Acme Rockets, can read all $(thousands "$globex_contacts") contacts of Globex" \
  "$(ask ada "SELECT count(*) FROM crm.contacts WHERE organization_id = '$globex'")" "$globex_contacts"

tell "and rewrites its best deals (rolled back here):"
run ada "BEGIN;
UPDATE crm.opportunities SET amount = 1
WHERE organization_id = '$globex' AND stage = 'negotiation' AND amount > 250000
RETURNING name, amount;
ROLLBACK;"
check "Ada can change what Globex sells" \
  "$(ask ada "BEGIN; UPDATE crm.products SET unit_price = 1 WHERE organization_id = '$globex' RETURNING 1; ROLLBACK" | grep -c 1)" \
  "$(ask admin "SELECT count(*) FROM crm.products WHERE organization_id = '$globex'")"

chapter "The plan: what would be done, before anything is"
tell "The extension brings its tools and touches no table of yours."
run admin "CREATE EXTENSION tenant_guard;"
dump before.sql
tell "First it learns where it says who may work for whom."
run_plan admin "tenant_guard.use_membership('crm.memberships', 'user_id', 'organization_id', 'role')"
dump registered.sql
tell "Then a dry run: this is all that it would do to one table. You can paste it into a migration."
run_plan admin "tenant_guard.protect_table('crm.contacts', dry_run => true)"
ask admin "SELECT sql FROM tenant_guard.protect_table('crm.contacts', dry_run => true) ORDER BY step" >"$work/plan.sql"
dump planned.sql
check "Nothing has changed: pg_dump -s gives the same text" "$(cksum <"$work/planned.sql")" "$(cksum <"$work/registered.sql")"

chapter "Apply: six tables, one statement"
tell "Each table becomes a change with a number, by which it can be undone."
run admin "SELECT p.change_id, t.name AS \"table\", count(*) AS steps
FROM (VALUES ('crm.organizations', 'id'), ('crm.memberships', 'organization_id'),
             ('crm.contacts', 'organization_id'), ('crm.products', 'organization_id'),
             ('crm.opportunities', 'organization_id'), ('crm.interactions', 'organization_id')
     ) AS t (name, tenant_column)
CROSS JOIN LATERAL tenant_guard.protect_table(t.name::regclass, tenant_column => t.tenant_column) AS p
GROUP BY p.change_id, t.name ORDER BY p.change_id;"
check "All six tables now enable and force row-level security" \
  "$(ask admin "SELECT count(*) FROM pg_class WHERE relnamespace = 'crm'::regnamespace AND relrowsecurity AND relforcerowsecurity")" 6
createdb pasted
# The dump is without the extension's schema, which the extension is made in.
psql -X -q -v ON_ERROR_STOP=1 -d pasted -o /dev/null -c 'CREATE SCHEMA tenant_guard' -f "$work/registered.sql" -f "$work/plan.sql" || failed "The plan's SQL does not run when pasted"
dump contacts.sql -t crm.contacts
dump pasted.sql -t crm.contacts pasted
check "The plan's SQL, pasted into psql on a copy, makes the very same table" "$(cksum <"$work/pasted.sql")" "$(cksum <"$work/contacts.sql")"
dropdb pasted
check "Protecting crm.contacts again would do nothing: the plan is empty" \
  "$(ask admin "SELECT count(*) FROM tenant_guard.protect_table('crm.contacts', dry_run => true)")" 0

chapter "After: the same requests, behind walls"
tell "Ada asks for everything, without any WHERE."
run ada "SELECT organization_id, count(*) FROM crm.contacts GROUP BY organization_id;"
check "Ada sees the $(thousands "$acme_contacts") contacts of Acme Rockets and none of the other $(thousands $((all_contacts - acme_contacts)))" \
  "$(ask ada "SELECT count(*), count(*) FILTER (WHERE organization_id <> '$acme') FROM crm.contacts")" "$acme_contacts|0"
for table in memberships products opportunities interactions; do
  [ "$(ask ada "SELECT count(*) FROM crm.$table")" = "$(ask admin "SELECT count(*) FROM crm.$table WHERE organization_id = '$acme'")" ] ||
    failed "Ada does not see exactly her own rows of crm.$table"
done
check "Bob of Globex sees his $(thousands "$globex_contacts"), by the same statement" \
  "$(ask bob "SELECT count(*), count(*) FILTER (WHERE organization_id <> '$globex') FROM crm.contacts")" "$globex_contacts|0"
check "A request without a token sees nothing" \
  "$(ask nobody "SELECT count(*) FROM crm.contacts")|$(ask nobody "SELECT count(*) FROM crm.organizations")" "0|0"

tell "She cannot change what she cannot see, nor plant a row at Globex, nor give one away."
run ada "UPDATE crm.opportunities SET amount = 1 WHERE organization_id = '$globex';"
check "No row of Globex was touched" "$answer" "UPDATE 0"
refused ada 42501 "INSERT INTO crm.products (organization_id, sku, name, category, unit_price)
VALUES ('$globex', 'GLX-9999', 'Trojan Horse', 'goods', 0);"
refused ada 42501 "UPDATE crm.contacts SET organization_id = '$globex' WHERE id = (SELECT min(id) FROM crm.contacts);"

tell "She cannot forge the active organization: the setting that holds it is not hers to set."
refused ada 42501 "SELECT count(*) FROM crm.contacts;
SET tenant_guard.org = '$globex';"
refused ada 42501 "SELECT count(*) FROM crm.contacts;
SELECT set_config('tenant_guard.org', '$globex', true);"
tell "In a session that has not yet used the extension PostgreSQL takes any such name for a note of hers," \
     "and throws it away as soon as the extension is there."
run ada "SET tenant_guard.org = '$globex';
SELECT organization_id, count(*) FROM crm.contacts GROUP BY organization_id;"
check "The early SET changed nothing" \
  "$(PGOPTIONS="-c tenant_guard.org=$globex" ask ada "SELECT DISTINCT organization_id FROM crm.contacts")" "$acme"
tell "She may switch, but only to an organization that she is a member of."
refused ada 42501 "SELECT tenant_guard.set_org('$globex');"

tell "Carol consults for both. Her token names no organization, so she picks one for each transaction."
run carol "BEGIN;
SELECT tenant_guard.set_org('$globex');
SELECT (SELECT name FROM crm.organizations), count(*) AS contacts FROM crm.contacts;
COMMIT;
SELECT count(*) AS contacts_after_commit FROM crm.contacts;"
check "Carol sees Globex when she says so, Acme Rockets when she says that, and otherwise nothing" \
  "$(ask carol "SELECT count(*) FROM crm.contacts;
     BEGIN; DO \$\$BEGIN PERFORM tenant_guard.set_org('$globex'); END\$\$; SELECT count(*) FROM crm.contacts; COMMIT;
     BEGIN; DO \$\$BEGIN PERFORM tenant_guard.set_org('$acme'); END\$\$; SELECT count(*) FROM crm.contacts; COMMIT;
     SELECT count(*) FROM crm.contacts" | paste -sd ' ')" "0 $globex_contacts $acme_contacts 0"

chapter "Identity: what the database verifies itself"
tell "So far the gateway was believed. Clients that send SQL of their own are not: for them the database" \
     "verifies the token itself. It gets the issuer's public keys, and is told to believe nothing else."
mapfile -t issued < <(/usr/bin/python3 examples/demo/issuer.py)
[ ${#issued[@]} = 4 ] || failed "The issuer did not sign: examples/demo/issuer.py needs python3-jwt and python3-cryptography"
run admin "SELECT kid, alg, reason FROM tenant_guard.load_jwks('${issued[0]}', issuer => 'https://issuer.example');
ALTER DATABASE crm SET tenant_guard.trust = 'verified';"
tell "Now claims are worth nothing, and a token, here shortened, is worth what it says, for the transaction."
# shown: a statement with its tokens cut short.
shown() { sed -E 's/(eyJ[A-Za-z0-9_-]{12})[A-Za-z0-9_.-]+/\1.../g'; }
tokens=(good "${issued[1]}" expired "${issued[2]}" forged "${issued[3]}")
check "Claims that anybody can set show nothing" "$(ask ada "SELECT count(*) FROM crm.contacts")" 0
say_sql nobody "$(shown <<<"BEGIN; SELECT tenant_guard.authenticate('${tokens[1]}');
SELECT count(*) FROM crm.contacts; COMMIT; SELECT count(*) FROM crm.contacts;")"
check "Ada's token shows her $(thousands "$acme_contacts") contacts, until the transaction ends" \
  "$(ask nobody "BEGIN; SELECT tenant_guard.authenticate('${tokens[1]}'); SELECT count(*) FROM crm.contacts; COMMIT; SELECT count(*) FROM crm.contacts" | grep . | paste -sd ' ')" "$acme_contacts 0"
for n in 3 5; do
  answer=$(session nobody <<<"SELECT tenant_guard.authenticate('${tokens[n]}');") && failed "A token that is ${tokens[n - 1]} was accepted"
  printf '\n%s\n' "$(tidy <<<"$answer")" | sed "s/^/    $dim/; s/\$/$plain/"
  check "A token that is ${tokens[n - 1]} is refused" "$(grep -c '28000: the token is not accepted' <<<"$answer")" 1
done
tell "Who am I taken for, and why? Anybody may ask."
run nobody "SELECT setting, value_seen, verdict FROM tenant_guard.explain_identity();"
run admin "ALTER DATABASE crm RESET tenant_guard.trust;"
tell "What somebody may do in an organization is his role's: the membership table has it, the token is not asked."
run admin "SELECT action FROM tenant_guard.set_role_permissions('member', '{contacts:read}');
SELECT action FROM tenant_guard.set_role_permissions('owner', '{contacts:*,billing:read}', inherits => '{member}');"
run ada "SELECT tenant_guard.roles(), tenant_guard.permissions(), tenant_guard.has_permission('contacts:delete') AS may_delete,
       tenant_guard.has_permission('billing:write') AS may_bill;"

chapter "Audit: who did what, kept apart by organization"
run admin "SELECT a.change_id, t.name AS \"table\", count(*) AS steps
FROM (VALUES ('crm.contacts'), ('crm.opportunities')) AS t (name)
CROSS JOIN LATERAL tenant_guard.enable_audit(t.name::regclass) AS a
GROUP BY a.change_id, t.name ORDER BY a.change_id;"
tell "Ada closes a deal and adds a contact; Bob corrects one of his."
run ada "UPDATE crm.opportunities SET stage = 'won', probability = 100, closed_at = now()
WHERE id = (SELECT min(id) FROM crm.opportunities WHERE stage = 'negotiation') RETURNING name, amount;
INSERT INTO crm.contacts (organization_id, first_name, last_name, email, job_title, company_name, city, country_code)
VALUES ('$acme', 'Grace', 'Weber', 'grace.weber@alder-labs.example', 'Buyer', 'Alder Labs', 'Vienna', 'AT');"
run bob "UPDATE crm.contacts SET job_title = 'Chief Buyer'
WHERE id = (SELECT min(id) FROM crm.contacts) RETURNING first_name, last_name, job_title;"
tell "Ada reads the trail of her organization."
run ada "SELECT operation, table_name, changed_columns, left(user_id, 8) AS \"user\", db_role,
       concat_ws(' -> ', old_record ->> 'stage', record ->> 'stage') AS stage
FROM tenant_guard.audit_log ORDER BY id;"
check "Ada finds her 2 changes and none of Bob's; Bob finds his 1" \
  "$(ask ada "SELECT count(*), count(*) FILTER (WHERE user_id = '0000000a-0000-4000-8000-0000000000a1') FROM tenant_guard.audit_log") $(
     ask bob "SELECT count(*), count(*) FILTER (WHERE organization_id = '$globex') FROM tenant_guard.audit_log")" "2|2 1|1"
tell "The history of one contact: what changed, by whom."
run bob "SELECT operation, changed_columns, old_record ->> 'job_title' AS was, record ->> 'job_title' AS is, left(user_id, 8) AS \"user\"
FROM tenant_guard.row_history('crm.contacts', (SELECT jsonb_build_object('id', min(id)) FROM crm.contacts));"
tell "A request goes wrong: it gives every contact of Globex one title. Its id is enough to undo it, row by row."
run bob "SET tenant_guard.request_id = 'req-7';
UPDATE crm.contacts SET job_title = 'Intern';"
run bob "SELECT table_name, action, count(*) FROM tenant_guard.undo_request('req-7') GROUP BY 1, 2;"
check "The titles are back, and the trail says that it was an undo" \
  "$(ask bob "SELECT count(*) FROM crm.contacts WHERE job_title = 'Intern'")|$(
     ask bob "SELECT count(*) FROM tenant_guard.audit_log WHERE reason = 'undo of request req-7'")" "0|$globex_contacts"
tell "Nobody rewrites it: not the one who did it, not even the superuser."
refused ada 42501 "DELETE FROM tenant_guard.audit_event;"
refused admin 42501 "DELETE FROM tenant_guard.audit_event;"

chapter "A schema for one tenant, cloned from a template"
tell "Acme Rockets pays for a help desk of its own; Globex gets one too. The template has three tables," \
     "a sequence, foreign keys, triggers and policies. Nothing in the copies points back at it."
run admin "SELECT c.change_id, t.slug, count(*) AS steps
FROM (VALUES ('acme_rockets', '$acme'), ('globex', '$globex')) AS t (slug, organization)
CROSS JOIN LATERAL tenant_guard.create_tenant_schema(t.slug, template => 'crm_template', organization => t.organization::uuid) AS c
GROUP BY c.change_id, t.slug ORDER BY c.change_id;
SELECT slug, template, tenant_role, owner FROM tenant_guard.tenant_schemas ORDER BY slug;"
tell "The tenant's role works in it."
run tenant_acme_rockets "WITH team AS (INSERT INTO acme_rockets.teams (name) VALUES ('Launch support') RETURNING id)
INSERT INTO acme_rockets.tickets (team_id, subject, priority)
SELECT id, 'Nose cone does not fit', 1 FROM team RETURNING reference, subject, status;"
check "The first ticket of Globex has number T-1001 as well: the copies share no sequence" \
  "$(ask tenant_globex "INSERT INTO globex.tickets (subject) VALUES ('Meter reads backwards') RETURNING reference")" T-1001
tell "The other tenant's role, and the template itself, stay outside."
refused tenant_globex 42501 "SELECT * FROM acme_rockets.tickets;"
refused tenant_globex 42501 "SELECT * FROM crm_template.tickets;"

chapter "What it costs: pgbench through the policies"
# tpc_b: the benchmark, as a tenant's people; its report goes to a file.
tpc_b() {
  pgbench -n -M prepared -U pgbench_tenant -D branches="$branches" -c 4 -j 2 -T "$pgbench_seconds" \
    -f examples/pgbench/tenant.pgbench >"$work/report"
}
# bank WITH_WHAT: empties the books, runs the benchmark, checks the books, leaves the speed in $tps.
bank() {
  local transactions
  psql -X -q -c "TRUNCATE pgbench_history; UPDATE pgbench_accounts SET abalance = 0 WHERE abalance <> 0;
    UPDATE pgbench_tellers SET tbalance = 0; UPDATE pgbench_branches SET bbalance = 0;" \
    -c "VACUUM ANALYZE pgbench_accounts, pgbench_tellers, pgbench_branches, pgbench_history" -c "CHECKPOINT"
  printf '\n'
  step "    pgbench $1, $pgbench_seconds seconds" tpc_b || failed "pgbench failed"
  transactions=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$work/report")
  tps=$(sed -n 's/^tps = \([0-9]*\).*/\1/p' "$work/report")
  printf '    %s: %s transactions, %stps = %s%s\n' "$1" "$(thousands "$transactions")" "$bold" "$(thousands "$tps")" "$plain"
  check "The books balance: every transaction changed its account, teller and branch" \
    "$(psql -X -At -v transactions="$transactions" -f examples/pgbench/balance.sql)" t
}
tell "A bank of $branches branches, each a tenant, and TPC-B by the people of each branch. They are no members" \
     "of the CRM's organizations: for their role the branch that the token names counts (tenant_guard.org_check)."
bank "without policies"
tps_before=$tps
tell "Now the branches are kept apart:"
say_sql admin "\\i examples/pgbench/protect.sql"
psql -X -q -o /dev/null -f examples/pgbench/protect.sql || failed "examples/pgbench/protect.sql failed"
bank "through policies"
printf '\n    %s%% of the speed without them, in this one short run\n' $((100 * tps / tps_before))
check "A teller of branch 1 sees branch 1 alone" \
  "$(psql -X -q -At -U pgbench_tenant -c "SET request.jwt.claims = '{\"sub\": \"teller\", \"org_id\": \"1\"}'" \
     -c "SELECT count(*), min(bid), max(bid) FROM pgbench_accounts")" "100000|1|1"

chapter "The way back, and forth again"
tell "Every change is in the journal with its inverse. What somebody has changed since, undo leaves alone:" \
     "the help desk of Acme Rockets has a ticket in it by now."
refused admin 55000 "SELECT * FROM tenant_guard.undo($(ask admin "SELECT id FROM tenant_guard.change WHERE target = 'acme_rockets'"));"
tell "So for the two help desks it takes force => true. Newest first, all of them:"
# undo_all CONDITION: undoes the changes for which it holds, newest first.
undo_all() {
  local id operation target call steps
  printf '\n'
  while IFS='|' read -r id operation target; do
    call="undo($id"
    if [ "$operation" = create_tenant_schema ]; then call+=", force => true"; fi
    steps=$(ask admin "SELECT count(*) FROM tenant_guard.$call)") || failed "$call) of $operation $target failed" "$steps"
    printf '    %s%-24s%s %-46s %2s %s\n' "$blue" "$call)" "$plain" "$operation $target" "$steps" "$([ "$steps" = 1 ] && echo step || echo steps)"
  done < <(ask admin "SELECT id, operation, target FROM tenant_guard.change WHERE undone_by IS NULL AND $1 ORDER BY id DESC")
}
dump guarded.sql
undo_all "undoes IS NULL"
dump undone.sql
cmp -s "$work/before.sql" "$work/undone.sql" || failed "The schema is not what it was before" "$(diff "$work/before.sql" "$work/undone.sql" | head -20)"
check "pg_dump -s of the whole database but the extension's own tables: $(thousands "$(wc -c <"$work/undone.sql")") bytes, byte for byte what it was before" \
  "$(cksum <"$work/undone.sql")" "$(cksum <"$work/before.sql")"
check "The roles that came with the help desks are gone" "$(ask admin "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tenant\_%'")" 0
check "And Ada reads the address book of Globex again" \
  "$(ask ada "SELECT count(*) FROM crm.contacts WHERE organization_id = '$globex'")" "$globex_contacts"
tell "An undo is a change like any other, so it can be undone too. Back behind the walls:"
undo_all "undoes IS NOT NULL"
dump redone.sql
check "The schema is byte for byte the guarded one" "$(cksum <"$work/redone.sql")" "$(cksum <"$work/guarded.sql")"
check "Ada sees Acme Rockets alone" "$(ask ada "SELECT count(DISTINCT organization_id) FROM crm.contacts")" 1

# --- and now you ------------------------------------------------------------------------------

printf '\n%sThe demo took %s s. Its server keeps running; continue from here with:%s\n\n' "$bold" "$SECONDS" "$plain"
printf '  %s\n\n' "$(psql_line ada)"
cat <<END
Three things to try in it:
  1. Be Bob, and look around:
       \\i examples/crm/as_bob.sql
       SELECT name, stage, amount FROM crm.opportunities ORDER BY amount DESC LIMIT 5;
  2. Be Carol, and change sides:
       \\i examples/crm/as_carol.sql
       BEGIN; SELECT tenant_guard.set_org('$acme'); TABLE crm.organizations; COMMIT;
  3. Be the one who runs the migrations (-U postgres), and read what unprotecting would do:
       SELECT sql FROM tenant_guard.unprotect_table('crm.contacts', dry_run => true);

make clean-demo removes it all.
END
