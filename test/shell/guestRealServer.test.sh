# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/realServer.sh: how it keeps quiet about the VIP while its rules change, and what stays for a while after it left.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

# real_server SCRIPT [SETTING=VALUE...]
real_server() {
  guest "common.sh pages.sh files.sh workloads.sh guard.sh realServer.sh" "$1" LVS_RIP=192.168.7.10 LVS_PORTS=80 LVS_ARP_STRATEGY=arptables LVS_INDEX_PAGE=x LVS_TEST_PAGE=x "${@:2}"
}

# listed LINE...: what `arptables -n -L` prints.
listed() {
  lines "$@" >"$T/arptables"
  fake arptables 'case $1 in -n) cat "$T/arptables" ;; -C) exit 1 ;; esac'
  export T
}
readonly HOOKED_IN="-j LVS-DR-IN" HOOKED_OUT="-j LVS-DR-OUT"
readonly DROPS="-j DROP -d 10.0.0.100" MANGLES="-j mangle -s 10.0.0.100 --mangle-ip-s 192.168.7.10"
# rules INPUT OUTPUT IN OUT: each a line, or none.
rules() {
  listed "Chain INPUT (policy ACCEPT)" "$1" "" "Chain OUTPUT (policy ACCEPT)" "$2" "" "Chain LVS-DR-IN (1 references)" "$3" "" \
    "Chain LVS-DR-OUT (1 references)" "$4"
}

readonly SAY='expect_arp_rules "$LVS_VIPS"; report'

# missing OBJECT TEXT: as `status` prints an ARP rule that is not there.
missing() { printf 'problem=arp-rule-missing\t\t%s\t%s\n' "$@"; }

test_every_arp_rule_and_hook_is_looked_for() {
  local other="${MANGLES/10.0.0.100/10.0.0.101}"
  rules "$HOOKED_IN" "$HOOKED_OUT" "$DROPS" "$MANGLES"
  real_server "$SAY"
  exits 0
  # As others list it.
  rules "$HOOKED_IN " "$HOOKED_OUT " "-d 10.0.0.100 -j DROP " "$MANGLES "
  real_server "$SAY"
  exits 0
  rules "" "$HOOKED_OUT" "$DROPS" "$MANGLES"
  real_server "$SAY"
  equals "$stdout" "$(missing INPUT "arptables chain LVS-DR-IN is not hooked")"
  rules "$HOOKED_IN" "" "$DROPS" "$MANGLES"
  real_server "$SAY"
  equals "$stdout" "$(missing OUTPUT "arptables chain LVS-DR-OUT is not hooked")"
  rules "$HOOKED_IN" "$HOOKED_OUT" "${DROPS}1" "$other"
  real_server "$SAY"
  equals "$stdout" "$(missing "LVS-DR-IN 10.0.0.100" "arptables does not drop requests for 10.0.0.100" &&
    missing "LVS-DR-OUT 10.0.0.100" "arptables does not rewrite the source of ARP from 10.0.0.100")"
}

test_rules_that_are_right_are_not_touched() {
  rules "$HOOKED_IN" "$HOOKED_OUT" "$DROPS" "$MANGLES"
  real_server arptables_on
  exits 0
  not_called "arptables -F"
  not_called "arptables -A"
}

test_while_rules_change_the_sysctls_keep_quiet() {
  local stale
  for stale in "" "-j DROP -d 10.0.0.109"; do
    : >"$CALLS"
    rules "$HOOKED_IN" "$HOOKED_OUT" "$DROPS"$'\n'"$stale" "${stale:+$MANGLES}"
    real_server 'sysctls_now() { echo "sysctl $1" >>"$CALLS"; }; arptables_on'
    exits 0
    equals "$(grep -v -- "-n -L" "$CALLS" | head -n 1)" "sysctl net.ipv4.conf.all.arp_ignore=1"
    called "arptables -A LVS-DR-OUT -s 10.0.0.100 -j mangle --mangle-ip-s 192.168.7.10"
  done
}

test_a_strategy_by_arptables_works_with_the_real_one() {
  local name
  for name in unshare arptables; do
    ln -sf "$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v "$name" || skip "$name is not installed")" "$BIN/$name"
  done
  unshare -n arptables -n -L >/dev/null 2>&1 || skip "arptables does not work here"
  UNDER="unshare -n"
  real_server 'sysctls_now() { :; }
    wrong() { if arp_rules_right; then echo "taken for right: $1"; exit 1; fi; }
    arptables_on; arptables_on; arptables -A LVS-DR-IN -d 10.0.0.109 -j DROP; wrong "a rule more"; arptables_on; arp_rules_right
    arptables -D OUTPUT -j LVS-DR-OUT; wrong "no hook"; arptables_on; expect_arp_rules "$LVS_VIPS"; report; arp_rules_now | grep -c .' LVS_VIPS="10.0.0.100/32 10.0.0.101/32"
  exits 0
  equals "$stdout" 6
}

# had VIPS PORTS: what an earlier run left on lo and in nginx.conf.
had() {
  local vip port
  for vip in $1; do lines "1: lo    inet $vip/32 scope global lo:vip\\       valid_lft forever"; done >"$T/lo"
  fake ip 'case "$*" in *"addr show"*) cat "$T/lo" ;; esac'
  mkdir -p "$T/guest/etc/nginx"
  { echo "# Written by lvs-dr; the whole file is its own." && for port in $2; do echo "  listen $port;" && echo "  listen 192.168.7.10:$port;"; done; } >"$T/guest/etc/nginx/nginx.conf"
  for port in systemctl nginx ss arping flock; do fake "$port" ''; done
  fake arping 'exit 1'
  export T
}

readonly LEAVE='leave; echo "vips$LEAVING_VIPS ports$LEAVING_PORTS"'

test_what_left_the_configuration_stays_for_a_while() {
  had "10.0.0.100 10.0.0.101" "80 8080"
  real_server "$LEAVE"
  exits 0
  equals "$stdout" "vips 10.0.0.101/32 ports 8080"
  contains "$stderr" "stays until it is no longer used: VIP 10.0.0.101/32 port 8080"
  equals "$(tail -n 3 "$T/guest/run/lvs-dr/leaving")" "$(lines " 10.0.0.101/32" " 8080")"
  had "10.0.0.100" "80"
  real_server "$LEAVE"
  equals "$stdout" "vips ports"
  [[ ! -e $T/guest/run/lvs-dr/leaving ]] || fail "something still leaves"
  # Somebody else's web server.
  had "" "80 8080"
  sed -i 1d "$T/guest/etc/nginx/nginx.conf"
  real_server "$LEAVE"
  equals "$stdout" "vips ports"
}

test_the_arp_rules_hold_for_a_vip_that_leaves_too() {
  had "10.0.0.100 10.0.0.101" "80"
  real_server 'leave; arp_rules' LVS_VIPS=10.0.0.100/32
  contains "$stdout" "LVS-DR-IN -d 10.0.0.101 -j DROP"
}

# lets_go SECONDS: the guard's look that many seconds after.
lets_go() {
  lines "$(($(date +%s) - $1))" " 10.0.0.101/32" " 8080" >"$T/guest/run/lvs-dr/leaving"
  real_server 'configure_pages() { echo "serves $1"; }; let_go' LVS_ARP_STRATEGY=sysctl
  exits 0
}
stays() {
  equals "$stdout" ""
  not_called "ip addr del"
  [[ -e $T/guest/run/lvs-dr/leaving ]] || fail "it is forgotten"
}

test_it_goes_when_nobody_uses_it_any_more() {
  mkdir -p "$T/guest/run/lvs-dr"
  had "10.0.0.100 10.0.0.101" "80 8080"
  lets_go 5
  stays
  fake ss 'echo "TIME-WAIT 0 0 10.0.0.101:80 172.16.0.1:4711"'
  lets_go 60
  stays
  # A health check of a director that has the service yet.
  fake ss 'echo "TIME-WAIT 0 0 192.168.7.10:8080 192.168.7.1:4711"'
  lets_go 60
  stays
  # The director has the VIP yet.
  fake ss 'echo "LISTEN 0 511 0.0.0.0:8080 0.0.0.0:*"; echo "ESTAB 0 0 10.0.0.100:80 172.16.0.1:4711"'
  fake arping 'exit 0'
  lets_go 60
  stays
  called "arping -q -c 1 -w 1 -I eth0 -s 192.168.7.10 10.0.0.101"
  fake arping 'exit 1'
  lets_go 60
  equals "$stdout" "serves 80"
  called "ip addr del 10.0.0.101/32 dev lo"
  not_called "ip addr del 10.0.0.100"
  [[ ! -e $T/guest/run/lvs-dr/leaving ]] || fail "it still leaves"
}

test_what_goes_later_starts_no_nginx_that_somebody_has_stopped() {
  mkdir -p "$T/guest/run/lvs-dr"
  had "10.0.0.100" "80 8080"
  echo "www-data:x:33:33::/:" >"$T/guest/etc/passwd"
  fake arping 'exit 1'
  lines "$(($(date +%s) - 60))" "" " 8080" >"$T/guest/run/lvs-dr/leaving"
  real_server let_go LVS_ARP_STRATEGY=sysctl
  exits 0
  not_called "systemctl restart"
  not_called "systemctl reload"
  equals "$(grep -c 8080 "$T/guest/etc/nginx/nginx.conf")" 0
  real_server 'serve_pages "$LVS_PORTS" "$LVS_RIP"'
  called "systemctl restart nginx.service"
}

test_a_stopped_one_answers_no_check_after_a_boot_either() {
  local link="$T/guest/etc/systemd/system/multi-user.target.wants/nginx.service"
  had "10.0.0.100" "80"
  mkdir -p "${link%/*}"
  echo "www-data:x:33:33::/:" >"$T/guest/etc/passwd"
  # As a package or the last `start` has enabled it.
  ln -s /lib/systemd/system/nginx.service "$link"
  real_server 'sysctls_now() { :; }; role_stop'
  exits 0
  equals "$(cat "$T/guest/run/lvs-dr/unfit")" "lvs-dr is stopped here"
  [[ ! -L $link ]] || fail "a boot starts nginx"
  real_server 'serve_pages "$LVS_PORTS" "$LVS_RIP"'
  exits 0
  equals "$(readlink "$link")" /lib/systemd/system/nginx.service
  called "systemctl restart nginx.service"
}

# next_change: within five seconds the watch has printed a line.
WATCHED='next_change() { read -r -t 5 -u "$changes" || { echo "no change was seen: $1"; exit 1; }; }
  still() { ! read -r -t 1.5 -u "$changes" || { echo "a change was seen: $1"; exit 1; }; }
  exec {changes}< <(watch_changes net.ipv4.conf.lo.arp_ignore=1 net.ipv4.conf.lo.arp_announce=2)
  next_change "the start"; still "nothing"; '

# watched SCRIPT: in a network namespace of its own, with the real kernel's addresses and sysctls.
watched() {
  local name
  for name in unshare ip; do
    ln -sf "$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v "$name" || skip "$name is not installed")" "$BIN/$name"
  done
  unshare -n ip link >/dev/null 2>&1 || skip "no network namespaces here"
  UNDER="unshare -n"
  mkdir -p "$T/guest/proc"
  # Of whoever opens it, and so of the namespace.
  ln -sfn /proc/sys "$T/guest/proc/sys"
  real_server "$WATCHED$1"
  exits 0
}

test_health_checks_alone_find_the_pages_that_they_ask_for() {
  local name conf="$T/guest/etc/nginx/nginx.conf"
  for name in systemctl nginx; do fake "$name" ''; done
  mkdir -p "$T/guest/etc/nginx"
  echo "www-data:x:33:33::/:" >"$T/guest/etc/passwd"
  real_server 'check_pages; serve_pages "$LVS_PORTS" "$LVS_RIP"' LVS_CHECK_PAGES="/healthz /" LVS_CHECK_PAGE_0=$'it\'s "fine"\n' LVS_CHECK_PAGE_1=ok
  exits 0
  equals "$(cat "$T/guest/srv/lvs-dr.checks/0")" "it's \"fine\""
  equals "$(cat "$T/guest/srv/lvs-dr.checks/1")" ok
  # Among what is served at the RIP, behind the clients' server.
  equals "$(grep -n 'location = /\|listen 192' "$conf" | sed 's/^[0-9]*: *//; s/;.*//; s/ {.*//')" "$(printf '%s\n' 'listen 192.168.7.10:80' 'location = /healthz' 'location = /')"
  real_server 'check_pages; serve_pages "$LVS_PORTS" "$LVS_RIP"'
  equals "$(grep -c 'location = ' "$conf")" 0
}

test_the_guard_wakes_when_an_address_changes() {
  watched 'ip addr add 10.0.0.100/32 dev lo; next_change "added"; still "added"
    ip addr del 10.0.0.100/32 dev lo; next_change "deleted"; still "deleted"'
}

test_the_guard_wakes_when_a_sysctl_changes_and_when_it_changes_back() {
  watched 'echo 1 >'"$T"'/guest/proc/sys/net/ipv4/conf/lo/arp_ignore; next_change "set"; still "set"
    echo 0 >'"$T"'/guest/proc/sys/net/ipv4/conf/lo/arp_ignore; next_change "set back"; still "set back"'
}

test_a_guard_whose_watch_ends_ends_too() {
  real_server 'watch_changes() { echo changed; }; judge() { echo judged; }; role_guard'
  exits 1
  equals "$stdout" judged
  contains "$stderr" "the watch over addresses and sysctls has ended"
}
