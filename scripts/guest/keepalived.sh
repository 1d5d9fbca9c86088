#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# keepalived under one unit of the lab's: VRRP where two directors share the VIPs, the checks of the real servers where it is the control
# plane. Settings: LVS_KEEPALIVED_CONF (of VRRP; unset: one director), LVS_CHECKERS_CONF (the virtual servers; empty: another control plane),
# LVS_JUDGED_SECONDS (by then every check has found what it looks at). Needs directorFiles.sh.

readonly KEEPALIVED=lvs-dr-keepalived.service
readonly KEEPALIVED_CONF=/etc/lvs-dr/keepalived.conf
readonly KEEPALIVED_WANTED=${LVS_KEEPALIVED_CONF:-}$LVS_CHECKERS_CONF
# What the checkers start with: servers that are not in the table have weight 0.
readonly WITHHELD_CONF=/run/lvs-dr/keepalived.conf
# As old as the last file that it was told to read.
readonly KEEPALIVED_TOLD=/run/lvs-dr/keepalived.told
# As old as the daemon.
readonly KEEPALIVED_STARTED=/run/lvs-dr/keepalived.started

# keepalived_reads: by keepalived itself; any status but 0 is a refusal, also those for what it would correct by itself.
keepalived_reads() {
  local words line status=0 new=/run/lvs-dr-keepalived.conf AHEAD WORDS
  ! holds "$KEEPALIVED_CONF" "$KEEPALIVED_WANTED" || return 0
  files_ahead "$KEEPALIVED_WANTED"
  printf '%s' "$AHEAD" | put "$new" || written $?
  words=$(keepalived -t "$(keepalived_options)" -f "$new" 2>&1) || status=$?
  words="keepalived refuses its configuration, the old one is in force: ${words//$'\n'/ }"
  # It would find every server dead.
  while ((status == 0)) && read -r line; do
    [[ ! $line =~ ^misc_path\ \"([^ \"]+) || -x ${BASH_REMATCH[1]} ]] || { words="there is no program ${BASH_REMATCH[1]} (checkcommand)" && status=1; }
  done <<<"$AHEAD"
  files_judged "$words"
  ((status == 0)) || die "$LVS_NODE: $WORDS"
}

# keepalived_options: which of its processes run.
keepalived_options() {
  [[ -n $LVS_CHECKERS_CONF ]] || { echo -P && return; }
  [[ -n ${LVS_KEEPALIVED_CONF:-} ]] && echo -I || echo -CI
}

# keepalived_withhold: at its start keepalived gives every server its weight and then looks whether it is alive; one that is in the table
# already stays as it is. So what is not there starts with weight 0, and gets its own when all have been judged.
keepalived_withhold() {
  local text
  text=$(table withhold "$KEEPALIVED_CONF")
  printf '%s\n' "$text" | put "$WITHHELD_CONF" || written $?
}

# keepalived_unit [PREPARE [CLEAN]]: shell for before its start, and for after its end. Debian's unit has no Restart.
keepalived_unit() {
  local options conf=$KEEPALIVED_CONF judged='' prepare=${1:-:} clean=${2:-}
  options=$(keepalived_options)
  if [[ -n $LVS_CHECKERS_CONF ]]; then
    conf=$WITHHELD_CONF
    prepare+=" && $PAYLOAD withhold"
    judged="ExecStartPost=/bin/sh -c 'cmp -s $KEEPALIVED_CONF $conf || { sleep $LVS_JUDGED_SECONDS; cp $KEEPALIVED_CONF $conf; kill -HUP \$MAINPID; } &'"
  fi
  unit "$KEEPALIVED" <<UNIT
[Unit]
Description=keepalived for ${LVS_KEEPALIVED_CONF:+the VIPs (VRRP)}${LVS_CHECKERS_CONF:+ the IPVS table}
After=network.target $TABLE_UNIT
StartLimitIntervalSec=0

[Service]
ExecStartPre=/usr/sbin/keepalived -t $options -f $KEEPALIVED_CONF
ExecStartPre=/bin/sh -c 'mkdir -p /run/lvs-dr && modprobe ip_vs && $prepare && touch $KEEPALIVED_STARTED'
ExecStart=/usr/sbin/keepalived -n $options -f $conf -p /run/lvs-dr/keepalived.pid -r /run/lvs-dr/keepalived-vrrp.pid -c /run/lvs-dr/keepalived-checkers.pid
$judged
ExecReload=/usr/sbin/keepalived -t $options -f $KEEPALIVED_CONF
ExecReload=/bin/kill -HUP \$MAINPID
ExecStopPost=$clean
KillMode=mixed
TimeoutStopSec=5
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
UNIT
}

# keepalived_daemon: it runs as keepalived_unit says, with its present configuration. With checks it begins anew for each change, and the table
# stays: a reload of 2.2.7 dies of a sorry server that goes, and leaves the thresholds as they are.
keepalived_daemon() {
  if ! is_active "$KEEPALIVED"; then
    systemctl start "$KEEPALIVED" || die "$LVS_NODE: keepalived does not start: journalctl -u $KEEPALIVED"
  elif [[ /etc/systemd/system/$KEEPALIVED -nt $KEEPALIVED_STARTED || (-n $LVS_CHECKERS_CONF && $KEEPALIVED_CONF -nt $KEEPALIVED_STARTED) ]]; then
    systemctl restart "$KEEPALIVED"
  elif [[ $KEEPALIVED_CONF -nt $KEEPALIVED_TOLD ]]; then
    systemctl reload "$KEEPALIVED" || die "$LVS_NODE: keepalived was not told of its new configuration; the old one is in force"
  fi
  : >"$KEEPALIVED_TOLD"
}

# keepalived_ends: it is needed no more.
keepalived_ends() {
  systemctl -q disable --now "$KEEPALIVED" 2>/dev/null || true
  rm -f "/etc/systemd/system/$KEEPALIVED" "$KEEPALIVED_CONF"
}
