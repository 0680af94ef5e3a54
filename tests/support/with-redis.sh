#!/usr/bin/env bash
# Runs a command on a machine that has redis-server (or Valkey). Installs it first where it is missing and
# that is possible. No Redis is left running: the torture harness starts its own.
set -euo pipefail

has_redis() {
  command -v redis-server >/dev/null || command -v valkey-server >/dev/null
}

# The package would start a service. This file is how Debian is told not to.
install_quietly() {
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    made=1
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  local status=0
  apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server >/dev/null || status=$?
  [ -z "$made" ] || rm -f "$policy"
  return "$status"
}

if ! has_redis; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Redis for the tests ..." >&2
    install_quietly
  fi
  has_redis || {
    echo "The tests need Redis: install the package 'redis-server' (sudo apt-get install redis-server)." >&2
    exit 3
  }
fi

exec "$@"
