#!/usr/bin/env bash
# The guest image does what the lab needs: boots cheaply and healthy from its command line and seed, survives reboot, obeys the power button, and has every
# scheduler, module and ldirectord check that the roles use. One guest under plain QEMU; about a minute.
# usage: image.sh [IMAGE-DIRECTORY]
# shellcheck disable=SC2016 # what stands in single quotes is for the guest's shell
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../scripts/image" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../scripts/image/lib.sh
source "$scripts/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../scripts/image/throwaway.sh
source "$scripts/throwaway.sh"

failures=0
# The lab has five such boots on two cores: with more, `up` takes minutes. 5.1 on a fast host where nothing else runs; a busy one adds to it.
readonly BOOT_CPU_SECONDS=25

# check NAME COMMAND…: the command must succeed in the guest.
check() {
    local name=$1
    shift
    if guest_ssh "$@" >"$guest_work/output" 2>&1; then
        echo "ok   $name"
    else
        echo "FAIL $name: $(tail -n 5 "$guest_work/output")"
        failures=$((failures + 1))
    fi
}

# check_cost: of the boot that has just come as far as sshd's banner.
check_cost() {
    local used
    used=$(guest_cpu)
    if awk -v used="$used" -v limit="$BOOT_CPU_SECONDS" 'BEGIN { exit used > limit }'; then
        echo "ok   sshd answers after $used CPU-s (at most $BOOT_CPU_SECONDS)"
    else
        echo "FAIL sshd answers after $used CPU-s (at most $BOOT_CPU_SECONDS)"
        failures=$((failures + 1))
    fi
}

check_boot() {
    check "$1: systemd is up, no unit failed" 'test "$(systemctl is-system-running --wait)" = running'
    check "$1: both addresses of one interface" 'ip -br -4 a show eth0 | grep -q "192.0.2.15/24 192.0.2.77/20"'
    check "$1: default route" 'ip route | grep -q "^default via 192.0.2.2 dev eth0"'
    check "$1: host name" 'test "$(hostname)" = throwaway'
    check "$1: machine id" 'grep -qE "^[0-9a-f]{32}$" /etc/machine-id'
}

check_functions() {
    local scheduler module
    for scheduler in rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh; do
        check "scheduler $scheduler" "ipvsadm -A -t 198.51.100.1:80 -s $scheduler && ipvsadm -a -t 198.51.100.1:80 -r 192.0.2.9 -g && ipvsadm -D -t 198.51.100.1:80"
    done
    for module in ip_vs_ftp ip_vs_pe_sip dummy sch_netem sch_tbf nf_conntrack nf_tables arp_tables arptable_filter iptable_mangle iptable_nat nft_ct veth bonding 8021q; do
        check "module $module" "modprobe $module"
    done
    check "netem on an interface" 'tc qdisc add dev eth0 root netem delay 1ms loss 0% && tc qdisc del dev eth0 root'
    check "nft" 'nft add table inet t && nft add chain inet t c "{ type filter hook input priority 0; }" && nft add rule inet t c ct state invalid counter && nft delete table inet t'
    check "iptables" 'iptables -t mangle -A PREROUTING -d 198.51.100.1 -p tcp --dport 80 -j MARK --set-mark 1 && iptables -t mangle -F'
    check "arptables mangles" 'arptables -A INPUT -d 198.51.100.1 -j DROP && arptables -A OUTPUT -s 198.51.100.1 -j mangle --mangle-ip-s 192.0.2.15 && arptables -F'
    check "tools" 'command -v nginx ldirectord keepalived curl wrk tcpdump conntrack arping ping nc jq openssl ethtool sysctl ss'
    check "none of the roles' services runs" '! systemctl is-active nginx ldirectord keepalived'
    check "ldirectord's Perl modules" 'perl -e "use LWP::UserAgent; use LWP::Debug; use LWP::Protocol::https; use Net::HTTP; use Net::INET6Glue::INET_is_INET6; use Net::SMTP;
        use Mail::POP3Client; use Net::IMAP::Simple; use Net::IMAP::Simple::SSL; use Net::LDAP; use IO::Socket::INET6; use Authen::Radius; use DBI; use DBD::mysql; use DBD::Pg;
        use Net::FTP; use Net::DNS; use Net::Ping; use Digest::MD5; use Digest::HMAC; use Mail::Send; use Sys::Syslog; use Socket6; use Crypt::SSLeay"'
    check "ldirectord fills the table" 'printf "%s\n" checktimeout=3 "virtual=198.51.100.1:80" "    real=127.0.0.1:80 gate 5" "    checktype=on" "    scheduler=wrr" >/tmp/ld.cf &&
        ldirectord /tmp/ld.cf start && timeout 20 sh -c "until ipvsadm -Sn | grep -q -- \"-r 127.0.0.1:80 -g -w 5\"; do sleep 0.5; done" && ldirectord /tmp/ld.cf stop'
    check "a restart of networkd keeps a VIP" 'ip addr add 198.51.100.1/32 dev eth0 && systemctl restart systemd-networkd && sleep 3 && ip -br a show eth0 | grep 198.51.100.1/32 | grep 192.0.2.15/24'
    check "/run/lock/subsys, /dev/shm, /tmp" 'test -d /run/lock/subsys -a -w /dev/shm -a -k /tmp'
    check "only root's key opens the door" 'sshd -T | grep -qx "passwordauthentication no" && sshd -T | grep -qx "permitrootlogin without-password" && sshd -T | grep -qx "usedns no"'
    check "no more than one host key" 'test "$(ls /etc/ssh/ssh_host_*_key)" = /etc/ssh/ssh_host_ed25519_key'
}

await_end() {
    local deadline=$((SECONDS + 60))
    while guest_alive && ((SECONDS < deadline)); do sleep 0.5; done
    if guest_alive; then
        echo "FAIL $1" && failures=$((failures + 1))
    else
        echo "ok   $1"
    fi
}

main() {
    local image=${1:-$("$scripts/path.sh")} boot id
    trap guest_stop EXIT
    guest_start "$image" 'ip=192.0.2.77:::255.255.240.0::eth0:off'
    guest_wait
    check_cost
    check_boot 'first boot'
    check_functions
    id=$(guest_ssh 'cat /etc/machine-id; touch /root/survives')
    boot=$(guest_ssh 'cat /proc/sys/kernel/random/boot_id')
    guest_ssh reboot || true
    until [[ $(guest_ssh -o ConnectTimeout=2 'cat /proc/sys/kernel/random/boot_id' 2>/dev/null || true) != @("$boot"|'') ]]; do
        guest_alive || die "QEMU has ended at reboot"
        ((SECONDS < 300)) || die "the guest does not come back from its reboot"
        sleep 1
    done
    check_boot 'after reboot'
    check 'after reboot: disk and machine id are the same' "test -e /root/survives && test '$id' = \$(cat /etc/machine-id)"
    echo system_powerdown >"$guest_work/monitor.in"
    await_end 'power button'
    ((failures == 0)) || die "$failures checks failed"
}

main "$@"
