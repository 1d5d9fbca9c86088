#!/usr/bin/env bash
# SMTP and submission by exim: takes every mail, into one file.
set -euo pipefail
# shellcheck source=examples/protocols/lib.sh
source ./lib.sh

start() {
  install -d -o Debian-exim -g Debian-exim /var/spool/lab-smtp
  cat >/etc/exim4/exim4.conf <<CONF
primary_hostname = $LVS_NODE.lab.internal
daemon_smtp_ports = 25 : 587
local_interfaces = 0.0.0.0
spool_directory = /var/spool/lab-smtp
pid_file_path = /run/lab-smtp.pid
rfc1413_query_timeout = 0s
host_lookup =
acl_smtp_rcpt = everyone
begin acl
everyone:
  accept
begin routers
all:
  driver = accept
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  file = /var/spool/lab-smtp/mailbox
  user = Debian-exim
CONF
  serve lab-smtp exim4 -bdf -q30m
}

act "${1:-}" lab-smtp
