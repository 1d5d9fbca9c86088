#!/usr/bin/env bash
# POP and IMAP, with and without TLS, by dovecot: one mailbox for any user, with the password `secret`.
set -euo pipefail
# shellcheck source=examples/protocols/lib.sh
source ./lib.sh

start() {
  install -d -o nobody -g nogroup /var/lib/lab-mailbox
  install -d /etc/lab-dovecot
  cat >/etc/lab-dovecot/dovecot.conf <<CONF
protocols = pop3 imap
listen = 0.0.0.0
base_dir = /run/lab-dovecot
log_path = /dev/stderr
login_greeting = $LVS_NODE ready
ssl = yes
ssl_cert = <$LVS_TLS_CERTIFICATE
ssl_key = <$LVS_TLS_KEY
disable_plaintext_auth = no
mail_location = maildir:/var/lib/lab-mailbox
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=/tmp
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
CONF
  serve lab-mailbox dovecot -F -c /etc/lab-dovecot/dovecot.conf
}

act "${1:-}" lab-mailbox
