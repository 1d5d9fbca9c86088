# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/addresses.sh: addresses and VIPs of IPv6 beside those of IPv4, by the kernel's own in a network namespace.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

readonly VIPS="10.0.0.100/32 fd00:10::100/128"
# Addresses with their flags.
readonly SHOWN='ip -o addr show dev eth0 scope global | sed -E "s/ +/ /g; s/^[0-9]+: //; s/\\\\.*//; s/ +$//"'

addressing() {
  local UNDER="unshare -n"
  ln -sf "$(PATH="$REAL_PATH" command -v unshare)" "$BIN/unshare"
  $UNDER ip link >/dev/null 2>&1 || skip "no network namespaces here"
  guest "common.sh ${FILES:-}" "is_active() { false; }; ip link add eth0 type veth peer name peer; ip link set peer up; ip link set eth0 up; $1" LVS_VIPS="$VIPS" LVS_ADDRESSES6="eth0=fd00:7::10/64" "${@:2}"
}

test_a_vip_of_ipv6_is_deprecated_and_known_by_its_length() {
  addressing 'add_vips eth0 eth0:vip "$LVS_VIPS"; addresses6; '"$SHOWN"'; echo; labelled eth0 eth0:vip; PROBLEMS=(); unset ADDRESSES; expect_vips_on eth0; echo "${#PROBLEMS[@]}"'
  exits 0
  equals "$stdout" "eth0 inet 10.0.0.100/32 scope global eth0:vip
eth0 inet6 fd00:7::10/64 scope global nodad
eth0 inet6 fd00:10::100/128 scope global nodad deprecated

10.0.0.100/32
fd00:10::100/128
0"
}

test_a_vip_that_the_node_would_speak_from_is_named_and_put_right() {
  addressing 'ip addr add fd00:10::100/128 dev eth0 nodad; ip addr add 10.0.0.100/32 dev eth0 label eth0:vip
    expect_vips_on eth0; printf "%s\n" "${PROBLEMS[@]%%$'"'\t'"'*}"; add_vips eth0 eth0:vip "$LVS_VIPS"; PROBLEMS=(); unset ADDRESSES; expect_vips_on eth0; echo "${#PROBLEMS[@]}"'
  equals "$stdout" "vip-preferred
0"
}

test_vips_that_leave_are_taken_away_and_nothing_else() {
  addressing 'addresses6; add_vips eth0 eth0:vip "$LVS_VIPS fd00:10::101/128"; drop_vips eth0 eth0:vip "fd00:10::101/128"; '"$SHOWN"
  equals "$stdout" "eth0 inet6 fd00:10::101/128 scope global nodad deprecated
eth0 inet6 fd00:7::10/64 scope global nodad"
}

test_an_address_of_ipv6_that_is_somebody_elses_stays() {
  addressing 'ip addr add fd00:9::77/128 dev eth0 nodad; add_vips eth0 eth0:vip "$LVS_VIPS"; drop_vips eth0 eth0:vip ""; '"$SHOWN"
  equals "$stdout" "eth0 inet6 fd00:9::77/128 scope global nodad"
}

test_a_nic_with_a_long_name_can_have_the_vips() {
  FILES="declaredVips.sh keepalived.sh holders/fixed.sh" addressing 'ip link set eth0 down; ip link set eth0 name enp130s0f1np1; ip link set enp130s0f1np1 up; ip addr add 10.0.0.5/32 dev enp130s0f1np1
    declare_to_networkd() { :; }
    hold_vips; ip -o addr show dev enp130s0f1np1 label "enp130s0f1np1:*" | grep -c 10.0.0.100; release_vips
    ip -o addr show dev enp130s0f1np1 scope global | sed -E "s/.* inet //; s/ .*//"' LVS_IF=enp130s0f1np1
  equals "$stdout" "1
10.0.0.5/32"
}

test_a_vip_of_the_only_director_that_leaves_is_gone_when_there_are_two() {
  FILES="declaredVips.sh keepalived.sh holders/sync.sh holders/keepalived.sh" addressing 'add_vips eth0 "$VIP_LABEL" "10.0.0.100/32 10.0.0.101/32 fd00:10::100/128"; LVS_VIPS=10.0.0.100/32; settle_vips; '"$SHOWN" \
    LVS_HELD='' LVS_SYNC_ID='' LVS_HA_SYSCTLS='' LVS_PEER=''
  equals "$stdout" "eth0 inet 10.0.0.100/32 scope global eth0:vip"
}

test_addresses_of_ipv6_leave_with_the_configuration() {
  addressing 'addresses6; leave_addresses6 "$LVS_ADDRESSES6"; leave_addresses6 ""; '"$SHOWN"'; [[ ! -e $ADDRESSES6_FILE ]] && echo gone'
  equals "$stdout" gone
}

test_a_lab_of_ipv4_alone_asks_for_nothing_of_ipv6() {
  fake ip 'echo "ip $*"'
  guest "common.sh" 'addresses6; leave_addresses6 ""; expect_addresses6; echo "${#PROBLEMS[@]}"'
  equals "$stdout" 0
}

test_a_real_server_takes_a_vip_of_ipv6_off_its_nics_and_nothing_else() {
  FILES="pages.sh files.sh workloads.sh guard.sh realServer.sh" addressing \
    'ip link set lo up; addresses6; for device in lo eth0; do ip addr add fd00:10::100/128 dev "$device" nodad; done; ip addr add fd00:10::101/128 dev eth0 nodad
    keep_off_nics; ip -6 -br addr show dev lo scope global | sed -E "s/ +/ /g; s/ +$//"; '"$SHOWN" LVS_RIP=192.168.7.10 LVS_PORTS=80 LVS_ARP_STRATEGY=sysctl LVS_INDEX_PAGE=x LVS_TEST_PAGE=x
  exits 0
  equals "$stdout" "lo UNKNOWN fd00:10::100/128
eth0 inet6 fd00:10::101/128 scope global nodad
eth0 inet6 fd00:7::10/64 scope global nodad"
}

# Between two network namespaces: whoever has the address answers each second, and no entry is made of it.
test_who_has_an_address_of_ipv6_is_asked_without_a_neighbour_entry() {
  PATH="$REAL_PATH" unshare -nm bash -c 'mount -t sysfs sysfs /sys' >/dev/null 2>&1 || skip "no namespaces with a /sys of their own here"
  PATH="$REAL_PATH" run unshare -nm bash -c '
    mount -t sysfs sysfs /sys
    exec 3< <(exec unshare -n bash -c "echo \$\$; exec sleep 30")
    read -r there <&3
    trap "kill $there" EXIT
    there() { nsenter -t "$there" -n "$@"; }
    ip link add eth0 address 02:00:00:00:00:01 type veth peer name peer address 02:00:00:00:00:02
    ip link set peer netns "$there"
    ip link set eth0 up
    there ip link set peer up
    there ip addr add fd00:10::100/128 dev peer nodad preferred_lft 0
    for ((i = 0; i < 100; i++)); do
      [[ -z $(ip -6 addr show dev eth0 scope link -tentative) || -z $(there ip -6 addr show dev peer scope link -tentative) ]] || break
      sleep 0.1
    done
    perl "$1" fd00:10::100 eth0 2 | sed -E "s/^[0-9.]+ //"
    perl "$1" fd00:10::101 eth0 1
    ip -6 neigh show to fd00:10::/64' - "$ROOT/scripts/guest/ndping.pl"
  exits 0
  equals "$stdout" "reply from fd00:10::100 [02:00:00:00:00:02]
reply from fd00:10::100 [02:00:00:00:00:02]"
}
