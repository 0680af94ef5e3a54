#!/usr/bin/env bash
# Runs a command with TMPDIR in memory, where there is room: thousands of databases are made and thrown away, and a
# commit costs nothing there. What a disk is needed for, the harness of faults tries on one (tests/torture).
set -euo pipefail
memory=/dev/shm
kib_needed=$((2 * 1024 * 1024))

if [ ! -w "$memory" ] || [ "$(df --output=avail -k "$memory" | tail -n 1)" -lt "$kib_needed" ]; then
  exec "$@"
fi
TMPDIR=$(mktemp -d "$memory/sohbet-tests.XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
# PostgreSQL works in it as a user of its own.
chmod 1777 "$TMPDIR"
"$@"
