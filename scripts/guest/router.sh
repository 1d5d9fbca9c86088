#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034,SC2153
# The router: forwards between the client network and the two subnets of the server segment, and finds the VIP by ARP
# (of IPv6 by NDP) through its address in the VIP's subnet, or through a route to the VIP alone. With arpStrategy `static` each VIP is bound to its MAC instead.
# Settings: LVS_ADDRESSES ("dev=address/prefix ..."), those of neighbours.sh, and maybe LVS_VIP_ROUTES ("address/32 ...", of IPv6 "address/128").

ROLE_NEEDS=()
# Who answers for the VIP is asked from here. A machine gets it; an image of the user's has been asked for no such package.
if [[ -n ${LVS_MACHINE:-} ]]; then ROLE_NEEDS+=(arping:iputils-arping); fi
ROUTER_SYSCTLS=(net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0)
# (A machine is told no addresses of IPv6: it has them.)
if [[ $LVS_VIPS == *:* ]]; then ROUTER_SYSCTLS+=(net.ipv6.conf.all.forwarding=1); fi

# Of the routes that are ours; the number is nobody's in /etc/iproute2/rt_protos.
readonly ROUTE_PROTOCOL=76
VIP_ROUTES=${LVS_VIP_ROUTES:-}

# vip_routes: where they lead, one "ADDRESS/32" or "ADDRESS/128" a line.
vip_routes() {
  local vip
  while read -r vip _; do echo "$vip/32"; done < <(ip -4 route show dev "$LVS_SERVER_IF" proto "$ROUTE_PROTOCOL")
  while read -r vip _; do echo "$vip/128"; done < <(ip -6 route show dev "$LVS_SERVER_IF" proto "$ROUTE_PROTOCOL")
}

# drop_routes VIPS: takes away all of them but VIPS.
drop_routes() {
  local old
  while read -r old; do
    [[ -z $old || " $1 " == *" $old "* ]] || ip route del "$old" dev "$LVS_SERVER_IF" proto "$ROUTE_PROTOCOL"
  done < <(vip_routes)
}

role_start() {
  local vip
  sysctls "${ROUTER_SYSCTLS[@]}"
  drop_routes "$VIP_ROUTES"
  for vip in $VIP_ROUTES; do
    ip route replace "$vip" dev "$LVS_SERVER_IF" proto "$ROUTE_PROTOCOL"
  done
  bind_vips
}

role_stop() {
  release_vips
  drop_routes ""
  sysctl -qw net.ipv4.ip_forward=0
  [[ $LVS_VIPS != *:* ]] || sysctl -qw net.ipv6.conf.all.forwarding=0
}

role_check() {
  local vip pair routes
  expect_sysctls "${ROUTER_SYSCTLS[@]}"
  for pair in $LVS_ADDRESSES; do
    has_address "${pair%%=*}" "${pair#*=}" ||
      problem address-missing "${pair#*=}" "address ${pair#*=} missing on ${pair%%=*}"
  done
  if [[ -n $VIP_ROUTES ]]; then
    routes=$(vip_routes)
    for vip in $VIP_ROUTES; do
      has_line "$routes" "$vip" || problem route-differs "$vip" "no route to $vip on $LVS_SERVER_IF"
    done
  fi
  expect_bound
}

dispatch "$@"
