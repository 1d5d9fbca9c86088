#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# One of two directors holds the VIPs: keepalived decides which, by VRRP. Settings: LVS_HELD ("DEVICE=VIP/LENGTH ...": the NIC, or a device
# that has a virtual MAC), LVS_SYNC_ID (of IPVS' connection sync; empty: none), LVS_PEER, LVS_HA_SYSCTLS (KEY=VALUE a line). Needs declaredVips.sh and keepalived.sh; what a holder is, says director.sh.

readonly SYNC_DAEMONS=/usr/local/lib/lvs-dr/sync-daemons
readonly VRRP_NOTIFY=/usr/local/lib/lvs-dr/vrrp-notify
# Its state as it says it itself, and since when: "MASTER 1764381600.123456".
readonly VRRP_STATE=/run/lvs-dr/vrrp
# Seconds: net.ipv4.vs.sync_refresh_period, and what is under way.
readonly TOLD_WITHIN=12
TOLD_AT=0

HOLDER_NEEDS=(keepalived:keepalived arping:iputils-arping)
HOLDER_SYSCTLS=()
# Of an empty text mapfile makes one entry.
[[ -z $LVS_HA_SYSCTLS ]] || mapfile -t HOLDER_SYSCTLS <<<"$LVS_HA_SYSCTLS"

holder_validate() { keepalived_reads; }

# A keepalived that is killed leaves VIPs and virtual MAC behind, while the other director takes over:
# they are removed before the next one starts. Both of IPVS' sync daemons run on both directors for good. keepalived's own lvs_sync_daemon
# would start and stop them at each change, and hang for ever, the VIP with it, where it stops one that has not run yet (kthread_stop gives
# EINTR, on which libnl waits for another answer): at the first advert that comes late.
vrrp_unit() {
  local pair clean=''
  for pair in $LVS_HELD; do
    if [[ $pair == "$LVS_IF="* ]]; then clean+="ip addr del ${pair#*=} dev $LVS_IF; "; else clean+="ip link del ${pair%%=*}; "; fi
  done
  # maxlen 1: an entry waits only for the next one, not until a packet is full.
  put "$SYNC_DAEMONS" 0755 <<SYNC || written $?
#!/bin/sh
[ -n "$LVS_SYNC_ID" ] || exit 0
now=\$(ipvsadm -L --daemon)
for role in master backup; do
  case \$now in *\$role*) ;; *) ipvsadm --start-daemon \$role --mcast-interface $LVS_IF --syncid $LVS_SYNC_ID --sync-maxlen 1 ;; esac
done
SYNC
  put "$VRRP_NOTIFY" 0755 <<'NOTIFY' || written $?
#!/bin/bash
# Started by keepalived with its FIFO: what was said last is its state. (Notify scripts may overtake each other.)
while read -r _ _ state _; do
  case $state in MASTER | BACKUP | FAULT) printf '%s %s\n' "$state" "$EPOCHREALTIME" >/run/lvs-dr/vrrp ;; esac
done <"$1"
NOTIFY
  keepalived_unit "sysctl -q -p $SYSCTL_FILE && $SYNC_DAEMONS" "/bin/sh -c 'exec 2>/dev/null; ${clean}rm -f $VRRP_STATE'"
}

# vrrp_state: MASTER, BACKUP or FAULT; nothing while it has not decided.
vrrp_state() {
  local state=''
  read -r state _ 2>/dev/null <"$VRRP_STATE" || true
  echo "$state"
}

# vip_answers: the other director serves.
vip_answers() {
  local vip=${LVS_VIPS%%/*}
  if [[ $vip == *:* ]]; then ping -q -c 1 -W 1 "$vip"; else arping -q -c 1 -w 1 -I "$LVS_IF" "$vip"; fi >/dev/null 2>&1
}

hold_vips() {
  local deadline=$((SECONDS + 15))
  keep "$KEEPALIVED_CONF" "$KEEPALIVED_WANTED"
  vrrp_unit
  # networkd would take away what it was not told of.
  if is_active systemd-networkd.service; then printf '[Network]\nKeepConfiguration=static\n' | declare_to_networkd "$LVS_IF" "$NETWORK_DROPIN"; fi
  reload_units
  # Where the other one serves, it has connections to tell of.
  is_active "$KEEPALIVED" || ! vip_answers || TOLD_AT=$((SECONDS + TOLD_WITHIN))
  keepalived_daemon
  "$SYNC_DAEMONS"
  # It begins in FAULT, until it has reached the router twice.
  until [[ $(vrrp_state) == [MB]* ]] || ((SECONDS >= deadline)); do sleep 0.2; done
}

# settle_vips: what this director had as the only one, and has left the configuration, goes; keepalived knows nothing of it. And whoever moves the VIPs next
# may take it that a director which has just come up was told of every connection that talks.
settle_vips() {
  drop_vips "$LVS_IF" "$VIP_LABEL" "$LVS_VIPS"
  while [[ -n $LVS_SYNC_ID ]] && ((SECONDS < TOLD_AT)); do sleep 0.5; done
}

# yield_vips: before a change of this director. The other one, if it is there, has been changed before.
yield_vips() {
  local deadline=$((SECONDS + 10))
  [[ $(vrrp_state) == MASTER ]] && arping -q -c 2 -w 2 -I "$LVS_IF" "$LVS_PEER" >/dev/null || return 0
  log "$LVS_NODE: the other director takes the VIPs over"
  systemctl restart "$KEEPALIVED"
  until [[ $(vrrp_state) == [MB]* ]] || ((SECONDS >= deadline)); do sleep 0.2; done
}

# release_vips: the other director takes over.
release_vips() {
  keepalived_ends
  rm -f /etc/systemd/network/*.network.d/"$NETWORK_DROPIN"
  ipvsadm --stop-daemon master 2>/dev/null || true
  ipvsadm --stop-daemon backup 2>/dev/null || true
}

# sync_role: master | backup | both | none, of IPVS' connection sync.
sync_role() {
  local text
  text=$(ipvsadm -L --daemon)
  case "$text" in
  *master*backup* | *backup*master*) echo both ;;
  *master*) echo master ;;
  *backup*) echo backup ;;
  *) echo none ;;
  esac
}

# check_vips: sets VRRP and SYNC for holder_details.
check_vips() {
  local pair vip expected=none
  expect_active "$KEEPALIVED"
  holds "$KEEPALIVED_CONF" "$KEEPALIVED_WANTED" || problem file-differs "$KEEPALIVED_CONF" "$KEEPALIVED_CONF is not the lab's"
  VRRP=$(vrrp_state)
  case $VRRP in
  MASTER)
    for pair in $LVS_HELD; do expect_vip "${pair%%=*}" "${pair#*=}"; done
    ;;
  BACKUP | FAULT)
    for pair in $LVS_HELD; do
      vip=${pair#*=}
      ! has_address "${pair%%=*}" "$vip" || problem vip-unexpected "${vip%/*}" "VIP $vip is on ${pair%%=*} of a director that keepalived has made the standby"
    done
    ;;
  esac
  case $VRRP in
  MASTER | BACKUP) ;;
  FAULT) problem director-fault "" "could not take over: it does not reach the router, or its NIC is down (keepalived: FAULT)" ;;
  *) problem director-fault "" "could not take over: keepalived has not decided yet" ;;
  esac
  SYNC=$(sync_role)
  [[ -z $LVS_SYNC_ID ]] || expected=both
  [[ $SYNC == "$expected" ]] || problem sync-differs "$SYNC" "IPVS' connection sync runs as $SYNC, expected $expected: systemctl restart $KEEPALIVED"
}

holder_details() {
  local pair held=yes since=''
  read -r _ since 2>/dev/null <"$VRRP_STATE" || true
  for pair in $LVS_HELD; do has_address "${pair%%=*}" "${pair#*=}" || held=no; done
  printf 'vrrp=%s\nvrrpSince=%s\nholdsVip=%s\nsync=%s\n' "$VRRP" "$since" "$held" "$SYNC"
}
