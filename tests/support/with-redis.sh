#!/usr/bin/env bash
# Runs a command on a machine that has redis-server (or Valkey). Installs it first where it is missing and
# that is possible. No Redis is left running: the torture harness starts its own.
set -euo pipefail
source "$(dirname "$0")/install.sh"

has_redis() {
  command -v redis-server >/dev/null || command -v valkey-server >/dev/null
}

if ! has_redis; then
  if can_install; then
    echo "Installing Redis for the tests ..." >&2
    install_quietly redis-server
  fi
  has_redis || {
    echo "The tests need Redis: install the package 'redis-server' (sudo apt-get install redis-server)." >&2
    exit 3
  }
fi

exec "$@"
