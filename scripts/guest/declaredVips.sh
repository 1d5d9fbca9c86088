#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154
# A director's VIPs told to whoever configures its NIC, so that they outlive a restart of that. Settings: LVS_IF, LVS_VIPS.

readonly NETWORK_DROPIN=lvs-dr-vip.conf
# Marks what is ours on the NIC. Longer ones the kernel does not take.
VIP_LABEL=$LVS_IF:vip
readonly VIP_LABEL=${VIP_LABEL:0:15}

# networkd and NetworkManager drop addresses that they were not told of when they configure the NIC anew: tell the one
# that does. They are in force already.
declare_vips() {
  if is_active systemd-networkd.service; then
    declare_vips_to_networkd
  elif is_active NetworkManager.service; then
    declare_to_networkmanager "$LVS_VIPS"
  fi
}

declare_vips_to_networkd() {
  local vip
  for vip in $LVS_VIPS; do
    if [[ $vip == *:* ]]; then
      printf '[Address]\nAddress=%s\nPreferredLifetime=0\nDuplicateAddressDetection=none\n' "$vip"
    else
      printf '[Address]\nAddress=%s\nLabel=%s\n' "$vip" "$VIP_LABEL"
    fi
  done | declare_to_networkd "$LVS_IF" "$NETWORK_DROPIN"
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
    # It has no word for an address that is no source of anything.
    [[ $vip != *:* ]] || continue
    [[ $had == *" $vip "* ]] || change+=(+ipv4.addresses "$vip")
  done
  ((${#change[@]} == 0)) || nmcli connection modify "$profile" "${change[@]}"
}
