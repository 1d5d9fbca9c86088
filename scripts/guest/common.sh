#!/usr/bin/env bash
# Shared by the role scripts. The lab sends settings (LVS_*), this file and one role file as a single payload, which
# is installed in the guest as /usr/local/sbin/lvs-dr and run there: start | stop | status.
# `start` converges and then checks effects; it may run any number of times, also by hand and at every boot.
# Settings: LVS_ROLE, LVS_NODE, LVS_VIPS (space-separated), and those that the role names. A role defines ROLE_NEEDS
# (COMMAND:PACKAGE...), role_start, role_stop, role_check and maybe role_started (its units are known to systemd),
# role_details and role_guard (runs as a service of its own).
set -euo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

readonly SYSCTL_FILE=/etc/sysctl.d/90-lvs-dr.conf
# Why this server does not answer its health check; it does while the file is not there.
readonly UNFIT=/run/lvs-dr/unfit
PROBLEMS=()
UNITS_CHANGED=0

log() { printf 'lvs-dr: %s\n' "$*" >&2; }
die() {
  log "$*"
  exit 1
}
problem() { PROBLEMS+=("$*"); }

# need COMMAND:PACKAGE...: the image must hold them all; nothing is installed here. Names all that are missing.
need() {
  local pair missing=""
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=", '${pair%%:*}' (Debian package ${pair#*:})"
  done
  [[ -z $missing ]] || die "$LVS_NODE: the image lacks ${missing#, }"
}

# put FILE [MODE]: replaces FILE by stdin, atomically, only when it differs. Returns 0 if it changed.
put() {
  local file=$1 mode=${2:-0644} new
  mkdir -p "$(dirname "$file")"
  new=$(mktemp "$file.XXXXXX")
  cat >"$new"
  chmod "$mode" "$new"
  if [[ -e $file ]] && cmp -s "$new" "$file" && [[ $(stat -c %a "$file") == "${mode#0}" ]]; then
    rm -f "$new"
    return 1
  fi
  mv -f "$new" "$file"
}

# sysctls KEY=VALUE...: owns one drop-in and sets each value now. Without arguments the drop-in goes away.
sysctls() {
  local pair
  if (($# == 0)); then
    rm -f "$SYSCTL_FILE"
    return
  fi
  printf '%s\n' "$@" | put "$SYSCTL_FILE" || true
  for pair in "$@"; do
    sysctl -qw "$pair" || die "$LVS_NODE: cannot set sysctl $pair"
  done
}

# expect_sysctls KEY=VALUE...: a problem for each that the kernel does not hold. Read from /proc: each process that a
# guest without KVM starts costs it some 20 ms.
expect_sysctls() {
  local pair key seen
  for pair in "$@"; do
    key=${pair%%=*}
    seen=absent
    read -r seen 2>/dev/null <"/proc/sys/${key//.//}" || true
    [[ $seen == "${pair#*=}" ]] || problem "sysctl $key is $seen, meant ${pair#*=}"
  done
}

# has_address DEVICE ADDRESS/PREFIX
has_address() {
  ADDRESSES=${ADDRESSES-$(ip -4 -o addr show)}
  [[ $ADDRESSES =~ (^|$'\n')[0-9]+:\ +"$1"\ +inet\ +"$2"\  ]]
}

# vips_on DEVICE LABEL: the lab's VIPs /32 on DEVICE, none that it no longer names.
vips_on() {
  local device=$1 label=$2 vip old
  while read -r old; do
    [[ " $LVS_VIPS " == *" ${old%/*} "* ]] || ip addr del "$old" dev "$device"
  done < <(ip -4 -o addr show dev "$device" label "$label" | awk '{print $4}')
  for vip in $LVS_VIPS; do
    # An address with another prefix or label would stay beside ours.
    ip -4 -o addr show dev "$device" | awk '{print $4, $NF}' | grep -q "^$vip/32 " ||
      ip addr add "$vip/32" dev "$device" label "$label"
  done
}

expect_vips_on() {
  local device=$1 vip
  for vip in $LVS_VIPS; do
    has_address "$device" "$vip/32" || problem "VIP $vip/32 missing on $device"
  done
}

# expect_listening PORTS: something accepts TCP connections on each port.
expect_listening() {
  local port sockets
  sockets=$(ss -Hltn)
  for port in $1; do
    [[ $sockets =~ :$port\  ]] || problem "nothing listens on port $port"
  done
}

# unit NAME: writes a unit of ours from stdin; enabled, and known to systemd when `reload_units` has run. Links instead of
# `systemctl enable`, which has systemd read every unit again each time: 0.5 s without KVM.
unit() {
  if put "/etc/systemd/system/$1"; then UNITS_CHANGED=1; fi
  enabled "/etc/systemd/system/$1"
}

# enabled FILE: started at every boot.
enabled() {
  local wants=/etc/systemd/system/multi-user.target.wants
  [[ -e $wants/${1##*/} ]] && return
  mkdir -p "$wants"
  ln -sf "$1" "$wants/${1##*/}"
}

reload_units() {
  ((UNITS_CHANGED == 0)) || systemctl daemon-reload
  UNITS_CHANGED=0
}

# at_boot: this payload runs again at every boot.
at_boot() {
  unit lvs-dr.service <<'UNIT'
[Unit]
Description=This guest's part of the LVS Direct Routing lab
# Where NetworkManager or cloud-init sets the addresses, they are there only when the network is online.
After=network-online.target systemd-networkd.service systemd-sysctl.service systemd-modules-load.service
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lvs-dr start
TimeoutStartSec=300

[Install]
WantedBy=multi-user.target
UNIT
}

# serve_pages PORTS [RIP]: nginx with the pages below /srv/lvs-dr, on every address (the VIP among them) at PORTS. What
# comes for RIP itself, as health checks do, gets status 503 and the reason while $UNFIT is there.
serve_pages() {
  local port listens='' own='' pages changed=0 user=www-data
  # Red Hat's name for it.
  getent passwd "$user" >/dev/null || user=nginx
  for port in $1; do listens+="  listen $port;"$'\n'; done
  pages="    root /srv/lvs-dr;
    index index.html;
    add_header X-Real-Server $LVS_NODE always;
    add_header Cache-Control no-store always;
    include /etc/lvs-dr/nginx.d/*.conf;"
  if [[ -n ${2:-} ]]; then
    # A named location: others would come by the `if` again.
    own="
  server {
${listens//listen /listen $2:}$pages
    if (-f $UNFIT) { return 503; }
    error_page 503 @unfit;
    location @unfit {
      root ${UNFIT%/*};
      default_type text/plain;
      try_files /${UNFIT##*/} =503;
    }
  }"
  fi
  put /etc/nginx/nginx.conf <<CONF && changed=1
# Written by lvs-dr; the whole file is its own.
user $user;
worker_processes 1;
pid /run/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  types { text/html html; application/octet-stream bin; }
  default_type text/html;
  access_log off;
  server_tokens off;
  sendfile on;
  keepalive_timeout 15s;
  server {
$listens$pages
  }$own
}
CONF
  mkdir -p /etc/lvs-dr/nginx.d
  enabled /lib/systemd/system/nginx.service
  if ! systemctl is-active --quiet nginx.service; then
    systemctl restart nginx.service
  elif ((changed)); then
    nginx -tq && systemctl reload nginx.service
  fi
}

# report: what `status` ends with; one problem a line, exit 1 when there is any.
report() {
  local p
  for p in "${PROBLEMS[@]}"; do printf 'problem=%s\n' "$p"; done
  ((${#PROBLEMS[@]} == 0))
}

# dispatch ARGS: the last line of every role script.
dispatch() {
  local action=${1:-}
  if [[ $action != status && $action != guard ]]; then
    # A guest that boots runs this by itself while the lab may send it again.
    exec 9>/run/lvs-dr.lock
    flock -w 250 9 || die "$LVS_NODE: another 'lvs-dr' still runs after 250 s"
  fi
  case $action in
  start)
    # timeout(1) ends the whole group: say what was under way.
    # shellcheck disable=SC2154 # bash sets it
    trap 'die "$LVS_NODE: ended at the time limit, in: $BASH_COMMAND"' TERM
    # Before anything is changed.
    need ip:iproute2 sysctl:procps systemctl:systemd "${ROLE_NEEDS[@]}"
    at_boot
    role_start
    reload_units
    if declare -F role_started >/dev/null; then role_started; fi
    unset ADDRESSES
    role_check
    report >&2 || die "$LVS_NODE: not as meant after start"
    ;;
  stop)
    role_stop
    systemctl -q disable lvs-dr.service 2>/dev/null || true
    rm -f "$SYSCTL_FILE"
    ;;
  status)
    printf 'role=%s\nnode=%s\n' "$LVS_ROLE" "$LVS_NODE"
    role_check
    if declare -F role_details >/dev/null; then role_details; fi
    report
    ;;
  guard)
    declare -F role_guard >/dev/null || die "$LVS_NODE: a $LVS_ROLE needs no guard"
    role_guard
    ;;
  *)
    echo "usage: $(basename "$0") start|stop|status" >&2
    exit 2
    ;;
  esac
}
