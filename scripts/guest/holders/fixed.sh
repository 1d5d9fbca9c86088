#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The one director holds the VIPs: they are on its NIC as long as it runs. Needs declaredVips.sh; what a holder is, says director.sh.

HOLDER_NEEDS=()
HOLDER_SYSCTLS=()

holder_validate() { :; }

hold_vips() {
  # There were two directors.
  if [[ -e /etc/systemd/system/lvs-dr-keepalived.service ]]; then
    systemctl -q disable --now lvs-dr-keepalived.service || true
    rm -f /etc/systemd/system/lvs-dr-keepalived.service /etc/lvs-dr/keepalived.conf
  fi
  add_vips "$LVS_IF" "$LVS_IF:vip" "$LVS_VIPS"
}

yield_vips() { :; }

settle_vips() {
  drop_vips "$LVS_IF" "$LVS_IF:vip" "$LVS_VIPS"
  declare_vips
}

release_vips() {
  drop_vips "$LVS_IF" "$LVS_IF:vip" ""
  rm -f /etc/systemd/network/*.network.d/"$NETWORK_DROPIN"
  if is_active NetworkManager.service; then declare_to_networkmanager ""; fi
}

check_vips() { expect_vips_on "$LVS_IF"; }
holder_details() { :; }
