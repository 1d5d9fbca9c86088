# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/machine.sh and foreign.sh: what is put on a machine that exists, how it is taken away, and what is refused there.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

# machine SCRIPT [SETTING=VALUE...]: runs it on a machine, with nothing of the host's in reach.
machine() {
  mkdir -p "$T"/guest/{var/lib,etc,proc/sys/net,proc/net,run/systemd/system}
  local name
  for name in tac find rmdir; do ln -sf "$(PATH=/usr/bin:/bin command -v "$name")" "$BIN/$name"; done
  for name in ip systemctl ss; do fake "$name" ''; done
  guest "common.sh foreign.sh machine.sh" "$1" LVS_MACHINE=lvs-dr/one LVS_SELF=own "${@:2}"
}

test_what_is_written_is_given_back() {
  mkdir -p "$T/guest/etc/nginx"
  printf 'theirs\n' >"$T/guest/etc/nginx/nginx.conf"
  chmod 0640 "$T/guest/etc/nginx/nginx.conf"
  mkdir -p "$T/guest/proc/sys/net"
  printf '7\n' >"$T/guest/proc/sys/net/depth"
  machine '
    begin
    printf ours | put '"$T"'/guest/etc/nginx/nginx.conf
    printf ours | put '"$T"'/guest/etc/new/deep/file
    printf again | put '"$T"'/guest/etc/new/deep/file
    # As keepalived does when it runs.
    mkdir -p '"$T"'/guest/etc/iproute2/rt_addrprotos.d && echo "18 keepalived" >'"$T"'/guest/etc/iproute2/rt_addrprotos.d/keepalived.conf
    sysctls net.depth=1
    echo "now $(<'"$T"'/guest/proc/sys/net/depth)"
    role_stop() { :; }
    remove own
    ls -A '"$T"'/guest/var/lib '"$T"'/guest/usr/local/sbin'
  exits 0
  contains "$stdout" "now 1"
  equals "$(cat "$T/guest/etc/nginx/nginx.conf")" theirs
  equals "$(stat -c %a "$T/guest/etc/nginx/nginx.conf")" 640
  equals "$(cat "$T/guest/proc/sys/net/depth")" 7
  [[ ! -e $T/guest/etc/new && ! -e $T/guest/etc/iproute2 && ! -e $T/guest/var/lib/lvs-dr ]] || fail "something is left"
}

test_modules_that_came_with_a_role_go() {
  machine '
    loaded() { printf "%s\n" $NOW; }
    rmmod() { echo "$1"; }
    NOW="ip_tables xfs"
    begin
    # Sound is somebody else'"'"'s, who came later.
    NOW="arpt_mangle nft_compat x_tables ip_vs_rr ip_vs nf_conntrack snd $NOW"
    unload_modules'
  exits 0
  equals "$stdout" "$(lines arpt_mangle nft_compat x_tables ip_vs_rr ip_vs nf_conntrack)"
}

test_what_cannot_be_taken_away_is_named_and_stays_listed() {
  machine '
    begin
    printf ours | put '"$T"'/guest/etc/file
    role_stop() { :; }
    restore_files() { :; }
    remove all'
  exits 1
  contains "$stderr" "left on the machine"
  contains "$stderr" "file $T/guest/etc/file"
  [[ -e $T/guest/var/lib/lvs-dr/files ]] || fail "the list is gone"
}

test_what_cannot_be_kept_is_not_overwritten() {
  mkdir -p "$T"/guest/{etc,var/lib}
  printf 'theirs\n' >"$T/guest/etc/file"
  # As on a full disk.
  machine '
    begin
    cp() { return 1; }
    printf ours | put '"$T"'/guest/etc/file || echo "put $?"
    listed "$FILES" '"$T"'/guest/etc/file || echo "not listed"'
  exits 0
  equals "$stdout" "$(lines "put 2" "not listed")"
  equals "$(cat "$T/guest/etc/file")" theirs
}

test_nothing_is_changed_where_nothing_can_be_listed() {
  fake install 'exit 1'
  machine 'begin; echo "goes on"'
  exits 1
  contains "$stderr" "nothing was changed"
  equals "$stdout" ""
  # Of one that was ended in the middle.
  ln -sf "$(PATH=/usr/bin:/bin command -v install)" "$BIN/install"
  mkdir -p "$T/guest/var/lib/lvs-dr"
  echo "$T/guest/etc/lost" >"$T/guest/var/lib/lvs-dr/files"
  machine 'begin; cat '"$T"'/guest/var/lib/lvs-dr/owner; ! listed "$FILES" '"$T"'/guest/etc/lost'
  exits 0
  equals "$stdout" lvs-dr/one
}

test_what_the_kernel_changes_with_a_sysctl_is_given_back_too() {
  local conf="$T/guest/proc/sys/net/ipv4/conf"
  mkdir -p "$conf"/{all,eth0.7,eth1}
  echo 0 | tee "$conf"/{all,eth0.7}/forwarding "$conf/all/accept_redirects" "$conf/../ip_forward" >/dev/null
  echo 1 | tee "$conf/eth1/forwarding" "$conf/eth0.7/send_redirects" >/dev/null
  machine '
    begin
    sysctls net.ipv4.ip_forward=1 net.ipv4.conf.eth0/7.send_redirects=0
    # As the kernel does.
    cd '"$conf"'
    echo "$(<eth0.7/send_redirects) $(<../ip_forward)"
    echo 1 | tee */forwarding >/dev/null
    echo 1 >all/accept_redirects
    role_stop() { echo 0 | tee */forwarding >/dev/null; }
    remove all'
  exits 0
  equals "$stdout" "0 1"
  equals "$(cat "$conf"/{all,eth0.7,eth1}/forwarding "$conf/all/accept_redirects" "$conf/eth0.7/send_redirects" "$conf/../ip_forward" | paste -sd ' ')" "0 0 1 0 1 0"
}

test_a_nic_whose_name_leaves_no_room_for_the_mark_is_refused_of_a_director() {
  mkdir -p "$T/guest/sys"
  nic() { machine 'ip() { echo "2: $NIC inet 10.0.0.5/24 scope global"; }; nics | sed "s#^nic=.*#nic#"' LVS_ADDRESSES=10.0.0.5/24 NIC="$1" LVS_ROLE="$2"; }
  nic enx001122334455 director
  contains "$stdout" "refused=has 10.0.0.5/24 on enx001122334455: a name of 15 characters leaves no room"
  nic enp130s0f1np1 director
  [[ $stdout != *refused* ]] || fail "$stdout"
  nic enx001122334455 realServer
  [[ $stdout != *refused* ]] || fail "$stdout"
}

# refused: what is said against the role.
refused() { machine refusals; }

test_what_is_somebody_elses_is_refused() {
  printf 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' >"$T/os"
  mkdir -p "$T"/guest/{etc/keepalived,proc/net}
  cp "$T/os" "$T/guest/etc/os-release"
  : >"$T/guest/etc/keepalived/keepalived.conf"
  printf '%s\n' IP Prot "  ->" "TCP  0A000064:0050 rr" >"$T/guest/proc/net/ip_vs"
  refused
  contains "$stdout" "refused=has an IPVS table that is not the lab's"
  contains "$stdout" "keepalived/keepalived.conf"
  mkdir -p "$T/guest/var/lib/lvs-dr"
  echo lvs-dr/other >"$T/guest/var/lib/lvs-dr/owner"
  refused
  contains "$stdout" "refused=has a role of stack lvs-dr/other"
  # Our own is not asked.
  echo lvs-dr/one >"$T/guest/var/lib/lvs-dr/owner"
  refused
  [[ $stdout != *IPVS* ]] || fail "it takes its own table for somebody else's"
}

# lone SCRIPT [SETTING=VALUE...]: of a machine that has nothing of anybody's but what SCRIPT puts there; what is said against its role.
lone() {
  rm -rf "$T/guest"
  mkdir -p "$T/guest/etc"
  printf 'ID=debian\nVERSION_ID="12"\n' >"$T/guest/etc/os-release"
  machine 'cd '"$T"'/guest; rm -rf {etc,srv}/lvs-dr; ss() { [ ! -e sockets ] || cat sockets; }; ip() { [ ! -e shown ] || cat shown; }; '"$1"'; refusals' "${@:2}"
  exits 0
}

# alone WHAT SCRIPT [SETTING=VALUE...]: is refused by these words, and without what SCRIPT makes by none.
alone() {
  lone : "${@:3}"
  equals "$stdout" ""
  lone "${@:2}"
  contains "$stdout" "refused=$1"
}

test_each_thing_of_somebody_elses_is_refused_by_itself() {
  local each
  for each in ldirectord keepalived; do
    alone "runs a $each that is not the lab's (process 77)" "mkdir -p proc/77 && echo $each >proc/77/comm"
  done
  for each in etc/ha.d/ldirectord.cf etc/ldirectord.cf etc/keepalived/keepalived.conf; do
    alone "has a configuration that is not the lab's: $T/guest/$each" "mkdir -p ${each%/*} && : >$each"
  done
  for each in usr/local/sbin/lvs-dr etc/lvs-dr srv/lvs-dr; do
    alone "has $T/guest/$each, which no stack knows of" "mkdir -p ${each%/*} && : >$each"
  done
  alone "runs an nginx that is not the lab's" "mkdir -p proc/77 && echo nginx >proc/77/comm" LVS_PORTS=80
  alone "has the VIP 10.0.0.100 already" "echo '2: eth0 inet 10.0.0.100/32' >shown" LVS_VIPS=10.0.0.100/32
  alone "port 80 is somebody else's: users:((\"perl\"" "echo 'tcp LISTEN 0 1 0.0.0.0:80 0.0.0.0:* users:((\"perl\",pid=7,fd=3))' >sockets" LVS_PORTS=80
  alone "udp port 53 is somebody else's: a process" "echo 'udp UNCONN 0 0 [::]:53 *:*' >sockets" \
    LVS_WORKLOADS=dns LVS_WORKLOAD_0_PORTS=53 LVS_WORKLOAD_0_LISTENS="udp=53"
}

test_a_port_of_the_other_protocol_is_nobodys() {
  lone 'printf "%s\n" "udp UNCONN 0 0 0.0.0.0:80 0.0.0.0:*" "tcp LISTEN 0 1 0.0.0.0:8080 0.0.0.0:*" >sockets' LVS_PORTS=80
  equals "$stdout" ""
}

test_another_system_is_refused_by_its_name() {
  mkdir -p "$T/guest/etc"
  printf 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04 LTS"\n' >"$T/guest/etc/os-release"
  refused
  contains "$stdout" "refused=runs Ubuntu 24.04 LTS: Debian 12 or 13 is required"
}

# new_payload ROLE START: a payload of that role is at $NEW, and begins with START.
new_payload() {
  local name
  NEW="$T/guest/usr/local/sbin/lvs-dr.new"
  mkdir -p "$T"/guest/{var/lib,etc/systemd/system,run/systemd/system,usr/local/sbin}
  printf 'ID=debian\nVERSION_ID="13"\n' >"$T/guest/etc/os-release"
  guest_tools
  for name in tac find rmdir setsid install; do ln -sf "$(PATH=/usr/bin:/bin command -v "$name")" "$BIN/$name"; done
  for name in ip systemctl ss sysctl sync; do fake "$name" ''; done
  {
    printf '#!%s\n' "$BIN/bash"
    printf "readonly %s='%s'\n" LVS_ROLE "$1" LVS_SELF "$1 node" LVS_NODE node LVS_VIPS '' LVS_MACHINE lvs-dr/one
    guest_text common.sh addresses.sh foreign.sh machine.sh
    printf '%s\n' 'ROLE_NEEDS=()' "role_start() { $2; }" 'role_check() { :; }' "role_stop() { echo '$1 ends' >>$T/ended; }" 'dispatch "$@"'
  } >"$NEW"
  chmod 0700 "$NEW"
}

test_a_first_change_that_fails_leaves_nothing_and_says_why() {
  new_payload role "printf x | put $T/guest/etc/theirs/file; die 'no way on'"
  run "$NEW" install
  [[ $status != 0 ]] || fail "it came to an end"
  contains "$stderr" "no way on"
  [[ ! -e $T/guest/var/lib/lvs-dr && ! -e $T/guest/etc/theirs ]] || fail "left: $(find "$T/guest/var/lib" "$T/guest/etc")"
  equals "$(ls "$T/guest/usr/local/sbin")" ""
}

test_a_machine_that_gets_another_role_gives_the_former_back() {
  local etc="$T/guest/etc"
  new_payload director "printf x | put $etc/director/file"
  run "$NEW" install
  exits 0
  new_payload router "printf x | put $etc/router/file"
  run "$NEW" install
  exits 0
  equals "$(cat "$T/ended")" "director ends"
  [[ ! -e $etc/director && -e $etc/router/file ]] || fail "$(find "$etc")"
  # What ends the former one comes later.
  run "$T/guest/usr/local/sbin/lvs-dr" remove "director node"
  exits 0
  [[ -e $etc/router/file ]] || fail "the role is gone that the machine has now"
  run "$T/guest/usr/local/sbin/lvs-dr" remove "router node"
  exits 0
  [[ ! -e $etc/router && ! -e $T/guest/var/lib/lvs-dr ]] || fail "$(find "$etc" "$T/guest/var/lib")"
  equals "$(ls "$T/guest/usr/local/sbin")" ""
}

test_nothing_of_a_package_starts_by_itself() {
  printf 'old\n' >"$T/installed"
  fake dpkg-query 'case $* in *-L*new*) printf "%s\n" /usr/lib/systemd/system/theirs.service /lib/systemd/system/theirs.timer "$T/guest/etc/init.d/old-style" /usr/bin/theirs ;;
    *) sed "s/^/ii  /" "$T/installed" ;; esac'
  fake apt-get '[[ $* != *install* ]] || { echo new >>"$T/installed"; sh "$T/guest/usr/sbin/policy-rc.d" || echo "policy $?" >"$T/policy"; }'
  fake timeout 'shift 3; exec "$@"'
  export T
  machine '
    systemctl() { [[ $* != *disable* ]] || { printf "%s\n" "${*:3}"; [[ $* != *" old-style"*" "* ]]; }; }
    begin
    install_packages new
    sh '"$T"'/guest/usr/sbin/policy-rc.d && echo starts || echo "policy gone"'
  exits 0
  equals "$(cat "$T/policy")" "policy 101"
  # One after the other where they cannot be disabled at once.
  equals "$stdout" "$(lines "old-style.service theirs.service theirs.timer" old-style.service theirs.service theirs.timer "policy gone")"
}

test_packages_beside_the_roles_commands_are_installed_with_them() {
  fake dpkg-query 'case $* in *here*) echo installed ;; esac'
  machine 'plain_need() { :; }; install_packages() { echo "$*"; }; need bash:bash nowhere:first' LVS_PACKAGES="here second"
  exits 0
  equals "$stdout" "first second"
}

test_a_policy_of_the_owners_is_there_again_after_an_installation() {
  mkdir -p "$T/guest/usr/sbin"
  printf 'exit 101\n' >"$T/guest/usr/sbin/policy-rc.d"
  fake dpkg-query ''
  fake apt-get ''
  fake timeout ''
  machine 'begin; install_packages new'
  exits 0
  equals "$(cat "$T/guest/usr/sbin/policy-rc.d")" "exit 101"
}
