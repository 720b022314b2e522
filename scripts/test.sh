#!/bin/bash
# Builds and tests the extension on one PostgreSQL version.
#   scripts/test.sh [PG]      PG is 15 (default), 16, 17 or 18
# The last line is "N passed, N failed". Ends with 77 when that version cannot be had here.
. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/debian13.sh"

PG=${1:-15}
"$ROOT/scripts/setup.sh" "$PG" test
# A server that inherits it puts backtraces into the clients' DETAIL.
unset RUST_BACKTRACE

if ! config=$(pg_config_for "$PG"); then
  # It is in the Debian 13 folder, which has the crates that cargo has downloaded here.
  (cd "$ROOT" && cargo fetch --locked --quiet)
  debian13_run /src/scripts/test.sh "$PG"
  exit
fi

passed=0 failed=0
mkdir -p "$TENANT_GUARD_HOME/log"

# stage NAME COMMAND...: runs a group of tests and adds up what its lines "N passed, N failed" say.
# A group that breaks off or has no test counts as one failure.
stage() {
  local name=$1 log started=$SECONDS status=0 ok bad
  log=$TENANT_GUARD_HOME/log/test-$PG-${name// /-}.log
  shift
  echo "--- PostgreSQL $PG, $name"
  (cd "$ROOT" && "$@") 2>&1 | tee "$log" || status=$?
  read -r ok bad < <(sed -nE 's/.*\b([0-9]+) passed[,;] ([0-9]+) failed.*/\1 \2/p' "$log" |
    awk '{ok += $1; bad += $2} END {print ok + 0, bad + 0}')
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1 && echo "$name broke off (exit status $status)"; fi
  if [ $((ok + bad)) = 0 ]; then bad=1 && echo "$name ran no test"; fi
  passed=$((passed + ok)) failed=$((failed + bad))
  echo "--- PostgreSQL $PG, $name: $ok passed, $bad failed ($((SECONDS - started)) s)"
}

# The tests in src/. A package's folders belong to root, and so the copying needs sudo, which
# cargo pgrx uses only together with --runas.
units() {
  local flags=()
  unlink_installed "$config"
  if is_root || [ ! -w "$("$config" --pkglibdir)" ]; then
    flags+=(--runas postgres)
    as_root chown postgres "$pgdata"
    # cargo pgrx itself goes there too, as who we are.
    as_root chmod 755 "$pgdata"
  fi
  cargo_pgrx "$PG" test "pg$PG" --pgdata "$pgdata" "${flags[@]}"
}

tidy() {
  local data
  for data in "$pgdata"/*/; do
    # A test run that was broken off leaves its server behind.
    if [ -d "$data" ]; then postmaster_stop "$data"; fi
  done
  rm -rf "$pgdata" 2>/dev/null || as_root rm -rf "$pgdata"
}

behaviour() { build_install "$PG" dev && "$ROOT/scripts/regress.sh" "$PG"; }

clusters() { TENANT_GUARD_PG_BIN=$(pg_bin "$PG") cargo test --locked --no-fail-fast --package tenant_guard_tests; }

pgdata=$(cluster_dir)
trap tidy EXIT
stage units units
stage behaviour behaviour
stage clusters clusters

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
