#!/bin/bash
# rustfmt, clippy and shellcheck over everything that is ours; a warning is an error.
#   scripts/lint.sh [PG | --fix]     --fix formats the Rust code and does nothing else
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

if [ "${1-}" = --fix ]; then
  cargo fmt --all
  exit
fi
PG=${1:-15}
"$ROOT/scripts/setup.sh" "$PG"

cargo fmt --all --check

if [ -n "$(pg_config_for "$PG")" ]; then
  PGRX_HOME=$TENANT_GUARD_HOME/pgrx-$PG cargo clippy --locked --workspace --all-targets \
    --no-default-features --features "pg$PG pg_test" -- -D warnings
fi

if ! command -v shellcheck >/dev/null; then
  step "installing shellcheck" as_root apt-get install -qy shellcheck || say "shellcheck skipped: it could not be installed"
fi
if command -v shellcheck >/dev/null; then
  find .ci bench examples scripts tests \( -name '*.sh' -o -path .ci/run \) -exec shellcheck --external-sources --source-path=SCRIPTDIR {} +
fi

# build.rs writes it from the doc comments; it is committed, so that a read-only checkout builds.
if git rev-parse --git-dir >/dev/null 2>&1; then
  git diff --exit-code -- sql/comments.sql || die "sql/comments.sql is not what the doc comments say: commit it"
fi
