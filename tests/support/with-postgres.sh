#!/usr/bin/env bash
# Runs a command with TEST_DATABASE_URL set to a private PostgreSQL cluster, and stops the cluster
# afterwards. Installs PostgreSQL first where it is missing and that is possible.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

has_postgres() {
  command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

if ! has_postgres; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing PostgreSQL for the tests ..." >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
  fi
  has_postgres || {
    echo "The tests need PostgreSQL: install the package 'postgresql' (sudo apt-get install postgresql)." >&2
    exit 3
  }
fi

# The cluster stops when its stdin closes, which happens at the latest when this script ends.
coproc CLUSTER { exec "$here/postgres.sh"; }
read -r TEST_DATABASE_URL <&"${CLUSTER[0]}" || {
  echo "PostgreSQL did not start." >&2
  exit 3
}
export TEST_DATABASE_URL
cluster=$CLUSTER_PID

status=0
"$@" || status=$?

eval "exec ${CLUSTER[1]}>&-"
wait "$cluster" || true
exit "$status"
