#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154
# A real server: pages by nginx, the VIP /32 on lo so that replies leave with the VIP as source, and one of three ways
# of keeping quiet when someone asks who has the VIP. The way is in force before the address is.
# Settings: LVS_IF, LVS_RIP, LVS_PORTS, LVS_ARP_STRATEGY (sysctl | arptables | static), LVS_INDEX_PAGE, LVS_TEST_PAGE.

ARP_QUIET=(net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.lo.arp_ignore=1
  net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.lo.arp_announce=2)
ARP_OPEN=(net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.lo.arp_ignore=0
  net.ipv4.conf.all.arp_announce=0 net.ipv4.conf.lo.arp_announce=0)

by_arptables() { [[ $LVS_ARP_STRATEGY != sysctl ]]; }

readonly GUARD=lvs-dr-guard.service
readonly GUARD_AT_BOOT=/etc/tmpfiles.d/lvs-dr-guard.conf
# Seconds between two looks at the sysctls; every how many looks all else is looked at, though no change was told.
readonly GUARD_PERIOD=1 GUARD_ROUNDS=10

ROLE_NEEDS=(nginx:nginx-light)
if by_arptables; then ROLE_NEEDS+=(arptables:arptables); fi

# arp_rules: the rules meant, one a line, as `arptables -S`-like arguments (chain first).
arp_rules() {
  local vip
  for vip in $LVS_VIPS; do
    echo "LVS-DR-IN -d $vip -j DROP"
    echo "LVS-DR-OUT -s $vip -j mangle --mangle-ip-s $LVS_RIP"
  done
}

arptables_off() {
  local pair
  command -v arptables >/dev/null || return 0
  for pair in INPUT:LVS-DR-IN OUTPUT:LVS-DR-OUT; do
    arptables -D "${pair%%:*}" -j "${pair#*:}" 2>/dev/null || true
    arptables -F "${pair#*:}" 2>/dev/null || true
    arptables -X "${pair#*:}" 2>/dev/null || true
  done
}

arptables_on() {
  local pair rule
  for pair in INPUT:LVS-DR-IN OUTPUT:LVS-DR-OUT; do
    arptables -N "${pair#*:}" 2>/dev/null || arptables -F "${pair#*:}"
    arptables -C "${pair%%:*}" -j "${pair#*:}" 2>/dev/null ||
      { arptables -D "${pair%%:*}" -j "${pair#*:}" 2>/dev/null || true; arptables -A "${pair%%:*}" -j "${pair#*:}"; }
  done
  while read -r rule; do
    # shellcheck disable=SC2086 # a rule is several words
    arptables -A $rule
  done < <(arp_rules)
}

expect_arp_sysctls() { if by_arptables; then expect_sysctls "${ARP_OPEN[@]}"; else expect_sysctls "${ARP_QUIET[@]}"; fi; }

guard_installed() {
  unit "$GUARD" <<UNIT
[Unit]
Description=Withdraws this real server from its health check while it is not fit to serve the VIP
# At boot the VIP comes first.
After=lvs-dr.service
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/local/sbin/lvs-dr guard
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
UNIT
  # nginx is up earlier than the VIP: until the guard has judged, the check is refused.
  put "$GUARD_AT_BOOT" <<CONF || true
d /run/lvs-dr 0755 root root -
f! $UNFIT 0644 root root - booting: not judged yet
CONF
}

# withdraw REASON: the health check is refused from now on.
withdraw() {
  local before=''
  [[ ! -e $UNFIT ]] || read -r before <"$UNFIT" || true
  [[ $before != "$1" ]] || return 0
  [[ -d ${UNFIT%/*} ]] || mkdir -p "${UNFIT%/*}"
  printf '%s\n' "$1" >"$UNFIT"
  log "withdrawn from its health check: $1"
}

# judge: withdraws this server or gives it back. A web server that is down is no reason: the check itself sees that, and
# the server would be back later than it need be.
judge() {
  local all
  PROBLEMS=()
  unset ADDRESSES
  expect_quiet_vip
  if ((${#PROBLEMS[@]} == 0)); then
    [[ ! -e $UNFIT ]] || { rm -f "$UNFIT" && log "its health check is answered again"; }
    return 0
  fi
  # While `lvs-dr start` is half-way through a change nothing can be judged; at its end it restarts the guard.
  flock -n /run/lvs-dr.lock true || return 0
  printf -v all '; %s' "${PROBLEMS[@]}"
  withdraw "${all#; }"
}

# role_guard: told of addresses by the kernel, reads the sysctls itself: a round starts no process.
role_guard() {
  local changes rounds=0
  exec {changes}< <(exec ip -4 monitor address)
  while true; do
    PROBLEMS=()
    expect_arp_sysctls
    if ((--rounds <= 0 || ${#PROBLEMS[@]} > 0)) || [[ -e $UNFIT ]]; then
      judge
      rounds=$GUARD_ROUNDS
    fi
    if read -r -t "$GUARD_PERIOD" -u "$changes"; then
      # One change is several lines.
      while read -r -t 0.05 -u "$changes"; do :; done
      rounds=0
    elif (($? <= 128)); then
      die "ip monitor has ended"
    fi
  done
}

role_start() {
  printf '%s' "$LVS_INDEX_PAGE" | put /srv/lvs-dr/index.html || true
  printf '%s' "$LVS_TEST_PAGE" | put /srv/lvs-dr/test.html || true
  serve_pages "$LVS_PORTS" "$LVS_RIP"
  guard_installed
  # When the way changes, the new one is in force before the old one goes.
  if by_arptables; then
    arptables_on
    vips_on lo lo:vip
    sysctls "${ARP_OPEN[@]}"
  else
    sysctls "${ARP_QUIET[@]}"
    vips_on lo lo:vip
    arptables_off
  fi
}

# Not waited for: at boot the guard comes after the unit that this runs in.
role_started() { systemctl -q --no-block restart "$GUARD"; }

role_stop() {
  local vip
  systemctl -q disable --now "$GUARD" 2>/dev/null || true
  rm -f "/etc/systemd/system/$GUARD" "$GUARD_AT_BOOT"
  # The next `start` ends that.
  withdraw "lvs-dr is stopped here"
  for vip in $LVS_VIPS; do ip addr del "$vip/32" dev lo 2>/dev/null || true; done
  arptables_off
  sysctl -qw "${ARP_OPEN[@]}"
}

# expect_quiet_vip: this server accepts what the director passes on, and says nothing about the VIP.
expect_quiet_vip() {
  local vip
  expect_vips_on lo
  expect_arp_sysctls
  by_arptables || return 0
  for vip in $LVS_VIPS; do
    arptables -n -L LVS-DR-IN 2>/dev/null | grep -qE "DROP.*-d $vip( |\$)|-d $vip .*-j DROP|-j DROP -d $vip" ||
      problem "arptables does not drop requests for $vip"
    arptables -n -L LVS-DR-OUT 2>/dev/null | grep -q -- "--mangle-ip-s $LVS_RIP" ||
      problem "arptables does not rewrite the source of ARP from $vip"
  done
  arptables -n -L INPUT 2>/dev/null | grep -q LVS-DR-IN || problem "arptables chain LVS-DR-IN is not hooked"
}

role_check() {
  expect_quiet_vip
  expect_listening "$LVS_PORTS"
}

role_details() {
  local reason
  # Its control group, where there is one: systemctl costs a guest without KVM more.
  read -r 2>/dev/null <"/sys/fs/cgroup/system.slice/$GUARD/cgroup.procs" || systemctl -q is-active "$GUARD" ||
    problem "unit $GUARD does not run"
  if read -r reason 2>/dev/null <"$UNFIT"; then problem "withdrawn from its health check: $reason"; fi
}

dispatch "$@"
