#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The one director holds the VIPs: they are on its NIC as long as it runs. Needs declaredVips.sh and keepalived.sh; what a holder is, says director.sh.

HOLDER_NEEDS=()
HOLDER_SYSCTLS=()

holder_validate() { :; }

hold_vips() {
  # There were two directors, and it would take the VIPs with it.
  [[ ! -e $KEEPALIVED_CONF || $(<"$KEEPALIVED_CONF") != *vrrp_instance* ]] || keepalived_ends
  add_vips "$LVS_IF" "$VIP_LABEL" "$LVS_VIPS"
}

yield_vips() { :; }

settle_vips() {
  drop_vips "$LVS_IF" "$VIP_LABEL" "$LVS_VIPS"
  declare_vips
}

release_vips() {
  drop_vips "$LVS_IF" "$VIP_LABEL" ""
  rm -f /etc/systemd/network/*.network.d/"$NETWORK_DROPIN"
  if is_active NetworkManager.service; then declare_to_networkmanager ""; fi
}

check_vips() { expect_vips_on "$LVS_IF"; }
holder_details() { :; }
