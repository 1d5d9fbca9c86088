#!/usr/bin/env bash
# DNS by dnsmasq, over UDP and TCP: www.example.com, and a TXT record that names the real server.
set -euo pipefail
# shellcheck source=examples/protocols/lib.sh
source ./lib.sh

start() {
  serve lab-dns dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file \
    --host-record=www.example.com,192.0.2.1 --txt-record="whoami.example.com,$LVS_NODE"
}

act "${1:-}" lab-dns
