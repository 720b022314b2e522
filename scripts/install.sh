#!/bin/bash
# Builds the extension and installs it into a server.
#   scripts/install.sh [PG [PROFILE]]     PG is 15 and PROFILE (dev or release) release unless given
. "$(dirname "$0")/lib.sh"

PG=${1:-15}
"$ROOT/scripts/setup.sh" "$PG"
config=$(pg_config_for "$PG") ||
  die "PostgreSQL $PG is in the folder $TENANT_GUARD_HOME/debian13, where only 'make test PG=$PG' goes"
build_install "$PG" "${2:-release}"
say "tenant_guard is installed into PostgreSQL $PG ($("$config" --bindir)): CREATE EXTENSION tenant_guard"
