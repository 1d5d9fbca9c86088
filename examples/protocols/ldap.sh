#!/usr/bin/env bash
# LDAP by slapd, with one entry that names the real server.
set -euo pipefail
# shellcheck source=examples/protocols/lib.sh
source ./lib.sh

start() {
  install -d -m 0700 /var/lib/lab-ldap
  cat >/etc/lab-slapd.conf <<CONF
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile /run/lab-slapd.pid
database mdb
maxsize 10485760
suffix "dc=example,dc=com"
directory /var/lib/lab-ldap
CONF
  [[ -e /var/lib/lab-ldap/data.mdb ]] || slapadd -f /etc/lab-slapd.conf <<LDIF
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: $LVS_NODE
LDIF
  serve lab-ldap slapd -d 0 -f /etc/lab-slapd.conf -h ldap://0.0.0.0:389/
}

act "${1:-}" lab-ldap
