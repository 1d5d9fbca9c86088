#!/usr/bin/env bash
# pages.sh VIP PORT REAL-SERVER PORT, as ldirectord and keepalived call it: 0 where the server has two pages, of which a check of theirs asks for
# one alone. It is ended after checktimeout.
set -euo pipefail

# page PATH: with the answer's head.
page() {
  exec 3<>"/dev/tcp/$server/$port"
  printf 'GET /%s HTTP/1.0\r\n\r\n' "$1" >&3
  cat <&3
}

server=$3 port=$4
[[ $(page test.html) == *$'\r\n\r\n'test* ]]
[[ $(page "") == *'<h1>'* ]]
