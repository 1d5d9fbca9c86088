#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The director's alerts: ldirectord writes them into a spool (ldirectord/Ldirectord.pm), and a unit sends them (ldirectord/alerts.pl).
# Settings: LVS_ALERTS (the sender's text; empty without alerts).

readonly ALERTS=lvs-dr-alerts
readonly SPOOL=/var/spool/lvs-dr
readonly SENDER=/usr/local/lib/lvs-dr/alerts.pl

# alerts_unit: sends what the daemon has to tell, which only writes it down. Without alerts there is none.
alerts_unit() {
  local units=/etc/systemd/system known=0
  if [[ -z $LVS_ALERTS ]]; then
    [[ -e $units/$ALERTS.path ]] || return 0
    systemctl -q disable --now "$ALERTS.path" "$ALERTS.service" 2>/dev/null || true
    rm -f "$units/$ALERTS.path" "$units/$ALERTS.service"
    UNITS_CHANGED=1
    return
  fi
  [[ -d $SPOOL ]] || install -d -m 0700 "$SPOOL"
  keep "$SENDER" "$LVS_ALERTS"
  [[ ! -e $units/$ALERTS.service ]] || known=1
  if put "$units/$ALERTS.service" <<UNIT; then UNITS_CHANGED=$((UNITS_CHANGED | known)); else written $?; fi
[Unit]
Description=Sends what ldirectord reports by e-mail
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/usr/bin/perl $SENDER $SPOOL
Restart=on-failure
RestartSec=10
UNIT
  unit "$ALERTS.path" <<UNIT
[Unit]
Description=What ldirectord has to report by e-mail
StartLimitIntervalSec=0

[Path]
PathExistsGlob=$SPOOL/*.mail

[Install]
WantedBy=multi-user.target
UNIT
  reload_units
  systemctl start "$ALERTS.path"
}
