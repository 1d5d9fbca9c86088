#!/usr/bin/env bash
# MySQL's protocol by MariaDB, with the database and the user of mysql.sql.
set -euo pipefail
# shellcheck source=examples/protocols/lib.sh
source ./lib.sh

start() {
  install -d -o mysql -g mysql /run/mysqld
  # The server reads it as user mysql.
  install -m 0600 -o mysql mysql.sql /run/mysqld/init.sql
  serve lab-mysql mariadbd --no-defaults --user=mysql --datadir=/var/lib/mysql --socket=/run/mysqld/mysqld.sock --bind-address=0.0.0.0 \
    --init-file=/run/mysqld/init.sql --skip-name-resolve --skip-log-bin --performance-schema=0
}

act "${1:-}" lab-mysql
