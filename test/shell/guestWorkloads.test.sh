# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/workloads.sh: a workload's script is called as promised, its failure is named, and it goes with the configuration.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

# The made-up script's own file tells what it was called with; it fails where $T/fails names what it is asked for.
workload_script() {
  cat <<SCRIPT
#!/bin/bash
echo "\$1 node=\$LVS_NODE rip=\$LVS_RIP vips=\$LVS_VIPS ports=\$LVS_PORTS name=\$LVS_WORKLOAD changed=\$LVS_CHANGED files=\$(echo *)" >>"$T/called"
if grep -qsx "\$LVS_WORKLOAD \$1" "$T/fails"; then echo "the disk is full" >&2; exit 7; fi
if grep -qsx "\$LVS_WORKLOAD \$1 hangs" "$T/fails"; then sleep 60; fi
SCRIPT
}

# workloads SCRIPT [SETTING=VALUE...]: with smtp (25 587) and dns (53, two files), and the web server at 80.
workloads() {
  local name
  for name in env timeout mkdir rm cat sleep grep bash stat mv chmod; do ln -sf "$(PATH=/usr/bin:/bin command -v "$name")" "$BIN/$name"; done
  [[ -e $T/sockets ]] || lines "tcp LISTEN 0 5 0.0.0.0:25 0.0.0.0:*" "tcp LISTEN 0 5 *:587 *:*" "udp UNCONN 0 0 0.0.0.0:53 0.0.0.0:*" >"$T/sockets"
  fake ss 'cat "$T/sockets"'
  export T
  guest "common.sh pages.sh files.sh workloads.sh guard.sh realServer.sh" "$1" LVS_RIP=192.168.7.10 LVS_PORTS=80 LVS_ARP_STRATEGY=sysctl LVS_INDEX_PAGE=x LVS_TEST_PAGE=x \
    LVS_VIPS="10.0.0.100 10.0.0.101" LVS_WORKLOADS="smtp dns" LVS_WORKLOAD_0_PORTS="25 587" LVS_WORKLOAD_0_LISTENS="tcp=25 tcp=587" LVS_WORKLOAD_0_SCRIPT="$(workload_script)" \
    LVS_WORKLOAD_1_PORTS=53 LVS_WORKLOAD_1_LISTENS=udp=53 LVS_WORKLOAD_1_SCRIPT="$(workload_script)" LVS_WORKLOAD_1_FILES="zone key" \
    LVS_WORKLOAD_1_FILE_0=$'first\n\n' LVS_WORKLOAD_1_FILE_1="second" "${@:2}"
}
readonly DIRECTORY=guest/usr/local/lib/lvs-dr/workloads
called_with() { grep -qxF "$1" "$T/called" || fail "not called with '$1', but: $(cat "$T/called")"; }

test_a_start_installs_and_starts_each_with_what_it_needs() {
  workloads start_workloads
  exits 0
  called_with "start node=node rip=192.168.7.10 vips=10.0.0.100 10.0.0.101 ports=25 587 name=smtp changed=1 files=*"
  called_with "start node=node rip=192.168.7.10 vips=10.0.0.100 10.0.0.101 ports=53 name=dns changed=1 files=key zone"
  equals "$(cat "$T/$DIRECTORY/dns/files/zone" && echo .)" $'first\n\n.'
  equals "$(cat "$T/$DIRECTORY/dns/files/key")" second
  equals "$(stat -c %a "$T/$DIRECTORY/dns/files/key" "$T/$DIRECTORY/dns/script")" $'600\n755'
  : >"$T/called"
  workloads start_workloads
  called_with "start node=node rip=192.168.7.10 vips=10.0.0.100 10.0.0.101 ports=25 587 name=smtp changed= files=*"
  : >"$T/called"
  workloads start_workloads LVS_WORKLOAD_1_FILES=zone
  contains "$(cat "$T/called")" "name=dns changed=1 files=zone"
}

test_a_failed_start_is_named_with_its_last_words() {
  lines "dns start" >"$T/fails"
  workloads start_workloads
  exits 1
  equals "$stderr" "lvs-dr: node: workload dns: 'start' ended with status 7: the disk is full"
}

test_one_that_takes_too_long_is_ended() {
  lines "smtp status hangs" >"$T/fails"
  workloads 'install_workload smtp 0; status=0; run_workload smtp status 1 || status=$?; workload_failure smtp status $status 1'
  exits 0
  equals "$stdout" "workload smtp: 'status' took longer than 1 s"
}

test_status_names_each_that_is_not_well_and_each_port_that_nobody_has() {
  workloads start_workloads
  lines "smtp status" >"$T/fails"
  lines "tcp LISTEN 0 5 0.0.0.0:25 0.0.0.0:*" "tcp LISTEN 0 5 0.0.0.0:53 0.0.0.0:*" "tcp LISTEN 0 5 0.0.0.0:5870 0.0.0.0:*" >"$T/sockets"
  workloads 'expect_workloads; report || true'
  exits 0
  equals "$stdout" "$(printf 'problem=%s\t\t%s\t%s\n' workload-failed smtp "workload smtp: 'status' ended with status 7: the disk is full" \
    not-listening 587 "workload smtp: nothing listens on tcp port 587" not-listening 53 "workload dns: nothing listens on udp port 53")"
}

test_one_that_left_the_configuration_leaves_when_nobody_uses_it() {
  workloads start_workloads
  had_nothing
  workloads 'leave; echo "$LEAVING_WORKLOADS"' LVS_WORKLOADS=smtp
  exits 0
  equals "$stdout" " dns"
  equals "$(tail -n 1 "$T/guest/run/lvs-dr/leaving")" " dns"
  [[ -e $T/$DIRECTORY/dns/script ]] || fail "it is gone at once"
  lines "$(($(date +%s) - 60))" "" "" " dns" >"$T/guest/run/lvs-dr/leaving"
  lines "ESTAB 0 0 10.0.0.100:53 172.18.7.70:4711" >"$T/sockets"
  workloads 'configure_pages() { :; }; let_go' LVS_WORKLOADS=smtp
  [[ -e $T/$DIRECTORY/dns/script ]] || fail "it is gone while somebody uses it"
  : >"$T/sockets"
  : >"$T/called"
  workloads 'configure_pages() { :; }; let_go' LVS_WORKLOADS=smtp
  exits 0
  contains "$(cat "$T/called")" "stop node=node"
  [[ ! -e $T/$DIRECTORY/dns ]] || fail "it is still there"
}

# had_nothing: what `leave` asks beside the workloads.
had_nothing() {
  local name
  for name in ip systemctl nginx flock arping; do fake "$name" ''; done
  fake arping 'exit 1'
}

test_one_whose_port_another_needs_goes_at_once() {
  workloads start_workloads
  had_nothing
  : >"$T/called"
  workloads leave LVS_WORKLOADS=smtp LVS_PORTS="80 53"
  exits 0
  contains "$(cat "$T/called")" "stop node=node"
  [[ ! -e $T/$DIRECTORY/dns ]] || fail "it is still there"
  # Of two that stay, one gives a port to the other.
  : >"$T/called"
  workloads leave LVS_WORKLOADS="smtp other" LVS_WORKLOAD_0_PORTS=25 LVS_WORKLOAD_1_PORTS=587
  contains "$(cat "$T/called")" "stop node=node rip=192.168.7.10 vips=10.0.0.100 10.0.0.101 ports=25 587 name=smtp"
}

test_what_an_image_of_ones_own_lacks_is_named() {
  fake dpkg-query '[[ ${*: -1} != exim4 ]] || echo installed'
  workloads role_validate LVS_PACKAGES="exim4 vsftpd slapd"
  exits 1
  equals "$stderr" "lvs-dr: node: the image lacks what a workload needs, Debian package vsftpd, slapd"
}

test_a_withdrawn_server_refuses_the_checks_of_its_workloads() {
  fake nft '[[ $1 != -f ]] || cat >"$T/nft"'
  workloads 'withdraw "no VIP"; answer_checks'
  exits 0
  called "nft -f -"
  contains "$(cat "$T/nft")" "ip daddr 192.168.7.10 meta l4proto { tcp, udp } th dport { 25,587,53 } reject"
  called "nft delete table inet lvs_dr_unfit"
}

test_https_is_served_at_its_ports_with_the_certificate() {
  local name conf="$T/guest/etc/nginx/nginx.conf"
  had_nothing
  mkdir -p "$T/guest/etc/nginx"
  echo "www-data:x:33:33::/:" >"$T/guest/etc/passwd"
  local settings=(LVS_WORKLOADS='' LVS_PORTS="80 443" LVS_TLS_PORTS=443 LVS_CERTIFICATE=cert LVS_KEY=key)
  workloads 'certificate_installed; serve_pages "$LVS_PORTS" "$LVS_RIP"' "${settings[@]}"
  exits 0
  equals "$(grep -c 'listen 443 ssl;' "$conf") $(grep -c 'listen 192.168.7.10:443 ssl;' "$conf") $(grep -c 'listen 80;' "$conf")" "1 1 1"
  contains "$(cat "$conf")" "ssl_certificate_key $T/guest/etc/lvs-dr/tls/key.pem;"
  equals "$(stat -c %a "$T/guest/etc/lvs-dr/tls/key.pem")" 600
  # The port leaves: until then it speaks TLS.
  workloads 'leave; certificate_installed; serve_pages "$LVS_PORTS$LEAVING_PORTS" "$LVS_RIP"' LVS_WORKLOADS='' LVS_PORTS=80
  equals "$(grep -c 'listen 443 ssl;' "$conf")" 1
  [[ -e $T/guest/etc/lvs-dr/tls/key.pem ]] || fail "the key is gone while its port is served"
  workloads 'certificate_installed; serve_pages "$LVS_PORTS" "$LVS_RIP"' LVS_WORKLOADS='' LVS_PORTS=80
  equals "$(grep -c ssl "$conf")" 0
  [[ ! -e $T/guest/etc/lvs-dr/tls ]] || fail "the key is still there"
}

test_without_a_port_the_web_server_has_none() {
  had_nothing
  mkdir -p "$T/guest/etc/nginx"
  echo "www-data:x:33:33::/:" >"$T/guest/etc/passwd"
  workloads 'serve_pages "" "$LVS_RIP"' LVS_WORKLOADS=''
  exits 0
  equals "$(grep -c 'server {' "$T/guest/etc/nginx/nginx.conf")" 0
}
