#!/usr/bin/env bash
# A private, throw-away PostgreSQL cluster for the length of a test run.
#
#   postgres.sh [--fast]
#
# Prints one line, the URL of the running cluster, then waits until its standard input ends (so it goes when its
# parent goes), stops the cluster and removes its directory. --fast turns durability off: for tests that never
# kill the database itself. From a shell:
#
#   coproc PG { tests/support/postgres.sh --fast; }
#   read -r TEST_DATABASE_URL <&"${PG[0]}"
#
# Exit codes: 0 input ended, 1 the cluster did not start or died, 3 PostgreSQL is not installed.
set -euo pipefail

settings=()
case "${1-}" in
  --fast) settings=(-c fsync=off -c synchronous_commit=off -c full_page_writes=off) ;;
  "") ;;
  *) echo "usage: postgres.sh [--fast]" >&2; exit 2 ;;
esac

# Debian keeps the server binaries outside PATH, one directory a version; the newest wins.
initdb=$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1) || true
bin=$(dirname "$(readlink -f "$initdb")")
if [ ! -x "$bin/initdb" ] || [ ! -x "$bin/postgres" ]; then
  echo "postgres.sh: PostgreSQL is not installed. On Debian: apt-get install postgresql" >&2
  exit 3
fi

# PostgreSQL refuses to run as root. The death signal covers even a SIGKILL of this script: QUIT is "immediate" stop.
run=(env)
command -v setpriv >/dev/null && run=(setpriv --pdeathsig QUIT)
if [ "$(id -u)" = 0 ]; then
  if [ "${run[0]}" = setpriv ]; then
    run+=(--reuid postgres --regid postgres --init-groups)
  else
    run=(runuser -u postgres --)
  fi
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/sohbet-postgres.XXXXXX")
child=
stop() {
  trap '' INT TERM HUP
  # The postmaster writes its own id there: the child may be a wrapper around it.
  [ ! -s "$dir/data/postmaster.pid" ] || kill -QUIT "$(head -n 1 "$dir/data/postmaster.pid")" 2>/dev/null || true
  [ -z "$child" ] || wait "$child" 2>/dev/null || true
  rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
  echo "postgres.sh: $1" >&2
  tail -n 20 "$dir/log" >&2
  exit 1
}

[ "$(id -u)" != 0 ] || chown postgres "$dir"
cd "$dir"
"${run[@]}" "$bin/initdb" --pgdata "$dir/data" --username postgres --auth trust --encoding UTF8 --locale C.UTF-8 \
  --no-sync >"$dir/log" 2>&1 </dev/null || fail "initdb failed"

# Ports below the range from which the kernel hands out ports by itself; another one when somebody has it already.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  port=$((20000 + RANDOM % 12000))
  "${run[@]}" "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c max_connections=300 "${settings[@]}" >"$dir/log" 2>&1 </dev/null &
  child=$!
  # Line 8 of the file is the postmaster's own word that it accepts connections.
  until [ "$(sed -n 's/ *$//;8p' "$dir/data/postmaster.pid" 2>/dev/null)" = ready ]; do
    kill -0 "$child" 2>/dev/null || break
    sleep 0.05
  done
  kill -0 "$child" 2>/dev/null && break
  wait "$child" || true
  child=
done
[ -n "$child" ] || fail "the server did not start"

echo "postgres://postgres@127.0.0.1:$port/postgres"
exec >&-

# `read` is a builtin, so a signal's trap runs at once; the second limit notices a cluster that died by itself.
while true; do
  code=0
  read -r -t 2 _ || code=$?
  if [ "$code" -ne 0 ] && [ "$code" -le 128 ]; then exit 0; fi
  kill -0 "$child" 2>/dev/null || fail "the server died"
done
