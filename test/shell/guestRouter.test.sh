# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/router.sh and neighbours.sh: routes to VIPs that lie in no network of their own, and VIPs bound to their MACs.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

# router SCRIPT ROUTES [NEIGHBOURS]: in a network namespace of its own, with the server segment's NIC.
router() {
  local UNDER="unshare -n"
  ln -sf "$(PATH="$REAL_PATH" command -v unshare)" "$BIN/unshare"
  $UNDER ip link >/dev/null 2>&1 || skip "no network namespaces here"
  mkdir -p "$T"/guest/proc/sys/net/ipv4/conf/all
  guest "common.sh neighbours.sh router.sh" "ip link add eth1 type veth peer name peer && ip link set peer up && ip addr add 192.168.7.200/24 dev eth1 && ip link set eth1 up; $1" \
    LVS_SERVER_IF=eth1 LVS_ADDRESSES=eth1=192.168.7.200/24 LVS_NEIGHBOURS="${3:-}" LVS_VIP_ROUTES="$2"
}
readonly SHOWN='ip -4 route show dev eth1 | sed "s/ *$//"'
readonly SEGMENT="192.168.7.0/24 proto kernel scope link src 192.168.7.200"

test_a_vip_alone_has_a_route_and_one_that_left_has_none() {
  router "ip route add 198.51.100.9/32 dev eth1 proto 76; ip route add 198.51.100.10/32 dev eth1; role_start; role_check; report; $SHOWN" \
    "198.51.100.7/32 198.51.100.8/32"
  exits 0
  # Not ours: 198.51.100.10.
  equals "$stdout" "$(lines "$SEGMENT" "198.51.100.7 proto 76 scope link" "198.51.100.8 proto 76 scope link" "198.51.100.10 scope link")"
}

test_a_vip_of_ipv6_alone_has_a_route_too() {
  router 'ip route add 2001:db8::9/128 dev eth1 proto 76; role_start; role_check; report; ip -6 route show dev eth1 proto 76 | sed "s/ .*//"
    ip route del 2001:db8::7/128 dev eth1; role_check; report || true; role_start; role_stop; ip -6 route show dev eth1 proto 76' \
    "198.51.100.7/32 2001:db8::7/128"
  exits 0
  equals "$stdout" $'2001:db8::7\nproblem=route-differs\t\t2001:db8::7/128\tno route to 2001:db8::7/128 on eth1'
}

test_a_route_to_a_vip_that_is_gone_is_named() {
  router 'role_start; ip route del 198.51.100.7/32 dev eth1; role_check; report' "198.51.100.7/32"
  equals "$stdout" $'problem=route-differs\t\t198.51.100.7/32\tno route to 198.51.100.7/32 on eth1'
}

test_a_router_that_stops_leaves_no_route() {
  router "role_start; role_stop; $SHOWN" "198.51.100.7/32"
  equals "$stdout" "$SEGMENT"
}

test_vips_of_both_families_are_bound_to_their_macs_and_no_others() {
  router 'ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth1 nud permanent; role_start; role_check; report; static_entries | sort
    ip neigh del fd00:10::100 dev eth1; role_check; report' "" \
    "$(lines "10.0.0.100 00:00:5e:00:01:33" "fd00:10::100 00:00:5e:00:02:33")"
  equals "$stdout" "$(lines "10.0.0.100 00:00:5e:00:01:33" "fd00:10::100 00:00:5e:00:02:33" \
    $'problem=neighbour-differs\t\tfd00:10::100\tno permanent neighbour entry fd00:10::100 -> 00:00:5e:00:02:33')"
}

test_entries_of_another_strategy_go_and_are_named() {
  router 'ip neigh replace 10.0.0.100 lladdr 02:00:00:00:00:09 dev eth1 nud permanent; role_start; static_entries; ip neigh replace 10.0.0.100 lladdr 02:00:00:00:00:09 dev eth1 nud permanent; role_check; report' ""
  equals "$stdout" $'problem=neighbour-differs\t\t\tpermanent neighbour entries left: 10.0.0.100 02:00:00:00:00:09'
}

# Of an image of the user's no arping is asked: docs/howto/image.md.
test_a_router_needs_arping_on_a_machine_alone() {
  guest "common.sh neighbours.sh router.sh" 'printf "%s\n" "needs:${ROLE_NEEDS[*]}"' LVS_SERVER_IF=eth1
  equals "$stdout" "needs:"
  guest "common.sh neighbours.sh router.sh" 'printf "%s\n" "needs:${ROLE_NEEDS[*]}"' LVS_SERVER_IF=eth1 LVS_MACHINE=lvs-dr/one
  equals "$stdout" "needs:arping:iputils-arping"
}

test_a_router_forwards_the_families_of_the_vips() {
  forwards() { guest "common.sh neighbours.sh router.sh" 'printf "%s\n" "${ROUTER_SYSCTLS[@]}" | grep -c "ip_forward\|net.ipv6"' LVS_SERVER_IF=eth1 LVS_MACHINE=lvs-dr/one LVS_VIPS="$1"; }
  forwards 10.0.0.100/32
  equals "$stdout" 1
  forwards "10.0.0.100/32 fd00::100/128"
  equals "$stdout" 2
}

# client SCRIPT [SETTING=VALUE...]: one that is on the server segment.
client() {
  local script=$1
  shift
  ln -sf "$(PATH="$REAL_PATH" command -v unshare)" "$BIN/unshare"
  unshare -n ip link >/dev/null 2>&1 || skip "no network namespaces here"
  UNDER="unshare -n" guest "common.sh neighbours.sh client.sh" "ip link add eth0 type veth peer name peer && ip link set peer up && ip addr add 192.168.7.70/24 dev eth0 && ip link set eth0 up; $script" \
    LVS_GATEWAY='' LVS_SERVER_IF=eth0 "$@"
}

test_a_client_on_the_segment_binds_the_vips_too_and_lets_them_go() {
  client 'role_start; role_check; report; static_entries; ip neigh flush dev eth0 nud permanent; role_check; report; role_start; role_stop; static_entries' \
    LVS_NEIGHBOURS="192.168.7.100 00:00:5e:00:01:33"
  equals "$stdout" "$(lines "192.168.7.100 00:00:5e:00:01:33" \
    $'problem=neighbour-differs\t\t192.168.7.100\tno permanent neighbour entry 192.168.7.100 -> 00:00:5e:00:01:33')"
}

test_a_client_elsewhere_knows_no_neighbours() {
  guest "common.sh client.sh" 'role_start; role_check; report; role_stop; printf "%s\n" "needs:${ROLE_NEEDS[*]}"' LVS_GATEWAY='' LVS_MACHINE=lvs-dr/one
  equals "$stdout" "needs:curl:curl ping:iputils-ping"
}
