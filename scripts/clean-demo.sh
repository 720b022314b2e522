#!/usr/bin/env bash
# Stops and removes what scripts/demo.sh left running. It knows it by the note that the demo wrote, so
# nobody else's server is touched.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

note=$ROOT/.demo
if [ ! -f "$note" ]; then
  say "There is no demo to remove."
  exit
fi
dir=$(<"$note")
if [ -d "$dir" ] && ! is_root && [ ! -O "$dir" ]; then
  die "$dir belongs to $(stat -c %U "$dir"): run make clean-demo as the user who ran make demo"
fi
cluster_remove "$dir"
rm -f "$note"
say "The demo's server and its folder $dir are gone."
