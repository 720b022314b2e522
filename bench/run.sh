#!/bin/bash
# Runs benchmarks on a private server with a release build of the extension.
#   bench/run.sh [PG [NAME...]]     NAME is a file of this folder without .sql or .sh; all unless given
# A .sql file is run by psql, a .sh file with PGHOST and its kin set; each in a new database.
. "$(dirname "$0")/../scripts/lib.sh"

PG=${1:-15}
shift || true
"$ROOT/scripts/install.sh" "$PG" release

dir=$(cluster_dir)
trap 'cluster_remove "$dir"' EXIT
# Planning and memory as on a server of some size; jit and autovacuum would blur the figures.
cluster_start "$dir" "$PG" shared_buffers=512MB work_mem=64MB max_wal_size=8GB jit=off autovacuum=off
cluster_use "$dir" "$PG"

if [ $# = 0 ]; then
  mapfile -t names < <(find "$ROOT/bench" -maxdepth 1 \( -name '*.sql' -o -name '*.sh' ! -name run.sh \) -printf '%f\n' |
    sed 's/\.[a-z]*$//' | sort)
  set -- "${names[@]}"
fi
[ $# -gt 0 ] || die "there is no benchmark in bench/"
for name in "$@"; do
  printf '\n--- %s, PostgreSQL %s\n' "$name" "$PG"
  dropdb --if-exists bench 2>/dev/null && psql -X -q -c 'DROP ROLE IF EXISTS reader' 2>/dev/null && createdb bench
  export PGDATABASE=bench
  if [ -f "$ROOT/bench/$name.sql" ]; then
    psql -X -q -v ON_ERROR_STOP=1 -f "$ROOT/bench/$name.sql"
  else
    "$ROOT/bench/$name.sh"
  fi
  PGDATABASE=postgres
done
