#!/usr/bin/env bash
# PostgreSQL, with a user `check`, whose password is `secret`.
set -euo pipefail
# shellcheck source=examples/protocols/lib.sh
source ./lib.sh

DATA=/var/lib/lab-pgsql
AS=(setpriv --reuid=postgres --regid=postgres --clear-groups)

start() {
  local programs=(/usr/lib/postgresql/*/bin)
  if [[ ! -e $DATA/ready ]]; then
    rm -rf "$DATA"
    install -d -m 0700 -o postgres -g postgres "$DATA"
    cd "$DATA"
    "${AS[@]}" "${programs[0]}/initdb" -D "$DATA" --no-sync --auth=scram-sha-256 --pwfile=/etc/hostname >/dev/null
    echo "CREATE ROLE \"check\" LOGIN PASSWORD 'secret';" | "${AS[@]}" "${programs[0]}/postgres" --single -D "$DATA" postgres >/dev/null
    echo 'host all all all scram-sha-256' >"$DATA/pg_hba.conf"
    echo "lab.node = '$LVS_NODE'" >>"$DATA/postgresql.conf"
    sync -f "$DATA"
    : >"$DATA/ready"
  fi
  serve lab-pgsql "${AS[@]}" "${programs[0]}/postgres" -D "$DATA" -c listen_addresses='*' -c unix_socket_directories=
}

act "${1:-}" lab-pgsql
