#!/usr/bin/env bash
# The first process of a host that host.sh makes: gives it its files, starts its daemons, and waits for whatever else loses its parent.
# It is in namespaces of its own, and when it is killed the kernel kills every other process of the host.
#
#   boot.sh NAME DIRECTORY ADDRESS/LENGTH
set -euo pipefail

readonly NAME="$1" DIRECTORY="$2" ADDRESS="$3"
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)"

# own PATH…: the host's in the place of this machine's.
own() {
  local path
  for path in "$@"; do mount --bind "$DIRECTORY/disk$path" "$path"; done
}

# The old /proc, which is host.sh's, knows this process by host.sh's number for it.
read -ra self </proc/self/stat
mount -t proc proc /proc
# The network's own. Without the control groups, which are this machine's: libvirt does without where none are mounted.
umount --lazy /sys
mount -t sysfs sysfs /sys
# A copy of another namespace's name would keep it alive.
umount --lazy /run/netns 2>/dev/null || true
hostname "$NAME"
rm -rf "$DIRECTORY"/disk/{run,tmp}/{,.[!.]}*
# Were these this machine's, a file that the first host has made would seem to be there on the second too.
own /run /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /etc/libvirt /etc/ssh /root /tmp
install -d -m 0755 /run/sshd
install -d -m 1777 /run/lock
if [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]]; then
  sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
fi
echo "${self[0]} ${self[21]}" >"$DIRECTORY/init.new"
mv "$DIRECTORY/init.new" "$DIRECTORY/init"
# The checkout and, as the last since this host's own files may be below it, /var/tmp.
mount -t tmpfs -o ro,size=4k,mode=0755 none "$ROOT"
own /var/tmp
cd /

ip link set lo up
until ip link set underlay up 2>/dev/null; do sleep 0.1; done
ip addr add "$ADDRESS" dev underlay
virtlogd -d
libvirtd -d
/usr/sbin/sshd -e -D &
# bash takes in the orphans whenever a process of its own ends.
while :; do
  sleep 1 &
  wait -n || true
done
