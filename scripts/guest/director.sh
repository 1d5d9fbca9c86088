#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# A director: the VIP while it holds it, the IPVS table, and the control plane that keeps that table. Nothing here flushes the table: a
# change reaches the kernel as the edits it needs, so that connections live on through reloads, restarts and a change of mode.
# Settings: LVS_CONFIG_HASH, LVS_IF, LVS_MODE (the control plane), LVS_ALERTS, LVS_IPVS_TIMEOUTS, LVS_SORRY_PAGE, LVS_SORRY_PORTS, LVS_MARKS
# (for `nft -f`), LVS_TABLE (the expected table), LVS_TABLE_PROGRAM (ipvsTable.pl), LVS_DRAIN_SECONDS, LVS_SETTLE_SECONDS. Needs pages.sh, files.sh, directorFiles.sh,
# alerts.sh, declaredVips.sh, keepalived.sh, one of holders/ and all of planes/.
#
# A control plane NAME defines NAME_NEEDS (COMMAND:PACKAGE...), NAME_validate (refuses without changing anything), NAME_run (the table becomes
# the expected one, and is kept so), NAME_check (what is wrong with it), NAME_leave (another one takes over) and NAME_gone (what is left of it).
# The holder of the VIPs defines HOLDER_NEEDS, HOLDER_SYSCTLS, holder_validate, hold_vips (they are where they belong, before a control plane runs),
# settle_vips (after that, those that left the configuration go), yield_vips (before a change), release_vips, check_vips and holder_details (lines for `status`).

readonly PLANES="static ldirectord keepalived"
readonly TABLE_UNIT=lvs-dr-table.service
readonly RULES=/etc/lvs-dr/ipvs.rules
readonly MARKS=/etc/lvs-dr/marks.nft
readonly MARKS_TABLE="inet lvs_dr"
readonly NFTABLES_DROPIN=/etc/systemd/system/nftables.service.d/lvs-dr.conf
# What the kernel printed when the marks had been loaded.
readonly MARKS_LOADED=/run/lvs-dr/marks
# What the last runs drained; away when one has brought its change to an end.
readonly DRAINED=/run/lvs-dr/drained
IPVS_SYSCTLS=(net.ipv4.vs.expire_nodest_conn=1 net.ipv4.vs.expire_quiescent_template=1 net.ipv4.vs.conn_reuse_mode=1
  net.ipv4.conf.all.send_redirects=0 "net.ipv4.conf.${LVS_IF//.//}.send_redirects=0" "${HOLDER_SYSCTLS[@]}")

ROLE_NEEDS=(ipvsadm:ipvsadm modprobe:kmod perl:perl-base "${HOLDER_NEEDS[@]}")
declare -n PLANE_NEEDS="${LVS_MODE}_NEEDS"
ROLE_NEEDS+=("${PLANE_NEEDS[@]}")
if [[ -n $LVS_SORRY_PORTS ]]; then ROLE_NEEDS+=(nginx:nginx-light); fi
if [[ -n $LVS_MARKS ]]; then ROLE_NEEDS+=(nft:nftables); fi

# others STEP: of every control plane but the chosen one.
others() {
  local each
  for each in $PLANES; do [[ $each == "$LVS_MODE" ]] || "${each}_$1"; done
}

role_validate() {
  holder_validate
  "${LVS_MODE}_validate"
}

role_yield() { yield_vips; }

# keep FILE TEXT [MODE]: FILE has that text, or is gone where there is none. Sets CHANGED to 1 if it was otherwise.
keep() {
  if [[ -z $2 ]]; then
    [[ ! -e $1 ]] || { rm -f "$1" && CHANGED=1; }
  elif ! holds "$1" "$2"; then
    printf '%s' "$2" | put "$1" "${3:-0644}" || written $?
    CHANGED=1
  fi
}

expect_active() { is_active "$1" || problem unit-inactive "$1" "unit $1 is $(systemctl is-active "$1" || true)"; }

# table ACTION [ARGUMENT...]: ipvsTable.pl, on the expected table.
table() { perl -w /dev/fd/7 "$@" 7<<<"$LVS_TABLE_PROGRAM" <<<"$LVS_TABLE"; }

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

# marks_now: the rules in force; nothing where there are none.
# shellcheck disable=SC2086 # family and name
marks_now() { nft -s list table $MARKS_TABLE 2>/dev/null || true; }

# nftables_keeps_marks: Debian's unit flushes every table, the marks too, and for that moment the VIP's packets would be nobody's: what it
# does is one step with their return.
nftables_keeps_marks() {
  local load="(cat /etc/nftables.conf $MARKS) | /usr/sbin/nft -f -"
  put "$NFTABLES_DROPIN" <<DROPIN || { written $? && return; }
[Service]
ExecStart=
ExecStart=/bin/sh -c '$load'
ExecReload=
ExecReload=/bin/sh -c '$load'
ExecStop=
ExecStop=/bin/sh -c '(echo flush ruleset && cat $MARKS) | /usr/sbin/nft -f -'
DROPIN
  UNITS_CHANGED=1
}

# marks RULES: packets to groups of ports are marked; what was marked before changes in the same step.
marks() {
  if [[ -n $1 ]]; then
    CHANGED=0
    keep "$MARKS" "$1"
    nftables_keeps_marks
    ((CHANGED == 0)) && [[ -e $MARKS_LOADED && $(marks_now) == "$(<"$MARKS_LOADED")" ]] && return
    nft -f "$MARKS" || die "$LVS_NODE: nft does not take the rules of the services by firewall mark"
    marks_now | put "$MARKS_LOADED" || written $?
  elif [[ -e $MARKS ]]; then
    # shellcheck disable=SC2086
    nft delete table $MARKS_TABLE 2>/dev/null || true
    rm -f "$MARKS" "$MARKS_LOADED" "$NFTABLES_DROPIN"
    UNITS_CHANGED=1
  fi
}

# table_unit: at boot the table is there before the network, and so before the VIP: until then the sorry page's web server
# would answer for it. Its rules are written when they have come true.
table_unit() {
  local marks=''
  [[ -z $LVS_MARKS ]] || marks=$'\n'"ExecStart=/usr/sbin/nft -f $MARKS"
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
ExecStart=/bin/sh -c 'modprobe ip_vs && ipvsadm -R <$RULES'$marks

[Install]
WantedBy=multi-user.target
UNIT
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
  put_files "$DIRECTOR_FILES" LVS 0755
  # The table first: a request that comes before it would be answered by the sorry page's web server.
  table prefill
  marks "$LVS_MARKS"
  hold_vips
  others leave
  "${LVS_MODE}_run"
  # A VIP that leaves has served until its connections were over.
  settle_vips
  leave_files
  printf '%s\n' "$rules" | put "$RULES" || written $?
  [[ ! -e $DRAINED ]] || rm -f "$DRAINED"
}

role_stop() {
  others leave
  "${LVS_MODE}_leave"
  systemctl -q disable "$TABLE_UNIT" 2>/dev/null || true
  ipvsadm -C
  marks ""
  release_vips
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
  check_vips
  expect_sysctls "${IPVS_SYSCTLS[@]}"
  "${LVS_MODE}_check"
  expect_files
  others gone
  [[ -z $LVS_MARKS || (-e $MARKS_LOADED && $(marks_now) == "$(<"$MARKS_LOADED")") ]] ||
    problem marks-differ "$MARKS_TABLE" "the nftables table $MARKS_TABLE does not mark the packets of its services"
  [[ -z $LVS_SORRY_PORTS ]] || expect_active nginx.service
  look_at_table
}

role_details() {
  printf 'configHash=%s\n' "$LVS_CONFIG_HASH"
  holder_details
  printf -- '== ipvsadm-save%s\n== ipvsadm-list\n%s\n== end\n' "$TABLE" "$(ipvsadm -Ln)"
}

dispatch "$@"
