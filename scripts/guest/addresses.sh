#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2153
# Addresses of both families: the VIPs on their device, and what this node has of IPv6. Those of IPv4 it has when it boots. Settings:
# LVS_VIPS, and in a lab that has IPv6 LVS_ADDRESSES6 ("DEVICE=ADDRESS/LENGTH ...") and LVS_GATEWAY6 (but for the router).

# What the last `start` gave this node of IPv6.
readonly ADDRESSES6_FILE=/etc/lvs-dr/addresses6
readonly ADDRESSES6_DROPIN=lvs-dr-address6.conf

# has_address DEVICE ADDRESS/PREFIX
has_address() {
  ADDRESSES=${ADDRESSES-$(ip -o addr show)}
  [[ $ADDRESSES =~ (^|$'\n')[0-9]+:\ +"$1"\ +inet6?\ +"$2"\  ]]
}

# has_vip DEVICE VIP: of IPv6 one that is no source of anything but replies; otherwise it would be that of what goes to addresses it
# has more bits in common with than this node's own has.
has_vip() {
  has_address "$1" "$2" || return 1
  [[ $2 != *:* || $ADDRESSES =~ \ "$1"\ +inet6\ +"$2"\ [^$'\n']*deprecated ]]
}

# add_vips DEVICE LABEL VIPS: each on DEVICE.
add_vips() {
  local vip
  unset ADDRESSES
  for vip in $3; do
    if has_vip "$1" "$vip"; then continue; fi
    # IPv6 has no labels; there, nobody else's address is a host prefix.
    if [[ $vip == *:* ]]; then ip addr replace "$vip" dev "$1" preferred_lft 0 nodad; else ip addr add "$vip" dev "$1" label "$2"; fi
  done
}

# labelled DEVICE LABEL: the addresses that `add_vips` gave that label, one a line. Of IPv6 those that it deprecated: others may be of DHCP.
labelled() {
  local family address rest
  while read -r _ _ family address rest; do
    if [[ $family == inet6 ]]; then
      [[ $address != */128 || $rest != *deprecated* ]] || echo "$address"
    elif [[ " $rest" == *" $2\\"* ]]; then
      echo "$address"
    fi
  done < <(ip -o addr show dev "$1")
}

# drop_vips DEVICE LABEL VIPS: takes away all of them but VIPS.
drop_vips() {
  local old
  while read -r old; do
    [[ -z $old || " $3 " == *" $old "* ]] || ip addr del "$old" dev "$1"
  done < <(labelled "$1" "$2")
}

# expect_vip DEVICE VIP
expect_vip() {
  has_address "$1" "$2" || problem vip-missing "${2%/*}" "VIP $2 missing on $1"
  [[ $2 != *:* ]] || ! has_address "$1" "$2" || has_vip "$1" "$2" ||
    problem vip-preferred "${2%/*}" "VIP $2 on $1 is not deprecated: this node may speak as the VIP on its own account"
}

expect_vips_on() {
  local vip
  for vip in $LVS_VIPS; do expect_vip "$1" "$vip"; done
}

# declare_to_networkd DEVICE DROPIN: stdin is an addition to what networkd, if it is what configures DEVICE, was told of it.
declare_to_networkd() {
  local line file=''
  # As networkctl(1) says it, which needs D-Bus; the lab's own image has none.
  while read -r line; do
    [[ $line != NETWORK_FILE=* ]] || file=${line#NETWORK_FILE=}
  done <"/run/systemd/netif/links/$(<"/sys/class/net/$1/ifindex")"
  [[ $file == *.network ]] || return 0
  put "/etc/systemd/network/${file##*/}.d/$2" || written $?
}

# addresses6: this node's addresses and gateway of IPv6, in force and, where networkd configures the NICs, at the next boot. There is
# nobody else on the segment who could have one of them: no DAD, which would hold each back for a second or two.
addresses6() {
  local pair device address text
  for pair in ${LVS_ADDRESSES6:-}; do
    device=${pair%%=*} address=${pair#*=}
    has_address "$device" "$address" || ip addr add "$address" dev "$device" nodad
    text=''
    [[ -z ${LVS_GATEWAY6:-} ]] || text="[Network]"$'\n'"Gateway=$LVS_GATEWAY6"$'\n'
    for address in $LVS_ADDRESSES6; do
      [[ $address != "$device="* ]] || text+="[Address]"$'\n'"Address=${address#*=}"$'\n'"DuplicateAddressDetection=none"$'\n'
    done
    ! is_active systemd-networkd.service || declare_to_networkd "$device" "$ADDRESSES6_DROPIN" <<<"$text"
  done
  [[ -z ${LVS_GATEWAY6:-} ]] || ip -6 route replace default via "$LVS_GATEWAY6"
}

# leave_addresses6 STAYING: takes away what the last `start` gave and is not among STAYING.
leave_addresses6() {
  local pair former=''
  [[ ! -e $ADDRESSES6_FILE ]] || former=$(<"$ADDRESSES6_FILE")
  [[ $former != "$1" ]] || return 0
  for pair in $former; do
    [[ " $1 " == *" $pair "* ]] || ip addr del "${pair#*=}" dev "${pair%%=*}" 2>/dev/null || true
  done
  if [[ -n $1 ]]; then
    put "$ADDRESSES6_FILE" <<<"$1" || written $?
  else
    rm -f "$ADDRESSES6_FILE" /etc/systemd/network/*.network.d/"$ADDRESSES6_DROPIN"
    ip -6 route del default 2>/dev/null || true
  fi
}

expect_addresses6() {
  local pair
  for pair in ${LVS_ADDRESSES6:-}; do
    has_address "${pair%%=*}" "${pair#*=}" || problem address-missing "${pair#*=}" "address ${pair#*=} missing on ${pair%%=*}"
  done
  [[ -z ${LVS_GATEWAY6:-} || $(ip -6 route show default) == "default via $LVS_GATEWAY6 "* ]] ||
    problem route-differs default "default route of IPv6 does not go through $LVS_GATEWAY6"
}
