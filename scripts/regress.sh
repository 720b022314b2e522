#!/bin/bash
# Runs tests/pg_regress against the extension that is installed in a server, in a private cluster.
#   scripts/regress.sh [--accept] [PG [TEST...]]     --accept makes what came out the expected output
#
# The same run as `cargo pgrx regress`: one database, setup.sql first, the others by name,
# client_min_messages=warning, VERBOSITY=terse. That command itself cannot run as root, nor with a
# server that was moved after it was built (pg_regress would look for psql where it was built).
. "$(dirname "$0")/lib.sh"

accept=
if [ "${1-}" = --accept ]; then accept=yes && shift; fi
PG=${1:-15}
shift || true
suite=$ROOT/tests/pg_regress
out=$TENANT_GUARD_HOME/regress-$PG

# pg_regress PG: the driver; another version's serves as well, and the one of 18 in the wheel does not run.
pg_regress() {
  local version driver
  for version in "$1" 16 15; do
    driver=$("$(pg_config_for "$version")" --pkglibdir 2>/dev/null)/pgxs/src/test/regress/pg_regress || continue
    if "$driver" --version >/dev/null 2>&1; then echo "$driver" && return; fi
  done
  die "no pg_regress here"
}

names=$(find "$suite/sql" -name '*.sql' -printf '%f\n' | sed 's/\.sql$//' | grep -vx setup | LC_ALL=C sort) || die "no tests in $suite/sql"
if [ $# -gt 0 ]; then names=$*; fi
if [ -f "$suite/sql/setup.sql" ]; then names="setup $names"; fi

# pg_regress gives up at a test without expected output: compare it with an empty file instead.
rm -rf "$out" && mkdir -p "$out/expected"
for name in $names; do
  [ -f "$suite/sql/$name.sql" ] || die "there is no test $name"
  cp "$suite/expected/$name.out" "$suite/expected/$name"_[0-9].out "$out/expected" 2>/dev/null || true
  if [ ! -f "$out/expected/$name.out" ]; then : >"$out/expected/$name.out"; fi
done
ln -s "$suite/sql" "$out/sql"

driver=$(pg_regress "$PG")
dir=$(cluster_dir)
trap 'cluster_remove "$dir"' EXIT
cluster_start "$dir" "$PG" client_min_messages=warning
cluster_use "$dir" "$PG"
createdb tenant_guard_regress
# shellcheck disable=SC2016 # for the launcher to expand
printf '#!/bin/sh\nexec "$@" -v VERBOSITY=terse\n' >"$out/launcher"
chmod +x "$out/launcher"

# shellcheck disable=SC2086 # a list of names
"$driver" --bindir="$(pg_bin "$PG")" --use-existing --host="$PGHOST" --port="$PGPORT" --user=postgres \
  --dbname=tenant_guard_regress --launcher="$out/launcher" --inputdir="$out" --outputdir="$out" $names >"$out/report" 2>&1 || true

# Versions report differently: "test a ... ok 5 ms" up to 15, "ok 1 - a 5 ms" since.
sed -nE 's/^(not ok|ok) +[0-9]+ +[-+] +([^ ]+).*/\2 \1/p; s/^(test)? +([^ ]+) +\.\.\. (ok|FAILED).*/\2 \3/p' "$out/report" |
  sed 's/not ok$/FAILED/' >"$out/verdicts"
cat "$out/verdicts"

if [ -n "$accept" ]; then
  for name in $names; do
    cmp -s "$out/results/$name.out" "$suite/expected/$name.out" && continue
    mkdir -p "$suite/expected"
    cp "$out/results/$name.out" "$suite/expected/$name.out"
    echo "accepted $name: read it before you commit it"
  done
  exit 0
fi

passed=$(grep -c ' ok$' "$out/verdicts" || true)
failed=$(($(wc -w <<<"$names") - passed))
if [ -s "$out/regression.diffs" ]; then cat "$out/regression.diffs"; elif [ "$failed" -gt 0 ]; then cat "$out/report"; fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
