#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The director: the VIP on its NIC, the IPVS table, and whoever keeps that table: nobody (mode static, the article's
# lvs_dr_vs.sh) or ldirectord. Nothing here flushes the table: a change reaches the kernel as the edits it needs, so
# that connections live on through reloads, restarts and a change of mode.
# Settings: LVS_CONFIG_HASH, LVS_IF, LVS_MODE, LVS_LDIRECTORD_CF, LVS_LDIRECTORD_TABLE, LVS_LDIRECTORD_TLS, LVS_LDIRECTORD_MODULE,
# LVS_ALERTS, LVS_DRY_RUN, LVS_DRY_RUN_MODULE, LVS_IPVS_TIMEOUTS, LVS_SORRY_PAGE, LVS_SORRY_PORTS, LVS_TABLE (the expected table),
# LVS_TABLE_PROGRAM (ipvsTable.pl), LVS_DRAIN_SECONDS, LVS_SETTLE_SECONDS. Needs pages.sh, alerts.sh and declaredVips.sh.

readonly CF=/etc/ha.d/ldirectord.cf
# The text that was found good last: a reload of just that is not read again.
readonly VALIDATED=/run/lvs-dr/ldirectord.cf
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
readonly TABLE_UNIT=lvs-dr-table.service
readonly RULES=/etc/lvs-dr/ipvs.rules
# What the last runs drained; away when one has brought its change to an end.
readonly DRAINED=/run/lvs-dr/drained
IPVS_SYSCTLS=(net.ipv4.vs.expire_nodest_conn=1 net.ipv4.vs.expire_quiescent_template=1 net.ipv4.vs.conn_reuse_mode=1
  net.ipv4.conf.all.send_redirects=0 "net.ipv4.conf.$LVS_IF.send_redirects=0")

ROLE_NEEDS=(ipvsadm:ipvsadm modprobe:kmod perl:perl-base)
if [[ $LVS_MODE == ldirectord ]]; then ROLE_NEEDS+=(ldirectord:ldirectord); fi
if [[ -n $LVS_SORRY_PORTS ]]; then ROLE_NEEDS+=(nginx:nginx-light); fi

# table ACTION [ARGUMENT...]: ipvsTable.pl, on the expected table.
table() { perl -w /dev/fd/7 "$@" 7<<<"$LVS_TABLE_PROGRAM" <<<"$LVS_TABLE"; }

# without LINES: the lines of stdin that LINES does not have.
without() {
  local line
  while read -r line; do [[ $'\n'$1$'\n' == *$'\n'"$line"$'\n'* ]] || printf '%s\n' "$line"; done
}

# load_ipvs RULES
load_ipvs() {
  local line scheduler schedulers=''
  printf 'ip_vs\n' | put /etc/modules-load.d/lvs-dr.conf || written $?
  modprobe ip_vs || die "$LVS_NODE: the image's kernel has no ip_vs"
  while read -r line; do
    [[ ! $line =~ ^-A\ .*\ -s\ ([a-z]+) || " $schedulers " == *" ${BASH_REMATCH[1]} "* ]] || schedulers+=" ${BASH_REMATCH[1]}"
  done <<<"$1"
  # ipvsadm would say "Memory allocation problem", and ldirectord goes on without.
  for scheduler in $schedulers; do
    modprobe -q "ip_vs_$scheduler" || die "$LVS_NODE: the image's kernel has no IPVS scheduler $scheduler (module ip_vs_$scheduler)"
  done
  # shellcheck disable=SC2086 # three numbers: TCP, TCP after FIN, UDP
  ipvsadm --set $LVS_IPVS_TIMEOUTS
}

# table_unit: at boot the table is there before the network, and so before the VIP: until then the sorry page's web server
# would answer for it. Its rules are written when they have come true.
table_unit() {
  unit "$TABLE_UNIT" <<UNIT
[Unit]
Description=The IPVS table of the LVS Direct Routing lab, before the network is up
DefaultDependencies=no
After=local-fs.target systemd-modules-load.service
Before=network-pre.target systemd-networkd.service
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'modprobe ip_vs && ipvsadm -R <$RULES'

[Install]
WantedBy=multi-user.target
UNIT
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
  local module="${DRY_RUN%.sh}/DryRun.pm"
  holds "$module" "$LVS_DRY_RUN_MODULE" || printf '%s' "$LVS_DRY_RUN_MODULE" | put "$module" || written $?
  holds "$DRY_RUN" "$LVS_DRY_RUN" || printf '%s' "$LVS_DRY_RUN" | put "$DRY_RUN" 0755 || written $?
}

# validate_cf: the new configuration as ldirectord itself reads it, and the table it would make of it while all checks pass.
# Without KVM that takes seconds, under load a minute: what is installed already, or was before, is not read again.
validate_cf() {
  local would complaints words differing line status=0
  if ! { holds "$CF" "$LVS_LDIRECTORD_CF" || holds "$VALIDATED" "$LVS_LDIRECTORD_CF" || holds "$CF.former" "$LVS_LDIRECTORD_CF"; }; then
    complaints=$(mktemp /run/lvs-dr.XXXXXX)
    would=$(printf '%s' "$LVS_LDIRECTORD_CF" | TMPDIR=/run DRY_RUN_HERE=1 DRY_RUN_SECONDS=120 "$DRY_RUN" - 2>"$complaints") || status=$?
    words=$(<"$complaints")
    rm -f "$complaints"
    ((status != 124)) || die "$LVS_NODE: ldirectord did not read the new configuration within 120 s; the old one still serves"
    ((status == 0)) || die "$LVS_NODE: ldirectord refuses the new configuration, the old one still serves: ${words//$'\n'/ }"
    # Connection thresholds are no part of what ipvsadm saves.
    would=$(while read -r line; do echo "${line% -x *}"; done <<<"$would")
    differing=$(without "$LVS_LDIRECTORD_TABLE" <<<"$would" && without "$would" <<<"$LVS_LDIRECTORD_TABLE")
    [[ -z $differing ]] || die "$LVS_NODE: ldirectord would not make of the new configuration the expected table, the old one" \
      "still serves: ${differing//$'\n'/ }"
  fi
  holds "$VALIDATED" "$LVS_LDIRECTORD_CF" || printf '%s' "$LVS_LDIRECTORD_CF" | put "$VALIDATED" 0600 || written $?
}

role_validate() {
  [[ $LVS_MODE == ldirectord ]] || return 0
  dry_run_installed
  validate_cf
}

# own FILE TEXT: FILE has that text, or is gone where there is none. Whether it was otherwise.
own() {
  if [[ -n $2 ]]; then
    ! holds "$1" "$2" || return 1
    printf '%s' "$2" | put "$1" 0600 || written $?
  else
    [[ -e $1 ]] || return 1
    rm -f "$1"
  fi
}

run_ldirectord() {
  local changed=0 starting=0 deadline
  holds "$MODULE" "$LVS_LDIRECTORD_MODULE" || printf '%s' "$LVS_LDIRECTORD_MODULE" | put "$MODULE" || written $?
  daemon_unit
  alerts_unit
  table drain "$LVS_DRAIN_SECONDS" "$DRAINED"
  # ldirectord would do it too; but what `prefill` added must go again when it was not told of it.
  table drop
  table undrain "$RULES" "$DRAINED"
  [[ ! -e $CF ]] || holds "$CF" "$LVS_LDIRECTORD_CF" || ln -f "$CF" "$CF.former"
  if printf '%s' "$LVS_LDIRECTORD_CF" | put "$CF" 0600; then changed=1; else written $?; fi
  if own "$TLS_FILE" "$LVS_LDIRECTORD_TLS"; then changed=1; fi
  reload_units
  if ! is_active "$DAEMON"; then
    systemctl start --no-block "$DAEMON"
    starting=30
  elif [[ $MODULE -nt $STARTED || /etc/systemd/system/$DAEMON -nt $STARTED ]]; then
    # The table stays, and with it the traffic (cleanstop=no); the next daemon runs with what this one started without.
    systemctl restart "$DAEMON"
    starting=30
  elif ((changed)) || [[ $CF -nt $TOLD ]] || table pending; then
    systemctl reload "$DAEMON" || die "$LVS_NODE: ldirectord was not told of the new configuration; the old one still serves"
  fi
  : >"$TOLD"
  # systemd may have much to start, at boot above all.
  deadline=$((SECONDS + 30))
  until is_active "$DAEMON" || ((SECONDS >= deadline)); do sleep 0.1; done
  table settle $((LVS_SETTLE_SECONDS + starting))
}

run_static() {
  systemctl -q disable --now "$DAEMON" 2>/dev/null || true
  table drain "$LVS_DRAIN_SECONDS" "$DRAINED"
  table edit
}

role_start() {
  local rules
  role_validate
  rules=$(table rules)
  load_ipvs "$rules"
  table_unit
  sysctls "${IPVS_SYSCTLS[@]}"
  if [[ -n $LVS_SORRY_PORTS ]]; then
    printf '%s' "$LVS_SORRY_PAGE" | put /srv/lvs-dr/index.html || written $?
    # Gate to 127.0.0.1 keeps the VIP as destination: the page must be served on every address.
    serve_pages "$LVS_SORRY_PORTS"
  fi
  # The table first: a request that comes before it would be answered by the sorry page's web server.
  table prefill
  add_vips "$LVS_IF" "$LVS_IF:vip" "$LVS_VIPS"
  if [[ $LVS_MODE == ldirectord ]]; then run_ldirectord; else run_static; fi
  # A VIP that leaves has served until its connections were over.
  drop_vips "$LVS_IF" "$LVS_IF:vip" "$LVS_VIPS"
  declare_vips
  printf '%s\n' "$rules" | put "$RULES" || written $?
  [[ ! -e $DRAINED ]] || rm -f "$DRAINED"
}

role_stop() {
  systemctl -q disable --now "$DAEMON" "$ALERTS.path" 2>/dev/null || true
  systemctl -q disable "$TABLE_UNIT" 2>/dev/null || true
  ipvsadm -C
  drop_vips "$LVS_IF" "$LVS_IF:vip" ""
  rm -f /etc/systemd/network/*.network.d/"$NETWORK_DROPIN"
  if is_active NetworkManager.service; then declare_to_networkmanager ""; fi
}

# look_at_table: its differences become problems; the table is kept for role_details: without KVM each further look costs a status tenths of a
# second.
look_at_table() {
  local found line
  found=$(ipvsadm -Sn)
  TABLE=$'\n'$found
  # Most often the table is just what would be restored at boot, and nothing has to be compared.
  [[ ! -e $RULES || ${TABLE//' '$'\n'/$'\n'} != $'\n'$(<"$RULES") || $LVS_TABLE =~ $'\t'[0-9]+' '[0-9]+($'\t'|$'\n'|$) ]] || return 0
  found=$(table compare)
  TABLE=${found#*'== table'}
  while IFS= read -r line; do
    [[ $line != '== table' ]] || break
    PROBLEMS+=("$line")
  done <<<"$found"
}

role_check() {
  local units
  expect_vips_on "$LVS_IF"
  expect_sysctls "${IPVS_SYSCTLS[@]}"
  units=(active active)
  if ! { is_active "$DAEMON" && is_active nginx.service; }; then mapfile -t units < <(systemctl is-active "$DAEMON" nginx.service || true); fi
  if [[ $LVS_MODE == ldirectord ]]; then
    [[ ${units[0]} == active ]] || problem unit-inactive "$DAEMON" "unit $DAEMON is ${units[0]}"
    [[ -z $LVS_ALERTS ]] || is_active "$ALERTS.path" ||
      problem unit-inactive "$ALERTS.path" "unit $ALERTS.path is not active: alerts are not sent"
    holds "$CF" "$LVS_LDIRECTORD_CF" || problem file-differs "$CF" "$CF is not the lab's"
  else
    [[ ${units[0]} != active ]] || problem unit-unexpected "$DAEMON" "$DAEMON runs in mode static"
  fi
  [[ -z $LVS_SORRY_PORTS || ${units[1]} == active ]] || problem unit-inactive nginx.service "unit nginx.service is ${units[1]}"
  DAEMON_STATE=${units[0]}
  look_at_table
}

role_details() {
  printf 'configHash=%s\ndaemon=%s\n' "$LVS_CONFIG_HASH" "$DAEMON_STATE"
  printf -- '== ipvsadm-save%s\n== ipvsadm-list\n%s\n== end\n' "$TABLE" "$(ipvsadm -Ln)"
}

dispatch "$@"
