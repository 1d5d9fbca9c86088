#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The router: forwards between the client network and the two subnets of the server segment, and finds the VIP by ARP
# through its address in the VIP's subnet. With arpStrategy `static` it binds each VIP to the director's MAC instead.
# Settings: LVS_SERVER_IF, LVS_ADDRESSES ("dev=address/prefix ..."), LVS_ARP_STRATEGY, LVS_DIRECTOR_MAC.

ROLE_NEEDS=()
ROUTER_SYSCTLS=(net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0)

static_entries() {
  local vip mac
  while read -r vip _ mac _; do echo "$vip $mac"; done < <(ip -4 neigh show dev "$LVS_SERVER_IF" nud permanent)
}

role_start() {
  local vip old
  sysctls "${ROUTER_SYSCTLS[@]}"
  while read -r old _; do
    [[ -n $old ]] || continue
    [[ $LVS_ARP_STRATEGY == static && " $LVS_VIPS" == *" $old/"* ]] || ip neigh del "$old" dev "$LVS_SERVER_IF"
  done < <(static_entries)
  if [[ $LVS_ARP_STRATEGY == static ]]; then
    for vip in $LVS_VIPS; do
      ip neigh replace "${vip%/*}" lladdr "$LVS_DIRECTOR_MAC" dev "$LVS_SERVER_IF" nud permanent
    done
  fi
}

role_stop() {
  local old
  while read -r old _; do
    [[ -z $old ]] || ip neigh del "$old" dev "$LVS_SERVER_IF"
  done < <(static_entries)
  sysctl -qw net.ipv4.ip_forward=0
}

role_check() {
  local vip pair
  expect_sysctls "${ROUTER_SYSCTLS[@]}"
  for pair in $LVS_ADDRESSES; do
    has_address "${pair%%=*}" "${pair#*=}" ||
      problem address-missing "${pair#*=}" "address ${pair#*=} missing on ${pair%%=*}"
  done
  if [[ $LVS_ARP_STRATEGY == static ]]; then
    for vip in $LVS_VIPS; do
      vip=${vip%/*}
      static_entries | grep -qx "$vip $LVS_DIRECTOR_MAC" ||
        problem neighbour-differs "$vip" "no permanent neighbour entry $vip -> $LVS_DIRECTOR_MAC"
    done
  elif [[ -n $(static_entries) ]]; then
    problem neighbour-differs "" "permanent neighbour entries left: $(static_entries | tr '\n' ';')"
  fi
}

dispatch "$@"
