#!/usr/bin/env bash
# FTP by vsftpd: anonymous, read-only. The data ports of passive mode are ports of the workload; vsftpd names the address that the client has
# connected to, which is the VIP for clients and the RIP for the director's check.
set -euo pipefail
# shellcheck source=examples/protocols/lib.sh
source ./lib.sh

start() {
  mkdir -p /srv/lab-ftp /run/vsftpd
  echo test >/srv/lab-ftp/test.html
  echo "$LVS_NODE" >/srv/lab-ftp/whoami
  cat >/etc/lab-vsftpd.conf <<CONF
listen=YES
background=NO
anonymous_enable=YES
no_anon_password=YES
anon_root=/srv/lab-ftp
secure_chroot_dir=/run/vsftpd
seccomp_sandbox=NO
pasv_min_port=30000
pasv_max_port=30009
CONF
  serve lab-ftp vsftpd /etc/lab-vsftpd.conf
}

act "${1:-}" lab-ftp
