#!/usr/bin/env bash
# Checks the crates in Cargo.lock: licences, sources and versions (deny.toml), then known holes.
#
# Holes stand in the advisory database of RustSec, which is fetched with git and kept in
# target/audit. RUSTSEC_DB names a copy to use instead. Without the database nothing is known about
# holes: that is said, and is no failure, so that the tests also run where the network ends early.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly DENY=0.20.2 AUDIT=0.22.2
readonly DATABASE_URL=https://github.com/RustSec/advisory-db.git
readonly FETCH_SECONDS=60
readonly FOLDER="$PWD/target/audit"
# The version that is wanted may be installed already.
export PATH="$FOLDER/bin:$PATH"

# install NAME VERSION: nothing to do if it is there. Unoptimized: it is built longer than it runs.
install() {
  if [ "$("$1" --version 2>/dev/null)" != "$1 $2" ]; then
    CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$FOLDER/target" \
      cargo install --quiet --debug --locked --root "$FOLDER" --version "=$2" "$1"
  fi
}

# fetch: brings the database up to date, and prints why not. One from before is better than none.
fetch() {
  export GIT_TERMINAL_PROMPT=0
  if [ -d "$FOLDER/db/.git" ]; then
    timeout "$FETCH_SECONDS" git -C "$FOLDER/db" pull --quiet --ff-only 2>&1 \
      || echo "audit: the advisory database is as old as when it was last fetched"
  else
    rm -rf "$FOLDER/db"
    timeout "$FETCH_SECONDS" git clone --quiet --depth 1 "$DATABASE_URL" "$FOLDER/db" 2>&1
  fi
}

install cargo-deny "$DENY"
cargo-deny --locked --log-level error check --show-stats licenses bans sources

if [ -z "${RUSTSEC_DB:-}" ]; then
  said=$(fetch) || {
    echo "audit: KNOWN HOLES WERE NOT LOOKED FOR, and RUSTSEC_DB names no database: ${said##*$'\n'}"
    exit 0
  }
  [ -z "$said" ] || echo "$said"
fi
install cargo-audit "$AUDIT"
cargo-audit audit --db "${RUSTSEC_DB:-$FOLDER/db}" --no-fetch --stale
