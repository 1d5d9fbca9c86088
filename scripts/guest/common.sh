#!/usr/bin/env bash
# Shared by the role scripts. The lab sends settings (LVS_*), this file and one role file as a single payload, which
# is installed in the guest as /usr/local/sbin/lvs-dr and run there: start | stop | status.
# `start` converges and then checks effects; it may run any number of times, also by hand and at every boot.
# `install` puts the file that is run in the place of the installed one and starts it; if that fails, the former one is back.
# Settings: LVS_ROLE, LVS_NODE, LVS_VIPS ("ADDRESS/LENGTH ..."), maybe LVS_RUN_LIMIT, those of addresses.sh, and those that the role names. A role defines
# ROLE_NEEDS (COMMAND:PACKAGE...), role_start, role_stop, role_check and maybe role_validate (refuses without changing
# anything), role_yield (before another payload takes its place), role_started (its units are known to systemd), role_details and
# role_guard (runs as a service of its own).
set -euo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

readonly PAYLOAD=/usr/local/sbin/lvs-dr
readonly SYSCTL_FILE=/etc/sysctl.d/90-lvs-dr.conf
# Longest `start`, seconds: nobody can cancel one that hangs.
readonly RUN_LIMIT=${LVS_RUN_LIMIT:-300}
PROBLEMS=()
UNITS_CHANGED=0
STARTED_BEFORE=0

log() { printf 'lvs-dr: %s\n' "$*" >&2; }
die() {
  log "$*"
  exit 1
}

# problem CODE OBJECT TEXT: something on this node is not as expected. OBJECT is what it is about (an address, a sysctl, a unit), TEXT is for
# people. The codes: model/lab/problem.ts.
problem() { PROBLEMS+=("$1"$'\t\t'"$2"$'\t'"$3"); }

# need COMMAND:PACKAGE...: the image must hold them all; nothing is installed here. Names all that are missing.
need() {
  local pair missing=""
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=", '${pair%%:*}' (Debian package ${pair#*:})"
  done
  [[ -z $missing ]] || die "$LVS_NODE: the image lacks ${missing#, }"
}

# put FILE [MODE]: replaces FILE by the text on stdin, atomically, only when it differs; one that is absent nobody reads yet, and it is
# written where it will be. Returns 0 if it changed, 1 if it was so already, 2 if it could not be written and is as it was: behind
# a pipe it cannot end the script itself, `written $?` does. By builtins: a process costs a guest without KVM 25 to 100 ms.
put() {
  local file=$1 mode=${2:-0644} new=$1 text old mask
  IFS= read -rd '' text || true
  if [[ -e $file ]]; then
    IFS= read -rd '' old <"$file" || true
    [[ $text != "$old" || $(stat -c %a "$file") != "${mode#0}" ]] || return 1
    new=$file.$BASHPID.$RANDOM
  fi
  [[ -d ${file%/*} ]] || mkdir -p "${file%/*}" || return 2
  printf -v mask %04o $((0777 & ~mode))
  if (umask "$mask" && set -o noclobber && printf '%s' "$text" >"$new") &&
    { ! ((mode & 0111)) || chmod "$mode" "$new"; } &&
    { [[ $new == "$file" ]] || mv -f "$new" "$file"; }; then
    return
  fi
  rm -f "$new"
  return 2
}

# written STATUS: ends the script when the `put` before could not write.
written() { (($1 < 2)) || die "$LVS_NODE: a file could not be written; it is as it was"; }

# holds FILE TEXT: whether the file's text is that, a newline at its end apart. Starts no process.
holds() { [[ -e $1 && $(<"$1") == "${2%$'\n'}" ]]; }

# sysctls KEY=VALUE...: owns one drop-in and sets each value now. Without arguments the drop-in goes away.
sysctls() {
  local pair
  if (($# == 0)); then
    rm -f "$SYSCTL_FILE"
    return
  fi
  printf '%s\n' "$@" | put "$SYSCTL_FILE" || written $?
  sysctls_now "$@"
}

# sysctl_file KEY: sets FILE. As sysctl(8) has it, a name's own dot is a slash in a key: net.ipv4.conf.bond0/7.forwarding is that of bond0.7.
sysctl_file() {
  FILE=${1//\//$'\n'}
  FILE=${FILE//.//}
  FILE=/proc/sys/${FILE//$'\n'/.}
}

# sysctls_now KEY=VALUE...: until the next boot.
sysctls_now() {
  local pair FILE
  for pair in "$@"; do
    sysctl_file "${pair%%=*}"
    { printf '%s\n' "${pair#*=}" >"$FILE"; } 2>/dev/null || die "$LVS_NODE: cannot set sysctl $pair"
  done
}

# idle_rarely: what the kernel does on its own account every half a second to four seconds costs an idle guest without KVM an eighth of
# its processor time. Not every kernel has all of them.
idle_rarely() {
  local pair FILE
  for pair in vm.compaction_proactiveness=0 vm.stat_interval=60 kernel.watchdog=0; do
    sysctl_file "${pair%%=*}"
    { printf '%s\n' "${pair#*=}" >"$FILE"; } 2>/dev/null || true
  done
}

# expect_sysctls KEY=VALUE...: a problem for each that the kernel does not hold.
expect_sysctls() {
  local pair key seen FILE
  for pair in "$@"; do
    key=${pair%%=*}
    seen=absent
    sysctl_file "$key"
    read -r seen 2>/dev/null <"$FILE" || true
    [[ $seen == "${pair#*=}" ]] || problem sysctl-differs "$key" "sysctl $key is $seen, expected ${pair#*=}"
  done
}

# expect_listening PORTS: something accepts TCP connections on each port.
expect_listening() {
  local port sockets
  sockets=$(ss -Hltn)
  for port in $1; do
    [[ $sockets =~ :$port\  ]] || problem not-listening "$port" "nothing listens on port $port"
  done
}

# unit NAME: writes a unit of ours from stdin; enabled, and known to systemd when `reload_units` has run. Links instead of
# `systemctl enable`, which has systemd read every unit again each time: 0.5 to 1 s without KVM. One that is new is read when it is
# first started.
unit() {
  local file=/etc/systemd/system/$1 known=0
  [[ ! -e $file ]] || known=1
  if put "$file"; then ((known == 0)) || UNITS_CHANGED=1; else written $?; fi
  enabled "$file"
}

# is_active UNIT: by its control group, where there is one, systemctl is not asked.
is_active() {
  { read -r <"/sys/fs/cgroup/system.slice/$1/cgroup.procs"; } 2>/dev/null || systemctl is-active --quiet "$1"
}

# enabled FILE: started at every boot.
enabled() {
  local wants=/etc/systemd/system/multi-user.target.wants
  [[ -e $wants/${1##*/} ]] && return
  [[ -d $wants ]] || mkdir -p "$wants"
  ln -sf "$1" "$wants/${1##*/}"
}

reload_units() {
  ((UNITS_CHANGED == 0)) || systemctl daemon-reload
  UNITS_CHANGED=0
}

# at_boot: this payload runs again at every boot.
at_boot() {
  [[ ! -e /etc/systemd/system/lvs-dr.service ]] || STARTED_BEFORE=1
  unit lvs-dr.service <<UNIT
[Unit]
Description=This guest's part of the LVS Direct Routing lab
# Where NetworkManager or cloud-init sets the addresses, they are there only when the network is online.
After=network-online.target systemd-networkd.service systemd-sysctl.service systemd-modules-load.service
Wants=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=$PAYLOAD start
TimeoutStartSec=$RUN_LIMIT

[Install]
WantedBy=multi-user.target
UNIT
}

# forget_failure: of our unit at boot, that has come right by now. A first start has none, and the unit itself (which systemd gives
# an INVOCATION_ID) ends its own.
forget_failure() {
  ((STARTED_BEFORE == 0)) || [[ -n ${INVOCATION_ID:-} ]] || systemctl -q reset-failed lvs-dr.service 2>/dev/null || true
}

# report: what `status` ends with: one problem a line, its fields CODE, SUBJECT (empty: this node), OBJECT and TEXT separated by tabs. Exit 1
# when there is any.
report() {
  local each
  for each in "${PROBLEMS[@]}"; do printf 'problem=%s\n' "$each"; done
  ((${#PROBLEMS[@]} == 0))
}

# Before anything is changed.
need_all() { need ip:iproute2 sysctl:procps systemctl:systemd "${ROLE_NEEDS[@]}"; }

# replace_payload FILE: FILE becomes the guest's payload, and starts. What is refused beforehand changes nothing. If the start
# fails, the former payload is put back and started: the guest is as it was, also after a boot. Its words are not shown, since the
# failure's are what somebody must read.
replace_payload() {
  local status=0 former=$PAYLOAD.former limit=$RUN_LIMIT
  exec 8>/run/lvs-dr-install.lock
  flock -w $((2 * RUN_LIMIT)) 8 || die "$LVS_NODE: another payload is still being installed"
  need_all
  if declare -F role_validate >/dev/null; then role_validate; fi
  rm -f "$former"
  [[ ! -e $PAYLOAD ]] || cmp -s "$1" "$PAYLOAD" || { { ! declare -F role_yield >/dev/null || role_yield; } && ln "$PAYLOAD" "$former"; }
  mv -f "$1" "$PAYLOAD"
  timeout -k 10 "$RUN_LIMIT" "$PAYLOAD" start || status=$?
  if ((status == 0)); then
    rm -f "$former"
    # All of it is needed at the next boot, which may come of a power cut.
    sync -f "$PAYLOAD"
  elif [[ -e $former ]]; then
    [[ ! $(<"$former") =~ LVS_RUN_LIMIT=\'([0-9]+)\' ]] || limit=${BASH_REMATCH[1]}
    mv -f "$former" "$PAYLOAD"
    if timeout -k 10 "$limit" "$PAYLOAD" start >/dev/null 2>&1; then
      log "$LVS_NODE: the former configuration is in force again"
    else
      log "$LVS_NODE: the former configuration is back, but not all of it in force: lvs-dr status says what is not"
    fi
  fi
  return "$status"
}

# dispatch ARGS: the last line of every role script.
dispatch() {
  local action=${1:-}
  if [[ $action == start || $action == stop ]]; then
    # A guest that boots runs this by itself while the lab may send it again.
    exec 9>/run/lvs-dr.lock
    flock -w $((RUN_LIMIT - 50)) 9 || die "$LVS_NODE: another 'lvs-dr' still runs after $((RUN_LIMIT - 50)) s"
  fi
  case $action in
  install)
    # No further line of the file is read: it may be another one by now.
    replace_payload "$0"
    exit
    ;;
  start)
    # timeout(1) ends the whole group: say what was under way.
    # shellcheck disable=SC2154 # bash sets it
    trap 'die "$LVS_NODE: ended at the time limit, in: $BASH_COMMAND"' TERM
    need_all
    idle_rarely
    at_boot
    addresses6
    role_start
    leave_addresses6 "${LVS_ADDRESSES6:-}"
    reload_units
    if declare -F role_started >/dev/null; then role_started; fi
    unset ADDRESSES
    expect_addresses6
    role_check
    ((${#PROBLEMS[@]} == 0)) || die "$LVS_NODE: not as expected after start:$(printf ' %s;' "${PROBLEMS[@]##*$'\t'}")"
    forget_failure
    ;;
  stop)
    role_stop
    leave_addresses6 ''
    systemctl -q disable lvs-dr.service 2>/dev/null || true
    rm -f "$SYSCTL_FILE"
    ;;
  status)
    printf 'role=%s\nnode=%s\n' "$LVS_ROLE" "$LVS_NODE"
    expect_addresses6
    role_check
    if declare -F role_details >/dev/null; then role_details; fi
    report
    ;;
  withhold)
    declare -F keepalived_withhold >/dev/null || die "$LVS_NODE: a $LVS_ROLE has no table"
    keepalived_withhold
    ;;
  guard)
    declare -F role_guard >/dev/null || die "$LVS_NODE: a $LVS_ROLE needs no guard"
    role_guard
    ;;
  *)
    echo "usage: $(basename "$0") start|stop|status" >&2
    exit 2
    ;;
  esac
}
