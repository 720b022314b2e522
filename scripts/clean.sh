#!/bin/bash
# Removes what the other scripts made: the demo, the built files and the private home. The extension
# stays in the servers that it was installed into.
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

if [ -f .demo ]; then "$ROOT/scripts/clean-demo.sh"; fi
cargo clean --quiet
rm -rf tests/pg_regress/results tests/pg_regress/regression.*
# It may hold a Debian that is in use: never reach through a mount.
rm -rf --one-file-system "$TENANT_GUARD_HOME"
