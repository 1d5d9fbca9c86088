#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154
# A director's VIPs told to whoever configures its NIC, so that they outlive a restart of that. Settings: LVS_IF, LVS_VIPS.

readonly NETWORK_DROPIN=lvs-dr-vip.conf

# networkd and NetworkManager drop addresses that they were not told of when they configure the NIC anew: tell the one
# that does. They are in force already.
declare_vips() {
  local vip
  if is_active systemd-networkd.service; then
    for vip in $LVS_VIPS; do printf '[Address]\nAddress=%s\nLabel=%s:vip\n' "$vip" "$LVS_IF"; done | declare_to_networkd
  elif is_active NetworkManager.service; then
    declare_to_networkmanager "$LVS_VIPS"
  fi
}

# declare_to_networkd: what stdin has is part of the NIC's configuration from its next start on.
declare_to_networkd() {
  local line file=''
  # As networkctl(1) says it, which needs D-Bus; the lab's own image has none.
  while read -r line; do
    [[ $line != NETWORK_FILE=* ]] || file=${line#NETWORK_FILE=}
  done <"/run/systemd/netif/links/$(<"/sys/class/net/$LVS_IF/ifindex")"
  [[ $file == *.network ]] || return 0
  put "/etc/systemd/network/${file##*/}.d/$NETWORK_DROPIN" || written $?
}

# declare_to_networkmanager VIPS: any other host prefix in the profile was a VIP of ours; no NIC of a guest has one otherwise.
declare_to_networkmanager() {
  local vips=$1 profile old vip had=" " change=()
  profile=$(nmcli -g GENERAL.CON-UUID device show "$LVS_IF")
  [[ -n $profile ]] || return 0
  while read -r old; do
    [[ $old =~ /(32|128)$ ]] || continue
    had+="$old "
    [[ " $vips " == *" $old "* ]] && continue
    change+=(-ipv4.addresses "$old")
    # NetworkManager gives no label, by which drop_vips knows what is ours.
    ip addr del "$old" dev "$LVS_IF" 2>/dev/null || true
  done < <(nmcli -g ipv4.addresses connection show "$profile" | tr -s ', ' '\n')
  for vip in $vips; do
    [[ $had == *" $vip "* ]] || change+=(+ipv4.addresses "$vip")
  done
  ((${#change[@]} == 0)) || nmcli connection modify "$profile" "${change[@]}"
}
