#!/usr/bin/env bash
# Runs a command with SOHBET_TEST_PYTHON set to a Python that has tests/python/requirements.txt, in an
# environment of its own in the target folder. Installs Python first where it is missing and that is possible.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
requirements=$here/../python/requirements.txt
venv=$here/../../target/python

# Debian has both modules in a package of their own.
has_python() {
  python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 9))' 2>/dev/null
}

if ! has_python; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Python for the tests ..." >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
  fi
  has_python || {
    echo "The tests need Python 3.9 or newer with venv: sudo apt-get install python3-venv" >&2
    exit 3
  }
fi

# The copy is written last: it says that everything in it is installed. A Python that is gone or was
# replaced by another version does not find its packages.
if ! cmp -s "$requirements" "$venv/installed.txt" || ! "$venv/bin/python" -c 'import socketio' 2>/dev/null; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
    --requirement "$requirements"
  cp "$requirements" "$venv/installed.txt"
fi

SOHBET_TEST_PYTHON=$(cd "$venv" && pwd)/bin/python
export SOHBET_TEST_PYTHON
exec "$@"
