#!/usr/bin/env bash
# Runs a command on a machine that has nginx. Installs it first where it is missing and that is possible.
# No nginx is left running: the test that wants one starts its own.
set -euo pipefail
source "$(dirname "$0")/install.sh"

# Debian keeps it where only root looks.
PATH=$PATH:/usr/sbin

if ! command -v nginx >/dev/null; then
  if can_install; then
    echo "Installing nginx for the tests ..." >&2
    install_quietly nginx
  fi
  command -v nginx >/dev/null || {
    echo "The tests need nginx: install the package 'nginx' (sudo apt-get install nginx)." >&2
    exit 3
  }
fi

exec "$@"
