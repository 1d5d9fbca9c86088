# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/holders/keepalived.sh: one of two directors, what it says of itself, and when it gives the VIPs up.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

# holder SCRIPT [SETTING=VALUE...]
holder() {
  fake_director
  export T
  guest "common.sh files.sh directorFiles.sh declaredVips.sh keepalived.sh holders/sync.sh holders/keepalived.sh" "TABLE_UNIT=table.service; keep() { :; }
    expect_active() { :; }; $1" \
    LVS_HELD=eth0=10.0.0.100/32 LVS_SYNC_ID=51 LVS_PEER=192.168.7.29 LVS_HA_SYSCTLS=a=1 LVS_KEEPALIVED_CONF=conf LVS_CHECKERS_CONF="" "${@:2}"
}
readonly VIP='2: eth0    inet 10.0.0.100/32 scope global eth0'
# seen STATE ADDRESSES DAEMONS: what the guest is like.
seen() {
  mkdir -p "$T/guest/run/lvs-dr" "$T/guest/etc/lvs-dr"
  printf '%s\n' "$1 1764381600.5" >"$T/guest/run/lvs-dr/vrrp"
  printf '%s\n' "$2" >"$T/addresses"
  printf '%s\n' "$3" >"$T/daemons"
  printf 'conf' >"$T/guest/etc/lvs-dr/keepalived.conf"
}
readonly BOTH='master sync daemon (mcast=eth0) backup sync daemon (mcast=eth0)'
readonly STATUS='check_vips; holder_details; report || true'

test_both_roles_are_told() {
  seen MASTER "$VIP" "$BOTH"
  holder "$STATUS"
  equals "$stdout" "$(lines vrrp=MASTER vrrpSince=1764381600.5 holdsVip=yes sync=both)"
  seen BACKUP "" "$BOTH"
  holder "$STATUS"
  equals "$stdout" "$(lines vrrp=BACKUP vrrpSince=1764381600.5 holdsVip=no sync=both)"
}

test_what_is_amiss_has_a_code() {
  seen MASTER "" "$BOTH"
  holder "$STATUS"
  contains "$stdout" $'problem=vip-missing\t\t10.0.0.100\t'
  seen BACKUP "$VIP" "$BOTH"
  holder "$STATUS"
  contains "$stdout" $'problem=vip-unexpected\t\t10.0.0.100\t'
  seen FAULT "" "$BOTH"
  holder "$STATUS"
  contains "$stdout" $'problem=director-fault\t\t\t'
  seen BACKUP "" "backup sync daemon (mcast=eth0)"
  holder "$STATUS"
  contains "$stdout" $'problem=sync-differs\t\tbackup\t'
  holder "$STATUS" LVS_SYNC_ID=""
  contains "$stdout" $'problem=sync-differs\t\tbackup\tIPVS\' connection sync runs as backup, expected none'
}

test_without_connection_sync_no_sysctl_is_set() {
  seen MASTER "$VIP" ""
  holder 'printf "<%s>" "${HOLDER_SYSCTLS[@]}"' LVS_HA_SYSCTLS=$'a=1\nb=0\t0'
  equals "$stdout" $'<a=1><b=0\t0>'
  holder 'echo "${#HOLDER_SYSCTLS[@]}"' LVS_HA_SYSCTLS="" LVS_SYNC_ID=""
  equals "$stdout" 0
}

test_a_vip_on_the_virtual_mac_s_device_is_looked_for_there() {
  seen MASTER "${VIP//eth0/vrrp51}" "$BOTH"
  holder "$STATUS" LVS_HELD=vrrp51=10.0.0.100/32
  lacks "$stdout" problem=
}

test_of_two_families_each_is_looked_for() {
  local held="vrrp51=10.0.0.100/32 vrrp51v6=fd00:10::100/128" six='3: vrrp51v6    inet6 fd00:10::100/128 scope global'
  seen MASTER "$(lines "${VIP//eth0/vrrp51}" "$six nodad deprecated")" "$BOTH"
  holder "$STATUS" LVS_HELD="$held"
  contains "$stdout" holdsVip=yes
  lacks "$stdout" problem=
  seen MASTER "$(lines "${VIP//eth0/vrrp51}" "$six")" "$BOTH"
  holder "$STATUS" LVS_HELD="$held"
  contains "$stdout" $'problem=vip-preferred\t\tfd00:10::100\t'
  seen MASTER "${VIP//eth0/vrrp51}" "$BOTH"
  holder "$STATUS" LVS_HELD="$held"
  contains "$stdout" $'problem=vip-missing\t\tfd00:10::100\t'
  contains "$stdout" holdsVip=no
  seen BACKUP "$six nodad deprecated" "$BOTH"
  holder "$STATUS" LVS_HELD="$held"
  contains "$stdout" $'problem=vip-unexpected\t\tfd00:10::100\t'
}

test_what_a_killed_keepalived_leaves_is_removed_of_both_families() {
  mkdir -p "$T/guest/usr/local/lib/lvs-dr"
  local run='keepalived_unit() { echo "$2"; }; vrrp_unit'
  holder "$run" LVS_IF=eth0 LVS_HELD="eth0=10.0.0.100/32 eth0=fd00:10::100/128"
  contains "$stdout" "ip addr del 10.0.0.100/32 dev eth0; ip addr del fd00:10::100/128 dev eth0; rm"
  holder "$run" LVS_IF=eth0 LVS_HELD="vrrp51=10.0.0.100/32 vrrp51v6=fd00:10::100/128"
  contains "$stdout" "ip link del vrrp51; ip link del vrrp51v6; rm"
}

test_the_active_director_gives_the_vips_up_before_a_change_and_only_to_one_that_is_there() {
  seen MASTER "$VIP" "$BOTH"
  holder yield_vips
  equals "$stdout" ""
  : >"$T/answers"
  holder yield_vips
  equals "$stdout" "systemctl restart lvs-dr-keepalived.service"
  seen BACKUP "" "$BOTH"
  holder yield_vips
  equals "$stdout" ""
}

test_a_changed_configuration_is_read_without_a_new_election() {
  local run='is_active() { [[ $1 == lvs-dr-keepalived* ]]; }; unit() { cat >/dev/null; }; reload_units() { :; }; hold_vips'
  mkdir -p "$T/guest/usr/local/lib/lvs-dr"
  seen BACKUP "" "$BOTH"
  holder "$run"
  exits 0
  equals "$stdout" "systemctl reload lvs-dr-keepalived.service"
  holder "$run"
  equals "$stdout" ""
}

test_a_refused_configuration_changes_nothing() {
  fake keepalived 'echo "(Line 3) unknown keyword" && exit 4'
  seen BACKUP "" "$BOTH"
  holder holder_validate LVS_KEEPALIVED_CONF=other
  exits 1
  contains "$stderr" "keepalived refuses its configuration, the old one is in force: (Line 3) unknown keyword"
}
