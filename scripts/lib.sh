# shellcheck shell=bash
# What the scripts share. Source it: . "$(dirname "$0")/lib.sh"
#
# A script that needs a server reads like this:
#   scripts/setup.sh "$PG"
#   build_install "$PG" release
#   dir=$(cluster_dir); trap 'cluster_remove "$dir"' EXIT
#   cluster_start "$dir" "$PG" work_mem=64MB
#   cluster_use "$dir" "$PG"          # from here plain psql, pg_dump, pgbench reach it as postgres
set -euo pipefail

# The repository's root.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# --- telling ----------------------------------------------------------------------------------

# say TEXT...: one line for the person watching.
say() { printf '%s\n' "$*" >&2; }

# die TEXT...: the reason, and out.
die() { say "error: $*"; exit 1; }

# step TEXT COMMAND...: prints TEXT, keeps the command's output in a log, shows the log's tail if it fails.
step() {
  local text=$1 started=$SECONDS log
  shift
  mkdir -p "$TENANT_GUARD_HOME/log"
  log=$TENANT_GUARD_HOME/log/$(tr -cs '[:alnum:].\n' '-' <<<"$text").log
  printf '%s ... ' "$text" >&2
  if "$@" >"$log" 2>&1 </dev/null; then
    printf '%ss\n' $((SECONDS - started)) >&2
  else
    printf 'failed. The end of %s:\n' "$log" >&2
    tail -n 40 "$log" >&2
    return 1
  fi
}

# --- who --------------------------------------------------------------------------------------

# is_root: true for the superuser of the machine.
is_root() { [ "$(id -u)" = 0 ]; }

# as_root COMMAND...: runs it as root, through sudo unless we are root.
as_root() {
  if is_root; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else
    say "this needs root and there is no sudo. As root, run: $*"
    return 1
  fi
}

# pg_os_user: who runs the servers. PostgreSQL refuses root, so for root it is postgres.
pg_os_user() { if is_root; then echo postgres; else id -un; fi; }

# as_pg COMMAND...: runs it as that user, from / because it may not see our folder, and without
# RUST_BACKTRACE because a server started with it puts backtraces into the clients' DETAIL.
as_pg() {
  (
    cd /
    unset RUST_BACKTRACE RUST_LIB_BACKTRACE
    if is_root; then runuser -u postgres -- "$@"; else "$@"; fi
  )
}

# --- where ------------------------------------------------------------------------------------

# default_home: <repo>/.pg; for root with a repository that other users cannot read (say, below
# /root) a folder outside, since the user postgres runs the servers unpacked there.
default_home() {
  if is_root && ! runuser -u nobody -- test -x "$ROOT"; then
    echo "/var/cache/tenant_guard-$(cksum <<<"$ROOT" | cut -d' ' -f1)"
  else
    echo "$ROOT/.pg"
  fi
}

# Everything private lives here: pgrx homes, unpacked servers, the Debian 13 folder, logs.
TENANT_GUARD_HOME=${TENANT_GUARD_HOME:-$(default_home)}
export TENANT_GUARD_HOME

# Ours comes first, for the case that the machine has a cargo-pgrx of another version; cargo's last,
# for a shell that has not read rustup's profile.
PATH=$TENANT_GUARD_HOME/bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
export PATH

# target_dir: where cargo builds.
target_dir() { echo "${CARGO_TARGET_DIR:-$ROOT/target}"; }

# --- servers ----------------------------------------------------------------------------------

# pg_config_for PG: the path of that version's pg_config; fails when it is not on this machine.
pg_config_for() {
  local config=/usr/lib/postgresql/$1/bin/pg_config
  # Debian ships client programs without the server, and the server without headers.
  if [ -x "$config" ] && [ -x "${config%/*}/postgres" ] && [ -f "/usr/include/postgresql/$1/server/postgres.h" ]; then
    echo "$config"
    return
  fi
  config=$TENANT_GUARD_HOME/server-$1/bin/pg_config
  [ -x "$config" ] && echo "$config"
}

# pg_bin PG: the folder with that version's psql, initdb, pg_ctl, pg_dump, pgbench.
pg_bin() {
  local config
  config=$(pg_config_for "$1") || die "PostgreSQL $1 is not installed; run scripts/setup.sh $1"
  dirname "$config"
}

# cargo_pgrx PG ARGUMENTS...: runs cargo pgrx with the private home of that version. One home a
# version: pgrx rebuilds its bindings when the home's config changes.
cargo_pgrx() {
  local pg=$1
  shift
  (
    cd "$ROOT"
    unset RUST_BACKTRACE RUST_LIB_BACKTRACE
    export PGRX_HOME=$TENANT_GUARD_HOME/pgrx-$pg USER=${USER:-$(id -un)}
    CARGO_PGRX=$(command -v cargo-pgrx) exec cargo-pgrx pgrx "$@"
  )
}

# build_install PG PROFILE: builds the extension (PROFILE is dev or release) and installs it into
# that server. Returns at once when neither the sources nor the installed files have changed since.
build_install() {
  local pg=$1 profile=$2 config stamp flags=()
  config=$(pg_config_for "$pg") || die "PostgreSQL $pg is not installed; run scripts/setup.sh $pg"
  stamp=$TENANT_GUARD_HOME/pgrx-$pg/installed
  [ "$(cat "$stamp" 2>/dev/null)" = "$(install_state "$config" "$profile")" ] && return
  if [ "$profile" = release ]; then flags+=(--release); fi
  unlink_installed "$config"
  if [ ! -w "$("$config" --pkglibdir)" ]; then flags+=(--sudo); fi
  step "building tenant_guard for PostgreSQL $pg ($profile)" \
    cargo_pgrx "$pg" install --pg-config "$config" --no-default-features --features "pg$pg" "${flags[@]}" || return 1
  install_state "$config" "$profile" >"$stamp"
}

# unlink_installed PG_CONFIG: takes the installed library out of its folder. `cargo pgrx install --sudo`
# would write into the file, under running servers that have it mapped, and crash them.
unlink_installed() {
  local library
  library=$("$1" --pkglibdir)/tenant_guard.so
  [ ! -e "$library" ] || rm -f "$library" 2>/dev/null || as_root rm -f "$library"
}

# install_state PG_CONFIG PROFILE: a fingerprint of the sources and of what is installed. It covers
# the installed files because `cargo pgrx test` replaces them with a build that has the tests in it.
install_state() {
  (
    cd "$ROOT"
    {
      echo "$2 $(rustc --version)"
      find Cargo.* build.rs ./*.control .cargo src sql -type f -exec sha256sum {} + 2>/dev/null | sort
      sha256sum "$("$1" --pkglibdir)"/tenant_guard.so "$("$1" --sharedir)"/extension/tenant_guard{.control,--*.sql} 2>&1 || true
    } | sha256sum || true
  )
}

# --- private clusters -------------------------------------------------------------------------

# cluster_dir: makes a new folder for a cluster, where the servers' user can reach it.
cluster_dir() { mktemp -d "${TENANT_GUARD_TMP:-/tmp}/tenant_guard.XXXXXX"; }

# cluster_start DIR PG [NAME=VALUE...]: starts the cluster in DIR, after creating it when DIR has
# none, on a free port. Settings are kept in its postgresql.conf when it is created. The socket is
# in DIR, which only the servers' user and root may enter: anyone is let in there under any name.
# Over TCP (127.0.0.1) a password is asked for; that of postgres is in DIR/password.
cluster_start() {
  local dir pg=$2 bin attempt port setting
  dir=$(realpath -m "$1")
  shift 2
  bin=$(pg_bin "$pg")
  if [ ! -f "$dir/data/PG_VERSION" ]; then
    mkdir -p "$dir"
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/password"
    if is_root; then chown -R postgres: "$dir"; fi
    chmod 700 "$dir"
    as_pg test -w "$dir" || die "the user $(pg_os_user) cannot reach $dir"
    as_pg "$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C.UTF-8 --auth-local=trust \
      --auth-host=scram-sha-256 --pwfile="$dir/password" --no-sync >"$dir/initdb.log" 2>&1 ||
      { cat "$dir/initdb.log" >&2; return 1; }
    {
      # A throwaway cluster survives a killed server, not a power cut.
      echo "fsync = off"
      echo "shared_preload_libraries = ''"
      echo "listen_addresses = '127.0.0.1'"
      echo "unix_socket_directories = '$dir'"
      for setting in "$@"; do echo "${setting%%=*} = '${setting#*=}'"; done
    } >>"$dir/data/postgresql.conf"
  fi
  # Someone may take the port between our look and the start: try others.
  for attempt in 1 2 3 4 5; do
    port=$(free_port)
    if as_pg "$bin/pg_ctl" start -w -s -D "$dir/data" -l "$dir/log" -o "-p $port" >/dev/null 2>&1 </dev/null; then
      echo "$port" >"$dir/port"
      return
    fi
  done
  say "PostgreSQL $pg did not start ($attempt attempts). The end of $dir/log:"
  tail -n 20 "$dir/log" >&2
  return 1
}

# cluster_use DIR PG: points psql and the other clients of this shell at the cluster in DIR.
cluster_use() {
  PGHOST=$1 PGPORT=$(cat "$1/port") PGUSER=postgres PGDATABASE=postgres PATH=$(pg_bin "$2"):$PATH
  export PGHOST PGPORT PGUSER PGDATABASE PATH
}

# cluster_url DIR: an address for programs that want TCP; the superuser's, with password.
cluster_url() { echo "postgresql://postgres:$(cat "$1/password")@127.0.0.1:$(cat "$1/port")/postgres"; }

# cluster_running DIR: true while the cluster's postmaster lives.
cluster_running() { postmaster_pid "$1/data" >/dev/null; }

# cluster_stop DIR: stops the cluster's postmaster; nothing to do if it is down.
cluster_stop() { postmaster_stop "$1/data"; }

# postmaster_pid DATA: the process id of the server that runs on that data folder; fails if none does.
postmaster_pid() {
  local pid
  pid=$(as_pg head -n 1 "$(realpath "$1")/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] &&
    # The id may be another program's by now: a postmaster works in its data folder.
    [ "$(as_pg readlink "/proc/$pid/cwd")" = "$(realpath "$1")" ] && echo "$pid"
}

# postmaster_stop DATA: stops that server, by its process id.
postmaster_stop() {
  local pid tries
  pid=$(postmaster_pid "$1") || return 0
  kill -INT "$pid"
  for tries in {1..150}; do
    [ -d "/proc/$pid" ] || return 0
    # After 20 s it is told to leave without tidying up.
    if [ "$tries" = 100 ]; then kill -QUIT "$pid"; fi
    sleep 0.2
  done
  die "the server with process id $pid does not stop"
}

# cluster_remove DIR: stops the cluster and deletes DIR.
cluster_remove() {
  [ -d "$1" ] || return 0
  cluster_stop "$1"
  # Only what cluster_start or cluster_dir made.
  if [ -f "$1/password" ] || [ -z "$(ls -A "$1")" ]; then rm -rf "$1"; fi
}

# free_port: a TCP port nobody listens on, below the range the kernel hands out.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
