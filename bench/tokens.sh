#!/bin/bash
# Verifying tokens. Needs Debian's python3-jwt for signing them, and pgcrypto for the SQL way.
set -euo pipefail
cd "$(dirname "$0")/tokens"
mapfile -t issued < <(/usr/bin/python3 issuer.py)
psql -X -q -v ON_ERROR_STOP=1 -v jwks="${issued[0]}" -v tokens="${issued[1]}" -v secret="${issued[2]}" -f measure.sql
