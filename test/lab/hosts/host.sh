#!/usr/bin/env bash
# A second host for libvirt on this machine, with processes, files, a network and a libvirtd of its own. A link (the underlay) joins it to
# the network namespace of the lab, and there is no other way out. It is reached as another host is: by SSH as root.
#
#   host.sh up NAME [MTU]     makes and boots it, or does what is missing of that; MTU is the link's (1500 where it is not there yet)
#   host.sh power-off NAME    pulls its plug: every process is killed, and of its network nothing is left but the link's end, down
#   host.sh power-on NAME     boots it again
#   host.sh down NAME         nothing of it is left; at once where there is nothing
#
# `up` and `power-on` print what is needed to reach it as one JSON object, which is in DIRECTORY/facts.json too.
# DIRECTORY is LVS_DR_HOST_DIR, or /var/tmp/lvs-dr-host-NAME: disk images need space.
set -euo pipefail

HERE="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)"
readonly SCRIPTS="$HERE/../../../scripts/host"
# shellcheck source-path=SCRIPTDIR source=../../../scripts/host/lib.sh
source "$SCRIPTS/lib.sh"

readonly COMMAND="${1:-}" NAME="${2:-}" MTU="${3:-}"
readonly SPACE="lvs-lab-$NAME" LINK=underlay FIRST_LINK="ul-$NAME" SPARE_LINK="off-$NAME"
readonly DIRECTORY="${LVS_DR_HOST_DIR:-/var/tmp/lvs-dr-host-$NAME}"
readonly BOOT_DEADLINE=120 SSHD=/usr/sbin/sshd

# first COMMAND…: in the network namespace of the first host, where scripts/lab runs its guests.
first() {
  local where
  where="$(lab_namespace)"
  case "$where" in
    here) "$@" ;;
    "$NETNS") ip netns exec "$NETNS" "$@" ;;
    *) say "there is no libvirtd to put a second one beside ($where)" && return 1 ;;
  esac
}

# init_pid: of the host's first process, if it is powered on. It is told from a later process of the same number by when it began.
init_pid() {
  local pid began
  [[ -e $DIRECTORY/init ]] || return 1
  read -r pid began <"$DIRECTORY/init"
  [[ "$(began "$pid")" == "$began" ]] && ! is_zombie "$pid" || return 1
  echo "$pid"
}
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
is_on() { init_pid >/dev/null; }

# address N: of the first host (1), of this one (2).
address() { echo "10.199.$(cat "$DIRECTORY/number").$1"; }

# free_number: of a /24 that no other host's link has.
free_number() {
  local number taken
  taken="$(first ip -o -4 addr show)"
  for number in {0..254}; do
    [[ $taken == *" 10.199.$number."* ]] || { echo "$number" && return 0; }
  done
  die "10.199.0.0/16 is used up"
}

# make_files: the keys, and what a host that has just been installed has. libvirt's settings are this machine's, its objects none.
make_files() {
  local path disk="$DIRECTORY/disk"
  for path in run tmp var/tmp root var/lib/libvirt var/cache/libvirt var/log/libvirt etc/ssh etc/libvirt/qemu/networks; do
    install -d "$disk/$path"
  done
  chmod 1777 "$disk/tmp" "$disk/var/tmp"
  chmod 0700 "$disk/root"
  chmod 0711 "$disk/var/cache/libvirt"
  # libvirt's own layout, of which the package makes a part: empty.
  (cd /var/lib/libvirt && find . -mindepth 1 -maxdepth 1 -type d -print0 | tar -c --no-recursion --null -T -) | tar -x -C "$disk/var/lib/libvirt"
  cp -a /etc/libvirt/*.conf /etc/libvirt/nwfilter "$disk/etc/libvirt/"
  # Two hosts of one identity are one host to libvirt.
  echo "host_uuid = \"$(cat /proc/sys/kernel/random/uuid)\"" >>"$disk/etc/libvirt/libvirtd.conf"
  ssh-keygen -q -t ed25519 -N '' -C "$NAME" -f "$disk/etc/ssh/host"
  ssh-keygen -q -t ed25519 -N '' -C "login-$NAME" -f "$DIRECTORY/login"
  cp "$DIRECTORY/login.pub" "$disk/etc/ssh/authorized_keys"
  cat >"$disk/etc/ssh/sshd_config" <<SETTINGS
Port 22
ListenAddress $(address 2)
HostKey /etc/ssh/host
AuthorizedKeysFile /etc/ssh/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile /run/sshd.pid
LogLevel VERBOSE
SETTINGS
  echo "$(address 2) $(host_key)" >"$DIRECTORY/known_hosts"
  # virsh runs this for ssh: it trusts this host alone, whatever root's own known_hosts says.
  printf '#!/bin/sh\nexec ssh -F none -o UserKnownHostsFile=%q -o GlobalKnownHostsFile=/dev/null "$@"\n' "$DIRECTORY/known_hosts" >"$DIRECTORY/ssh"
  chmod 0700 "$DIRECTORY/ssh"
  # The last: a directory without it is not whole.
  touch "$DIRECTORY/made"
}
host_key() { cut -d ' ' -f 1,2 "$DIRECTORY/disk/etc/ssh/host.pub"; }

make_host() {
  [[ ! -e $DIRECTORY/made ]] || return 0
  [[ -x $SSHD ]] || die "there is no $SSHD: $(install_command openssh-server)"
  [[ ! -d $DIRECTORY ]] || tear_down
  install -d -m 0700 "$DIRECTORY"
  free_number >"$DIRECTORY/number"
  make_files
}

# make_link: both ends are the first host's until this one is powered on.
make_link() {
  if first ip link show "$FIRST_LINK" >/dev/null 2>&1; then return 0; fi
  first ip link add "$FIRST_LINK" mtu 1500 type veth peer name "$SPARE_LINK" mtu 1500
  first ip addr add "$(address 1)/24" dev "$FIRST_LINK"
  first ip link set "$FIRST_LINK" up
}

set_mtu() {
  first ip link set "$FIRST_LINK" mtu "$1"
  in_space ip link set "$LINK" mtu "$1"
}
in_space() { nsenter --target "$(init_pid)" --net "$@"; }

run_ssh() { first "$DIRECTORY/ssh" -i "$DIRECTORY/login" -o BatchMode=yes -o ConnectTimeout=5 "root@$(address 2)" "$@" </dev/null; }
answers() { run_ssh virsh -q -c qemu:///system uri >/dev/null 2>&1; }
gone() { [[ ! -d /proc/$1 ]] || is_zombie "$1"; }

has_spare() { first ip link show "$SPARE_LINK" >/dev/null 2>&1; }
boot() {
  local deadline=$((SECONDS + BOOT_DEADLINE))
  if ! is_on; then
    rm -f "$DIRECTORY/init"
    # Not our environment, terminal, pipes or lock.
    setsid env -i PATH="$PATH" LC_ALL=C.UTF-8 unshare --mount --propagation private --pid --net --uts --fork \
      "$HERE/boot.sh" "$NAME" "$DIRECTORY" "$(address 2)/24" >"$DIRECTORY/console.log" 2>&1 </dev/null 8>&- &
    wait_for 10 is_on || die "$NAME does not start: $(tail -n 3 "$DIRECTORY/console.log")"
  fi
  # Whoever was to do this may have been killed before.
  if has_spare; then first ip link set "$SPARE_LINK" netns "$(init_pid)" name "$LINK"; fi
  if [[ "$(ip netns identify "$(init_pid)")" != "$SPACE" ]]; then
    rm -f "/run/netns/$SPACE"
    ip netns attach "$SPACE" "$(init_pid)"
  fi
  until answers; do
    { is_on && ((SECONDS < deadline)); } || die "$NAME does not answer after $BOOT_DEADLINE s: $(tail -n 3 "$DIRECTORY/console.log" | tr '\n' ' ')"
    sleep 0.2
  done
}

# pids_in INODE: whatever somebody has brought into that network namespace, too.
pids_in() {
  local process
  for process in /proc/[0-9]*; do
    [[ "$(netns_of "${process#/proc/}")" != "$1" ]] || echo "${process#/proc/}"
  done
}

# power_off: the link first, as then nothing more is heard of the host. Its first process, without which the kernel ends all others. Then the
# link's end goes back to the first host, and the rest of the network with the namespace.
power_off() {
  local pid init inode
  init="$(init_pid)" || return 0
  exec 9<"/proc/$init/ns/net"
  inode="$(netns_of "$init")"
  nsenter --net=/proc/self/fd/9 ip link set "$LINK" down 2>/dev/null || true
  kill -KILL "$init"
  wait_for 30 gone "$init" || die "the first process of $NAME ($init) does not end"
  rm -f "$DIRECTORY/init"
  # shellcheck disable=SC2016 # for the inner shell, in the first host's namespace
  has_spare ||
    first bash -c 'exec 7</proc/self/ns/net; exec nsenter --net=/proc/self/fd/9 ip link set "$1" netns /proc/self/fd/7 name "$2"' - "$LINK" "$SPARE_LINK" ||
    say "notice: the link to $NAME is gone: host.sh down $NAME"
  for pid in $(pids_in "$inode"); do
    kill -KILL "$pid" 2>/dev/null || true
    wait_for 10 gone "$pid" || die "process $pid of $NAME does not end"
  done
  exec 9<&-
  ip netns delete "$SPACE" 2>/dev/null || rm -f "/run/netns/$SPACE"
}

tear_down() {
  power_off
  # With its other end.
  first ip link delete "$FIRST_LINK" 2>/dev/null || true
  rm -rf --one-file-system "$DIRECTORY"
}

facts() {
  local key value separator="" line
  while IFS='=' read -r key value; do
    [[ $value =~ ^[0-9]+$ ]] || value="$(json_string "$value")"
    line+="$separator$(json_string "$key"):$value"
    separator=,
  done <<FACTS
name=$NAME
namespace=$SPACE
directory=$DIRECTORY
address=$(address 2)
firstAddress=$(address 1)
link=$LINK
firstLink=$FIRST_LINK
mtu=$(first cat "/sys/class/net/$FIRST_LINK/mtu")
user=root
port=22
keyFile=$DIRECTORY/login
hostKey=$(host_key)
knownHosts=$DIRECTORY/known_hosts
ssh=$DIRECTORY/ssh
libvirtUri=qemu+ssh://root@$(address 2):22/system?keyfile=$DIRECTORY/login&command=$DIRECTORY/ssh&knownhosts=$DIRECTORY/known_hosts
initPid=$(init_pid)
FACTS
  echo "{$line}" >"$DIRECTORY/facts.json"
  cat "$DIRECTORY/facts.json"
}

main() {
  [[ $NAME =~ ^[a-z][a-z0-9]{0,8}$ && ($# -eq 2 || ($COMMAND == up && $MTU =~ ^[0-9]+$)) ]] ||
    die "usage: host.sh up|power-off|power-on|down NAME [MTU]: a name of at most 9 lower-case letters and digits"
  is_root || die "host.sh must run as root"
  # `ip netns` itself locks /run/netns.
  exec 8</run
  flock 8
  case "$COMMAND" in
    up)
      "$SCRIPTS/daemons.sh" 8>&-
      make_host
      make_link
      boot
      [[ -z $MTU ]] || set_mtu "$MTU"
      facts
      ;;
    power-on)
      [[ -e $DIRECTORY/made ]] || die "there is no host $NAME: host.sh up $NAME"
      boot
      facts
      ;;
    power-off) power_off ;;
    down) tear_down ;;
    *) die "host.sh does not know \"$COMMAND\"" ;;
  esac
}
main "$@"
