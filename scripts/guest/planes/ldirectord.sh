#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The control plane ldirectord: checks the real servers and keeps the table, under a unit of the lab's. Settings: LVS_LDIRECTORD_CF,
# LVS_LDIRECTORD_TLS, LVS_LDIRECTORD_MODULE, LVS_DRY_RUN, LVS_DRY_RUN_MODULE. Needs alerts.sh and directorFiles.sh; what a control plane is, says director.sh.

readonly CF=/etc/ha.d/ldirectord.cf
# The text that was found good last: a reload of just that is not read again.
readonly VALIDATED=/run/lvs-dr/ldirectord.cf
# The files that were found good last, where the daemon runs code of them.
readonly FILES_JUDGED=/run/lvs-dr/files.judged
readonly LIBRARY=/usr/local/lib/lvs-dr
readonly DRY_RUN=$LIBRARY/ldirectord-dry-run.sh
# Keeps ldirectord's checks within their limits; it reads TLS_FILE as the daemon reads its configuration.
readonly MODULE=$LIBRARY/Ldirectord.pm
readonly TLS_FILE=/etc/lvs-dr/tls.json
readonly DAEMON=lvs-dr-ldirectord.service
readonly PERL_MODULES="-MLWP::UserAgent -MLWP::Protocol::http -MHTTP::Response -MHTTP::Config -MHTTP::Headers::Util \
-MHTML::HeadParser -MIO::Uncompress::Gunzip -MURI::http"
# As old as the last file that the daemon was told to read.
readonly TOLD=/run/lvs-dr-reloaded
# As old as the daemon.
readonly STARTED=/run/lvs-dr-started
ldirectord_NEEDS=(ldirectord:ldirectord)

# without LINES: the lines of stdin that LINES does not have.
without() {
  local line
  while read -r line; do [[ $'\n'$1$'\n' == *$'\n'"$line"$'\n'* ]] || printf '%s\n' "$line"; done
}

# Ours, not Debian's: that one is Type=forking with KillMode=none and no Restart, and `stop` with a check in flight
# leaves no daemon behind a zero exit status.
daemon_unit() {
  unit "$DAEMON" <<UNIT
[Unit]
Description=ldirectord, keeping the IPVS table of the LVS Direct Routing lab
After=network.target
StartLimitIntervalSec=0

[Service]
Type=simple
# ldirectord sets an alarm around its first request, while LWP still loads modules: one that the alarm interrupts stays half
# loaded, and every later check of the process fails. So they are loaded before it starts. And supervised it logs to stdout, which
# Perl holds back in a block of some kilobytes unless told otherwise: the journal would have a death with the next event, or never.
Environment="PERL5OPT=-I$LIBRARY -MLdirectord -MIO::Handle;STDOUT->autoflush $PERL_MODULES"
# What it starts with it need not be told again.
ExecStartPre=/bin/touch $TOLD $STARTED
ExecStart=/usr/sbin/ldirectord $CF start
Environment=PERLIO=perlio
# A file without services would empty the table, one that cannot be read freezes the checks, and one that ipvsadm would not
# take leaves another table than it says: the daemon is not told. What the lab has read before is not read again.
ExecReload=/bin/grep -q ^virtual $CF
ExecReload=/bin/sh -c 'cmp -s $CF $VALIDATED || TMPDIR=/run DRY_RUN_HERE=1 DRY_RUN_SECONDS=80 $DRY_RUN $CF >/dev/null'
# Until it catches the signal, some seconds after its start, it would die of it.
ExecReload=/bin/sh -c 'for i in \$\$(seq 300); do grep -q "^SigCgt:.*[13579bdf]\$\$" /proc/\$MAINPID/status && exit; sleep 0.2; done; exit 1'
ExecReload=/bin/kill -HUP \$MAINPID
# cleanstop=no in $CF: whoever kills or restarts the daemon leaves the table and the traffic alone.
KillMode=control-group
TimeoutStopSec=5
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
UNIT
  # --now: in a user's own image it may run, and two daemons would fight over the table.
  if [[ ! -L /etc/systemd/system/ldirectord.service ]]; then
    systemctl stop ldirectord.service 2>/dev/null || true
    ln -sfn /dev/null /etc/systemd/system/ldirectord.service
    UNITS_CHANGED=1
  fi
}

# dry_run_installed: scripts/host/ldirectord-dry-run.sh, for the unit's reload too.
dry_run_installed() {
  keep "${DRY_RUN%.sh}/DryRun.pm" "$LVS_DRY_RUN_MODULE"
  keep "$DRY_RUN" "$LVS_DRY_RUN" 0755
}

# runs_perl: the daemon itself runs Perl code of checks, which it reads once.
runs_perl() { [[ $LVS_LDIRECTORD_CF == *external-perl* ]]; }

# ldirectord_validate: the new configuration as ldirectord itself reads it, and the table it would make of it while all checks pass.
# Without KVM that takes seconds, under load a minute: what is installed already, or was before, is not read again.
ldirectord_validate() {
  local would complaints differing line expected status=0 judged='' AHEAD WORDS
  dry_run_installed
  if runs_perl && files_differ; then judged=$(declare -p "${!LVS_FILE@}"); fi
  if { [[ -n $judged ]] && ! holds "$FILES_JUDGED" "$judged"; } || ! { holds "$CF" "$LVS_LDIRECTORD_CF" || holds "$VALIDATED" "$LVS_LDIRECTORD_CF" || holds "$CF.former" "$LVS_LDIRECTORD_CF"; }; then
    complaints=$(mktemp /run/lvs-dr-XXXXXX)
    files_ahead "$LVS_LDIRECTORD_CF"
    would=$(printf '%s' "$AHEAD" | TMPDIR=/run DRY_RUN_HERE=1 DRY_RUN_SECONDS=120 "$DRY_RUN" - 2>"$complaints") || status=$?
    files_judged "$(<"$complaints")"
    rm -f "$complaints"
    ((status != 124)) || die "$LVS_NODE: ldirectord did not read the new configuration within 120 s; the old one still serves"
    ((status == 0)) || die "$LVS_NODE: ldirectord refuses the new configuration, the old one still serves: ${WORDS//$'\n'/ }"
    # Connection thresholds are no part of what ipvsadm saves.
    would=$(while read -r line; do echo "${line% -x *}"; done <<<"$would")
    expected=$(table rules)
    differing=$(without "$expected" <<<"$would" && without "$would" <<<"$expected")
    [[ -z $differing ]] || die "$LVS_NODE: ldirectord would not make of the new configuration the expected table, the old one" \
      "still serves: ${differing//$'\n'/ }"
  fi
  keep "$VALIDATED" "$LVS_LDIRECTORD_CF" 0600
  [[ -z $judged ]] || keep "$FILES_JUDGED" "$judged" 0600
}

ldirectord_run() {
  local starting=0 deadline
  keep "$MODULE" "$LVS_LDIRECTORD_MODULE"
  daemon_unit
  alerts_unit
  # ldirectord would drop services too; but what `prefill` added must go again when it has not read of it.
  table drain "$LVS_DRAIN_SECONDS" "$DRAINED" + drop + undrain "$RULES" "$DRAINED"
  [[ ! -e $CF ]] || holds "$CF" "$LVS_LDIRECTORD_CF" || ln -f "$CF" "$CF.former"
  CHANGED=0
  keep "$CF" "$LVS_LDIRECTORD_CF" 0600
  keep "$TLS_FILE" "$LVS_LDIRECTORD_TLS" 0600
  reload_units
  if ! is_active "$DAEMON"; then
    systemctl start --no-block "$DAEMON"
    starting=30
  elif [[ $MODULE -nt $STARTED || /etc/systemd/system/$DAEMON -nt $STARTED ]] || { runs_perl && files_since "$STARTED"; }; then
    # The table stays, and with it the traffic (cleanstop=no); the next daemon runs with what this one started without.
    systemctl restart "$DAEMON"
    starting=30
  elif ((CHANGED)) || [[ $CF -nt $TOLD ]] || table pending; then
    systemctl reload "$DAEMON" || die "$LVS_NODE: ldirectord was not told of the new configuration; the old one still serves"
  fi
  : >"$TOLD"
  # systemd may have much to start, at boot above all.
  deadline=$((SECONDS + 30))
  until is_active "$DAEMON" || ((SECONDS >= deadline)); do sleep 0.1; done
  table settle $((LVS_SETTLE_SECONDS + starting))
}

# ldirectord_leave: another control plane takes over, or none. The table stays (cleanstop=no).
ldirectord_leave() { systemctl -q disable --now "$DAEMON" "$ALERTS.path" 2>/dev/null || true; }

ldirectord_check() {
  expect_active "$DAEMON"
  [[ -z $LVS_ALERTS ]] || is_active "$ALERTS.path" ||
    problem unit-inactive "$ALERTS.path" "unit $ALERTS.path is not active: alerts are not sent"
  holds "$CF" "$LVS_LDIRECTORD_CF" || problem file-differs "$CF" "$CF is not the lab's"
}

# ldirectord_gone: where another control plane was chosen.
ldirectord_gone() { ! is_active "$DAEMON" || problem unit-unexpected "$DAEMON" "$DAEMON runs in mode $LVS_MODE"; }
