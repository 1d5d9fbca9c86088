#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154
# What a real server runs beside its web server: each workload's script (start | stop | status) and its files, in a directory of its own.
# Settings: LVS_WORKLOADS (names; absent: none), LVS_PACKAGES (that an image of the user's must hold), LVS_RIP, and of the workload at place N
# LVS_WORKLOAD_N_PORTS, _LISTENS (tcp=PORT udp=PORT ...), _SCRIPT, _FILES (names) and of the file at place M _FILE_M. Needs files.sh.

# Each has in it `script`, `ports`, and `files/`, which is the script's directory when it runs.
readonly WORKLOADS=/usr/local/lib/lvs-dr/workloads
# Longest `start` or `stop`, and longest `status`, seconds.
readonly WORKLOAD_SECONDS=120 WORKLOAD_STATUS_SECONDS=15
# Not empty: this run has seen all of them serve.
WORKLOADS_SERVE=''

# setting N NAME: of the workload at place N; empty where it has none.
setting() {
  local name=LVS_WORKLOAD_$1_$2
  printf '%s' "${!name:-}"
}

# ports_of NAME: those it was last installed with.
ports_of() { [[ ! -e $WORKLOADS/$1/ports ]] || echo "$(<"$WORKLOADS/$1/ports")"; }

installed_workloads() {
  local each
  for each in "$WORKLOADS"/*/; do
    each=${each%/}
    [[ ! -e $each/ports ]] || echo "${each##*/}"
  done
}

# run_workload NAME start|stop|status SECONDS [CHANGED]: what it says is left in /run/lvs-dr/workload-NAME.ACTION. Not through a pipe, which a
# daemon of its would hold open, as it would the locks.
run_workload() {
  local directory=$WORKLOADS/$1 vip vips=''
  [[ -e $directory/script ]] || return 0
  for vip in $LVS_VIPS; do vips+=" ${vip%/*}"; done
  [[ -d /run/lvs-dr ]] || mkdir -p /run/lvs-dr
  (cd "$directory/files" && exec env LVS_NODE="$LVS_NODE" LVS_RIP="$LVS_RIP" LVS_VIPS="${vips# }" LVS_WORKLOAD="$1" \
    LVS_PORTS="$(<"$directory/ports")" LVS_CHANGED="${4:-}" \
    LVS_TLS_CERTIFICATE="$TLS/certificate.pem" LVS_TLS_KEY="$TLS/key.pem" timeout -k 5 "$3" "$directory/script" "$2") \
    >"/run/lvs-dr/workload-$1.$2" 2>&1 </dev/null 8>&- 9>&-
}

# workload_failure NAME ACTION STATUS SECONDS: a sentence with the last that it said.
workload_failure() {
  local said words how="ended with status $3"
  [[ $3 != 124 ]] || how="took longer than $4 s"
  mapfile -t said <"/run/lvs-dr/workload-$1.$2" || true
  ((${#said[@]} <= 3)) || said=("${said[@]: -3}")
  words=${said[*]}
  ((${#words} <= 300)) || words=${words: -300}
  printf '%s' "workload $1: '$2' $how${words:+: $words}"
}

# must_run NAME ACTION [CHANGED]
must_run() {
  local status=0
  run_workload "$1" "$2" "$WORKLOAD_SECONDS" "${3:-}" || status=$?
  ((status == 0)) || die "$LVS_NODE: $(workload_failure "$1" "$2" "$status" "$WORKLOAD_SECONDS")"
}

# owner_of PORT: the workload whose port it is; "web" for the web server's; nothing for nobody's.
owner_of() {
  local name place=0
  for name in ${LVS_WORKLOADS:-}; do
    [[ " $(setting "$place" PORTS) " != *" $1 "* ]] || { echo "$name" && return; }
    place=$((place + 1))
  done
  [[ " $LVS_PORTS " != *" $1 "* ]] || echo web
}

remove_workload() {
  must_run "$1" stop
  rm -rf "${WORKLOADS:?}/$1"
}

# release_workloads: those that are no longer configured are removed at once where others need their ports, else noted in
# LEAVING_WORKLOADS. One that has to give up a port is stopped; `start` comes later.
release_workloads() {
  local name port owner taken
  for name in $(installed_workloads); do
    taken=0
    for port in $(ports_of "$name"); do
      owner=$(owner_of "$port")
      [[ -z $owner || $owner == "$name" ]] || taken=1
    done
    if [[ " ${LVS_WORKLOADS:-} " == *" $name "* ]]; then
      ((taken == 0)) || must_run "$name" stop
    elif ((taken)); then
      remove_workload "$name"
    else
      LEAVING_WORKLOADS+=" $name"
    fi
  done
}

# install_workload NAME N: sets CHANGED to 1 if anything of it was otherwise.
install_workload() {
  local directory=$WORKLOADS/$1 text
  CHANGED=0
  mkdir -p "$directory/files"
  replace_text "$directory/ports" "$(setting "$2" PORTS)" 0644
  text=$(setting "$2" SCRIPT)
  if [[ -n $text ]]; then replace_text "$directory/script" "$text"$'\n' 0755; else rm -f "$directory/script"; fi
  drop_files "$directory/files" "LVS_WORKLOAD_$2"
  # A daemon of another user may have to read them; what is secret, the script hands on as it must be.
  put_files "$directory/files" "LVS_WORKLOAD_$2" 0600
}

# start_workloads: returns when all of them serve.
start_workloads() {
  local name place=0 deadline
  for name in ${LVS_WORKLOADS:-}; do
    install_workload "$name" $((place++))
    must_run "$name" start "${CHANGED/#0/}"
  done
  [[ -n ${LVS_WORKLOADS:-} ]] || return 0
  deadline=$((SECONDS + WORKLOAD_SECONDS))
  until workloads_serve; do
    ((SECONDS < deadline)) || return 0
    sleep 0.5
  done
  WORKLOADS_SERVE=yes
}

workloads_serve() (
  PROBLEMS=()
  expect_workloads
  ((${#PROBLEMS[@]} == 0))
)

# expect_workloads: each says that it is well, and listens.
expect_workloads() {
  local name place=0 each sockets status
  [[ -n ${LVS_WORKLOADS:-} && -z $WORKLOADS_SERVE ]] || return 0
  local -A asked=()
  for name in $LVS_WORKLOADS; do
    run_workload "$name" status "$WORKLOAD_STATUS_SECONDS" &
    asked[$name]=$!
  done
  sockets=$'\n'$(ss -Hltun)
  for name in $LVS_WORKLOADS; do
    status=0
    wait "${asked[$name]}" || status=$?
    ((status == 0)) || problem workload-failed "$name" "$(workload_failure "$name" status "$status" "$WORKLOAD_STATUS_SECONDS")"
    for each in $(setting "$place" LISTENS); do
      [[ $sockets =~ $'\n'${each%=*}[^$'\n']*:${each#*=}\  ]] ||
        problem not-listening "${each#*=}" "workload $name: nothing listens on ${each%=*} port ${each#*=}"
    done
    place=$((place + 1))
  done
}

stop_workloads() {
  local name
  for name in $(installed_workloads); do must_run "$name" stop; done
}

# need_packages: the project's image was built with them; an image of the user's must hold them.
need_packages() {
  local each missing=''
  for each in ${LVS_PACKAGES:-}; do
    # shellcheck disable=SC2016 # dpkg-query's own variable
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$each" 2>/dev/null) == installed ]] || missing+=", $each"
  done
  [[ -z $missing ]] || die "$LVS_NODE: the image lacks what a workload needs, Debian package ${missing#, }"
}
