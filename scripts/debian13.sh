# shellcheck shell=bash
# PostgreSQL 17 where Debian has none: Debian 13 in a folder, entered with chroot. Sourced after lib.sh.
#
# The mounts and the processes live in namespaces of their own, which end with the command: nothing
# can be left behind, however it ends.

DEBIAN13=$TENANT_GUARD_HOME/debian13

# debian13_impossible: prints why such a folder cannot be had, and fails if it can.
debian13_impossible() {
  local rust
  rust=$(rustc --print sysroot)
  if ! is_root; then echo "it needs root (a Debian 13 folder to chroot into)"
  elif ! unshare --mount --pid --fork true 2>/dev/null; then echo "this machine does not allow mount namespaces"
  elif [ ! -x "$rust/bin/cargo" ] || [ "$rust" = /usr ]; then echo "it needs a Rust toolchain from rustup"
  else return 1
  fi
}

# debian13_make: makes the folder unless it is there.
debian13_make() {
  [ -d "$DEBIAN13" ] && return
  # Built beside and renamed last, so that a broken download is not taken for a whole one.
  rm -rf --one-file-system "$DEBIAN13.new"
  step "unpacking Debian 13" debootstrap --variant=minbase trixie "$DEBIAN13.new" || return 1
  # No cluster of its own, no service started.
  mkdir -p "$DEBIAN13.new/etc/postgresql-common"
  echo 'create_main_cluster = false' >"$DEBIAN13.new/etc/postgresql-common/createcluster.conf"
  printf '#!/bin/sh\nexit 101\n' >"$DEBIAN13.new/usr/sbin/policy-rc.d"
  chmod +x "$DEBIAN13.new/usr/sbin/policy-rc.d"
  DEBIAN13=$DEBIAN13.new step "installing PostgreSQL 17 in it" debian13_run /src/scripts/setup.sh 17 || return 1
  mv "$DEBIAN13.new" "$DEBIAN13"
}

# debian13_run COMMAND...: runs it in the folder as root. The repository is at /src, cargo's home at
# /cargo, the Rust toolchain at /rust, our cargo-pgrx at /pgrx; built files stay in the folder.
debian13_run() (
  # Thrown away with all that a killed process leaves in it.
  tmp=$(mktemp -d)
  trap 'rm -rf --one-file-system "$tmp"' EXIT
  chmod 1777 "$tmp"
  cp -L /etc/resolv.conf "$DEBIAN13/etc/resolv.conf"
  mkdir -p "$DEBIAN13"/{src,cargo,rust,pgrx,var/cache/tenant_guard}
  # shellcheck disable=SC2016 # the inner shell expands it
  unshare --mount --pid --fork --kill-child --propagation private bash -euo pipefail -c '
    root=$1 src=$2 cargo=$3 rust=$4 pgrx=$5 tmp=$6
    shift 6
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount --bind "$tmp" "$root/tmp"
    # Writable: build.rs writes generated SQL into it.
    mount --bind "$src" "$root/src"
    mount --bind "$cargo" "$root/cargo"
    mount --bind -o ro "$rust" "$root/rust"
    mount --bind -o ro "$pgrx" "$root/pgrx"
    # Process 1 of a namespace hears only the signals that it has a handler for; its end ends them all.
    trap "exit 143" INT TERM
    chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
      PATH=/rust/bin:/pgrx:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      CARGO_HOME=/cargo CARGO_NET_OFFLINE=true CARGO_TARGET_DIR=/var/cache/tenant_guard/target \
      TENANT_GUARD_HOME=/var/cache/tenant_guard "$@" &
    wait $!
  ' debian13 "$DEBIAN13" "$ROOT" "${CARGO_HOME:-$HOME/.cargo}" "$(rustc --print sysroot)" \
    "$(dirname "$(command -v cargo-pgrx)")" "$tmp" "$@"
)
