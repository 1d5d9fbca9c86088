#!/usr/bin/env bash
# The first process of a test's own machine-in-small: network, mount and process namespaces that unshare(1) has made, in which
# everything ends when this does. Lays a writable layer in memory over the root file system ROOT, gives the network one segment with ADDRESS
# on it, says "ready", and ends when its standard input does: the tests may die in any way, and leave nothing.
# usage: unshare --net --mount --pid --fork --kill-child box.sh ROOT ADDRESS/PREFIX
set -euo pipefail

mounts() {
  local root=$1 node
  mount --make-rprivate /
  mount -t tmpfs -o mode=0755 box /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  mount -t overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" box /mnt/root
  cd /mnt/root
  mount -t proc proc proc
  mount -t tmpfs -o mode=0755 run run
  mount -t tmpfs -o mode=1777 tmp tmp
  mount -t tmpfs -o mode=0755 dev dev
  for node in null zero full random urandom; do
    : >"dev/$node"
    mount --bind "/dev/$node" "dev/$node"
  done
  mkdir -m 1777 dev/shm
  ln -s /proc/self/fd dev/fd
  ln -s fd/2 dev/stderr
  ln -s fd/1 dev/stdout
}

# A bridge without ports: an address that nobody has is asked for and never answered, as on a segment whose machine is off.
network() {
  ip link set lo up
  ip link add lan type bridge
  ip addr add "$1" dev lan
  ip link set lan up
}

main() {
  mounts "$1"
  network "$2"
  : >in-the-box
  # Ready only when the root has changed: before that, this process's root is the host's. bash, for it reaps what others leave to the first
  # process.
  exec chroot . /bin/bash -c 'echo ready; cat >/dev/null; :'
}
main "$@"
