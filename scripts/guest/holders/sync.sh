#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# What two directors have in common, whoever decides which of them holds the VIPs: IPVS' connection sync, and what is said of it. Settings:
# LVS_HELD ("DEVICE=VIP/LENGTH ...": where the VIPs are while this one holds them), LVS_SYNC_ID (of the sync; empty: none), LVS_PEER (the other
# director), LVS_HA_SYSCTLS (KEY=VALUE a line). Needs declaredVips.sh; what a holder is, says director.sh.

readonly SYNC_DAEMONS=/usr/local/lib/lvs-dr/sync-daemons
# Seconds: net.ipv4.vs.sync_refresh_period, and what is under way.
readonly TOLD_WITHIN=12
TOLD_AT=0

HOLDER_SYSCTLS=()
# Of an empty text mapfile makes one entry.
[[ -z $LVS_HA_SYSCTLS ]] || mapfile -t HOLDER_SYSCTLS <<<"$LVS_HA_SYSCTLS"

# sync_daemons: the program that starts both of IPVS' sync daemons, which run on both directors for good.
sync_daemons() {
  # maxlen 1: an entry waits only for the next one, not until a packet is full.
  put "$SYNC_DAEMONS" 0755 <<SYNC || written $?
#!/bin/sh
[ -n "$LVS_SYNC_ID" ] || exit 0
now=\$(ipvsadm -L --daemon)
for role in master backup; do
  case \$now in *\$role*) ;; *) ipvsadm --start-daemon \$role --mcast-interface $LVS_IF --syncid $LVS_SYNC_ID --sync-maxlen 1 ;; esac
done
SYNC
}

# keep_addresses: networkd would take away what it was not told of.
keep_addresses() {
  if is_active systemd-networkd.service; then printf '[Network]\nKeepConfiguration=static\n' | declare_to_networkd "$LVS_IF" "$NETWORK_DROPIN"; fi
}

# vip_answers: the other director serves.
vip_answers() {
  local vip=${LVS_VIPS%%/*}
  if [[ $vip == *:* ]]; then ping -q -c 1 -W 1 "$vip"; else arping -q -c 1 -w 1 -I "$LVS_IF" "$vip"; fi >/dev/null 2>&1
}

# will_be_told: where the other one serves, it has connections to tell of.
will_be_told() { ! vip_answers || TOLD_AT=$((SECONDS + TOLD_WITHIN)); }

# peer_answers: the other director is there.
peer_answers() { arping -q -c 2 -w 2 -I "$LVS_IF" "$LVS_PEER" >/dev/null; }

# settle_vips: what this director had as the only one, and has left the configuration, goes: the manager knows nothing of it. And whoever moves the VIPs
# next may take it that a director which has just come up was told of every connection that talks.
settle_vips() {
  drop_vips "$LVS_IF" "$VIP_LABEL" "$LVS_VIPS"
  while [[ -n $LVS_SYNC_ID ]] && ((SECONDS < TOLD_AT)); do sleep 0.5; done
}

# release_pair: after the manager has ended.
release_pair() {
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

# check_pair STATE MANAGER UNIT: what is wrong with a director that its manager says is STATE (MASTER, BACKUP, FAULT; else it has not decided). Sets VRRP,
# the name under which the host knows that since keepalived alone had it, and SYNC for pair_details.
check_pair() {
  local pair vip expected=none
  VRRP=$1
  case $VRRP in
  MASTER)
    for pair in $LVS_HELD; do expect_vip "${pair%%=*}" "${pair#*=}"; done
    ;;
  BACKUP | FAULT)
    for pair in $LVS_HELD; do
      vip=${pair#*=}
      ! has_address "${pair%%=*}" "$vip" || problem vip-unexpected "${vip%/*}" "VIP $vip is on ${pair%%=*} of a director that $2 has made the standby"
    done
    ;;
  esac
  SYNC=$(sync_role)
  [[ -z $LVS_SYNC_ID ]] || expected=both
  [[ $SYNC == "$expected" ]] || problem sync-differs "$SYNC" "IPVS' connection sync runs as $SYNC, expected $expected: systemctl restart $3"
}

# pair_details SINCE: of a state, in seconds since 1970.
pair_details() {
  local pair held=yes
  for pair in $LVS_HELD; do has_address "${pair%%=*}" "${pair#*=}" || held=no; done
  printf 'vrrp=%s\nvrrpSince=%s\nholdsVip=%s\nsync=%s\n' "$VRRP" "$1" "$held" "$SYNC"
}
