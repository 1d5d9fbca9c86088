#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# One of two directors holds the VIPs: keepalived decides which, by VRRP. Settings: LVS_HELD ("DEVICE=VIP/LENGTH ...": the NIC, or a device
# that has a virtual MAC), and those of sync.sh. Needs declaredVips.sh, keepalived.sh and sync.sh; what a holder is, says director.sh.

readonly VRRP_NOTIFY=/usr/local/lib/lvs-dr/vrrp-notify
# Its state as it says it itself, and since when: "MASTER 1764381600.123456".
readonly VRRP_STATE=/run/lvs-dr/vrrp

HOLDER_NEEDS=(keepalived:keepalived arping:iputils-arping)

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
  sync_daemons
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

hold_vips() {
  local deadline=$((SECONDS + 15))
  keep "$KEEPALIVED_CONF" "$KEEPALIVED_WANTED"
  vrrp_unit
  keep_addresses
  reload_units
  is_active "$KEEPALIVED" || will_be_told
  keepalived_daemon
  "$SYNC_DAEMONS"
  # It begins in FAULT, until it has reached the router twice.
  until [[ $(vrrp_state) == [MB]* ]] || ((SECONDS >= deadline)); do sleep 0.2; done
}

# yield_vips: before a change of this director. The other one, if it is there, has been changed before.
yield_vips() {
  local deadline=$((SECONDS + 10))
  [[ $(vrrp_state) == MASTER ]] && peer_answers || return 0
  log "$LVS_NODE: the other director takes the VIPs over"
  systemctl restart "$KEEPALIVED"
  until [[ $(vrrp_state) == [MB]* ]] || ((SECONDS >= deadline)); do sleep 0.2; done
}

# release_vips: the other director takes over.
release_vips() {
  keepalived_ends
  release_pair
}

check_vips() {
  expect_active "$KEEPALIVED"
  holds "$KEEPALIVED_CONF" "$KEEPALIVED_WANTED" || problem file-differs "$KEEPALIVED_CONF" "$KEEPALIVED_CONF is not the lab's"
  check_pair "$(vrrp_state)" keepalived "$KEEPALIVED"
  case $VRRP in
  MASTER | BACKUP) ;;
  FAULT) problem director-fault "" "could not take over: it does not reach the router, or its NIC is down (keepalived: FAULT)" ;;
  *) problem director-fault "" "could not take over: keepalived has not decided yet" ;;
  esac
}

holder_details() {
  local since=''
  read -r _ since 2>/dev/null <"$VRRP_STATE" || true
  pair_details "$since"
}
