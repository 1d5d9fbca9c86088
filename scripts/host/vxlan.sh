#!/usr/bin/env bash
# Joins a segment's bridge on this host to those on other hosts by VXLAN. Sent over SSH to hosts that have nothing of the project's: needs
# bash, iproute2 and iputils-ping alone. Changes nothing but the devices that it makes; whoever is not root needs sudo without a password.
#
#   vxlan.sh join DEVICE VNI LOCAL MTU BRIDGE PEER…   DEVICE, from LOCAL to each PEER, is a port of BRIDGE; at once when it is so
#   vxlan.sh joined DEVICE VNI LOCAL MTU BRIDGE PEER… changes nothing: fails where `join` would change something
#   vxlan.sh part DEVICE                              it is gone
#   vxlan.sh underlay LOCAL [BYTES PEER…]             prints the MTU of the NIC with that address; a packet of BYTES reaches each PEER whole
#   vxlan.sh prove BYTES ADDRESS…                     a packet of BYTES reaches each ADDRESS whole, which may take some seconds
set -euo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

readonly PORT=4789 NOBODY=00:00:00:00:00:00
# Seconds for a segment that has just been joined to carry a packet.
readonly PROOF_SECONDS=20

die() {
  printf '%s: %s\n' "$(uname -n)" "$*" >&2
  exit 1
}

as_root() { if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi; }

# device_of ADDRESS: the NIC that has it.
device_of() {
  local device address
  while read -r _ device _ address _; do
    if [[ ${address%/*} == "$1" ]]; then echo "$device" && return; fi
  done < <(ip -o addr show)
  return 1
}

# is_joined DEVICE VNI LOCAL MTU BRIDGE: it is there, and so.
is_joined() {
  local found
  found="$(ip -o -d link show dev "$1" 2>/dev/null)" || return 1
  [[ $found =~ \ mtu\ "$4"\  && $found =~ \ master\ "$5"\  && $found =~ \ vxlan\ id\ "$2"\ local\ "$3"\  && $found =~ [,\<]UP[,\>] ]]
}

# peers_of DEVICE: whom frames for everybody go to.
peers_of() {
  local mac word peer
  while read -r mac word peer _; do
    [[ $mac != "$NOBODY" || $word != dst ]] || echo "$peer"
  done < <(bridge fdb show dev "$1" 2>/dev/null)
}

join() {
  local device=$1 vni=$2 local=$3 mtu=$4 bridge=$5 peer peers
  shift 5
  [[ -e /sys/class/net/$bridge/bridge ]] || die "there is no bridge $bridge to join to other hosts"
  device_of "$local" >/dev/null || die "no NIC has the underlay's address $local"
  if ! is_joined "$device" "$vni" "$local" "$mtu" "$bridge"; then
    as_root ip link delete dev "$device" 2>/dev/null || true
    as_root ip link add "$device" type vxlan id "$vni" dstport "$PORT" local "$local" ||
      die "cannot make the VXLAN device $device with the number $vni: another one may have it (ip -d link show type vxlan)"
    as_root ip link set dev "$device" mtu "$mtu" master "$bridge" up
    echo "made the VXLAN device $device, a port of $bridge"
  fi
  peers=" $(peers_of "$device" | tr '\n' ' ')"
  for peer in "$@"; do
    [[ $peers == *" $peer "* ]] || as_root bridge fdb append "$NOBODY" dev "$device" dst "$peer"
  done
  for peer in $peers; do
    [[ " $* " == *" $peer "* ]] || as_root bridge fdb del "$NOBODY" dev "$device" dst "$peer"
  done
}

joined() {
  local device=$1 peers peer
  [[ -e /sys/class/net/$device ]] || die "there is no $device"
  is_joined "${@:1:5}" || die "$device is not as \`up\` makes it: $(ip -o -d link show dev "$device")"
  peers=" $(peers_of "$device" | tr '\n' ' ')"
  for peer in "${@:6}"; do
    [[ $peers == *" $peer "* ]] || die "$device does not lead to $peer"
  done
}

part() {
  [[ ! -e /sys/class/net/$1 ]] || as_root ip link delete dev "$1"
}

# carries BYTES ADDRESS: one packet of so many bytes, IP's and ICMP's headers among them, comes back whole.
carries() {
  local headers=28
  [[ $2 != *:* ]] || headers=48
  ping -q -n -c 1 -W 1 -M "do" -s $(($1 - headers)) "$2" >/dev/null 2>&1
}

# must_carry SECONDS BYTES ADDRESS
must_carry() {
  command -v ping >/dev/null || die "ping is not installed: apt-get install iputils-ping"
  local deadline=$((SECONDS + $1))
  until carries "$2" "$3"; do
    ((SECONDS < deadline)) || {
      # A small one tells a path that is too narrow from none.
      if carries 84 "$3"; then die "a packet of $2 bytes does not reach $3 whole, smaller ones do: the path's MTU is lower"; fi
      die "$3 does not answer"
    }
    sleep 0.2
  done
}

underlay() {
  local device peer
  device="$(device_of "$1")" || die "no NIC has the underlay's address $1"
  for peer in "${@:3}"; do must_carry 3 "$2" "$peer"; done
  echo "$(<"/sys/class/net/$device/mtu")"
}

prove() {
  local address
  for address in "${@:2}"; do must_carry "$PROOF_SECONDS" "$1" "$address"; done
}

case "${1:-}" in
  join | joined | part | underlay | prove) "$@" ;;
  *)
    echo "usage: vxlan.sh join|joined|part|underlay|prove ARGUMENT…" >&2
    exit 2
    ;;
esac
