#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# A real server's guard, a service of its own: withdraws the server from its health check while it is not fit to serve the VIP.
# Needs pages.sh, workloads.sh, and of realServer.sh what fit means, and what has still to leave.

readonly GUARD=lvs-dr-guard.service
readonly GUARD_AT_BOOT=/etc/tmpfiles.d/lvs-dr-guard.conf
# Seconds between two looks of the guard when nothing has changed, and while this server is withdrawn.
readonly GUARD_PERIOD=10 GUARD_PERIOD_UNFIT=1

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
  put "$GUARD_AT_BOOT" <<CONF || written $?
d /run/lvs-dr 0755 root root -
f! $UNFIT 0644 root root - booting: not judged yet
CONF
}

# refuse_checks: a workload knows nothing of $UNFIT: what comes for RIP at its ports, as health checks do, is refused for it. Clients come for
# the VIP.
refuse_checks() {
  local ports='' list place=0 name
  for name in ${LVS_WORKLOADS:-}; do
    ports+=" $(setting "$place" PORTS)"
    place=$((place + 1))
  done
  [[ -n ${ports// /} ]] || return 0
  # shellcheck disable=SC2086 # words
  printf -v list '%s,' $ports
  nft -f - <<NFT || log "the health checks of the workloads cannot be refused"
add table inet lvs_dr_unfit
delete table inet lvs_dr_unfit
table inet lvs_dr_unfit {
  chain input {
    type filter hook input priority 0
    ip daddr $LVS_RIP meta l4proto { tcp, udp } th dport { ${list%,} } reject${LVS_RIP6:+
    ip6 daddr $LVS_RIP6 meta l4proto { tcp, udp } th dport { ${list%,} } reject}
  }
}
NFT
}

answer_checks() {
  rm -f "$UNFIT"
  [[ -z ${LVS_WORKLOADS:-} ]] || nft delete table inet lvs_dr_unfit 2>/dev/null || true
}

# withdraw REASON: the health check is refused from now on.
withdraw() {
  local before=''
  [[ ! -e $UNFIT ]] || read -r before <"$UNFIT" || true
  [[ $before != "$1" ]] || return 0
  [[ -d ${UNFIT%/*} ]] || mkdir -p "${UNFIT%/*}"
  printf '%s\n' "$1" >"$UNFIT"
  refuse_checks
  log "withdrawn from its health check: $1"
}

# judge: withdraws this server or gives it back. A web server that is down is no reason: the check itself sees that, and
# the server would be back later than it need be.
judge() {
  local all
  PROBLEMS=()
  expect_quiet_vip
  if ((${#PROBLEMS[@]} == 0)); then
    [[ ! -e $UNFIT ]] || { answer_checks && log "its health check is answered again"; }
    return 0
  fi
  # While `lvs-dr start` is half-way through a change nothing can be judged; at its end it restarts the guard.
  flock -n /run/lvs-dr.lock true || return 0
  printf -v all '; %s' "${PROBLEMS[@]##*$'\t'}"
  withdraw "${all#; }"
}

# watch_changes KEY=VALUE...: prints a line at its start and whenever an address changes (the kernel reports it) or one of these
# sysctls does (nothing reports it, so they are read each second). One Perl process for both: a look costs it 0.3 ms without KVM,
# and bash 13 ms.
watch_changes() {
  local pair FILE files=()
  for pair in "$@"; do
    sysctl_file "${pair%%=*}"
    files+=("$FILE")
  done
  # shellcheck disable=SC2016 # Perl's own
  exec perl -e '
    $| = 1;
    # AF_NETLINK, SOCK_RAW, NETLINK_ROUTE; groups RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR. Without modules, which would cost memory and time.
    my $netlink;
    socket($netlink, 16, 3, 0) && bind($netlink, pack("SSLL", 16, 0, 0, 0x110)) or die "netlink: $!\n";
    my @sysctls = map { open(my $file, "<", $_) or die "$_: $!\n"; $file } @ARGV;
    my $before = "";
    while (1) {
      my $now = join " ", map { sysseek($_, 0, 0); sysread($_, my $value, 32); $value } @sysctls;
      my $readable = "";
      vec($readable, fileno($netlink), 1) = 1;
      my $waits = $now eq $before;
      my $told = select($readable, undef, undef, $waits ? 1 : 0) > 0;
      if ($told) {
        # One change is several messages. MSG_DONTWAIT; an overrun is an error, and a change like any other.
        select(undef, undef, undef, 0.05);
        1 while defined recv($netlink, my $message, 65536, 0x40);
      }
      print "changed\n" if $told or !$waits;
      $before = $now;
    }' "${files[@]}"
}

# role_guard: sleeps until something changes; a guest that idles costs its host nothing but that.
role_guard() {
  local changes period
  if by_arptables; then exec {changes}< <(watch_changes "${ARP_OPEN[@]}"); else exec {changes}< <(watch_changes "${ARP_QUIET[@]}"); fi
  # Nothing is judged before changes are watched.
  read -r -u "$changes" || die "the watch over addresses and sysctls has ended"
  while true; do
    judge
    [[ ! -e $LEAVING ]] || let_go
    period=$GUARD_PERIOD
    [[ ! -e $UNFIT ]] || period=$GUARD_PERIOD_UNFIT
    if read -r -t "$period" -u "$changes"; then
      unset ADDRESSES
    elif (($? <= 128)); then
      die "the watch over addresses and sysctls has ended"
    fi
  done
}
