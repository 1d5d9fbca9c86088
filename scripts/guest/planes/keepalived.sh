#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The control plane keepalived: its checkers ask all real servers at once, and keep the table. With two directors the process that decides
# who holds the VIPs is the same one, and the holder starts it. Needs keepalived.sh; what a control plane is, says director.sh.

keepalived_NEEDS=(keepalived:keepalived)

keepalived_validate() { keepalived_reads; }

keepalived_run() {
  # keepalived leaves alone what it finds in the table: that becomes right beforehand.
  table drain "$LVS_DRAIN_SECONDS" "$DRAINED" + drop + undrain "$RULES" "$DRAINED" + edit present
  if [[ -z ${LVS_KEEPALIVED_CONF:-} ]]; then
    keep "$KEEPALIVED_CONF" "$KEEPALIVED_WANTED"
    keepalived_unit
    reload_units
    keepalived_daemon
  fi
  table settle "$LVS_SETTLE_SECONDS"
}

# keepalived_of_another: it decides about the VIPs, or was never here.
keepalived_of_another() { [[ -n ${LVS_KEEPALIVED_CONF:-} || ! -e $KEEPALIVED_CONF ]]; }

# keepalived_leave: the table stays (-I).
keepalived_leave() { keepalived_of_another || keepalived_ends; }

# With two directors the holder looks.
keepalived_check() {
  [[ -z ${LVS_KEEPALIVED_CONF:-} ]] || return 0
  expect_active "$KEEPALIVED"
  holds "$KEEPALIVED_CONF" "$KEEPALIVED_WANTED" || problem file-differs "$KEEPALIVED_CONF" "$KEEPALIVED_CONF is not the lab's"
}

# keepalived_gone: where another control plane was chosen.
keepalived_gone() {
  keepalived_of_another || ! is_active "$KEEPALIVED" || problem unit-unexpected "$KEEPALIVED" "$KEEPALIVED runs in mode $LVS_MODE"
}
