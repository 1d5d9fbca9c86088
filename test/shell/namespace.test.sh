# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # status, stdout and stderr are set by run (lib.sh); fakes' bodies expand later
# scripts/host/daemons.sh and stop.sh in a real network namespace of the test's own, with daemons that only pretend.

container() {
  [[ $EUID -eq 0 ]] || skip "not root"
  PATH="$PATH:/usr/sbin:/sbin" ip netns add "$LVS_DR_NETNS_NAME" 2>/dev/null || skip "no network namespaces here"
  ip netns delete "$LVS_DR_NETNS_NAME"
  local name
  for name in libvirtd virtlogd; do
    # The child has the daemon's name, its pid file, and waits without processes of its own.
    fake "$name" '( trap "exit 0" TERM; echo -n "$BASHPID" >"$LVS_DR_PID_DIR/'"$name"'.pid"; mkfifo "$LVS_DR_PID_DIR/'"$name"'.fifo" 2>/dev/null
      exec 7<>"$LVS_DR_PID_DIR/'"$name"'.fifo"; while :; do read -r -t 5 -u 7 || true; done ) &'
  done
  ln -s "$(PATH=/usr/bin:/bin command -v mkfifo)" "$BIN/mkfifo"
  # libvirt answers as long as the daemon lives.
  fake virsh 'source "'"$ROOT"'/scripts/host/lib.sh"; pid_runs "$LVS_DR_PID_DIR/libvirtd.pid" libvirtd >/dev/null || { echo "error: no daemon" >&2; exit 1; }
    case "$*" in *" list --name") cat "'"$T"'/guests" 2>/dev/null ;; esac; exit 0'
}

# shellcheck disable=SC2317
clean_up() {
  local name pid
  for name in libvirtd virtlogd; do
    pid="$(cat "$LVS_DR_PID_DIR/$name.pid" 2>/dev/null)" || continue
    if grep -qx "$name" "/proc/$pid/comm" 2>/dev/null; then kill -KILL "$pid"; fi
  done
  if [[ -e /run/netns/$LVS_DR_NETNS_NAME ]]; then ip netns delete "$LVS_DR_NETNS_NAME"; fi
}

start() { run "$ROOT/scripts/host/daemons.sh"; }
stop() { run "$ROOT/scripts/host/stop.sh"; }
where() { bash -c 'source "$1" && lab_namespace' - "$ROOT/scripts/host/lib.sh"; }
daemon() { cat "$LVS_DR_PID_DIR/libvirtd.pid"; }

test_started_in_a_namespace_and_stopped_without_a_trace() {
  container
  equals "$(where)" planned
  start
  exits 0
  equals "$(where)" "$LVS_DR_NETNS_NAME"
  contains "$(ip netns pids "$LVS_DR_NETNS_NAME")" "$(daemon)"
  contains "$(ip -n "$LVS_DR_NETNS_NAME" -br link show lo)" "LOWER_UP"
  stop
  exits 0
  [[ ! -e /run/netns/$LVS_DR_NETNS_NAME && ! -e $LVS_DR_RUN_DIR ]]
  equals "$(where)" planned
}

test_a_second_start_changes_nothing() {
  local first
  container
  start
  first="$(daemon)"
  start
  exits 0
  equals "$stderr" ""
  equals "$(daemon)" "$first"
}

test_leftovers_of_an_earlier_boot_are_no_obstacle() {
  container
  mkdir -p /run/netns
  : >"/run/netns/$LVS_DR_NETNS_NAME"
  echo 1 >"$LVS_DR_PID_DIR/libvirtd.pid"
  echo 999999999 >"$LVS_DR_PID_DIR/virtlogd.pid"
  start
  exits 0
  equals "$(where)" "$LVS_DR_NETNS_NAME"
}

test_a_killed_daemon_is_started_again() {
  local first
  container
  start
  first="$(daemon)"
  kill -KILL "$first"
  start
  exits 0
  equals "$(where)" "$LVS_DR_NETNS_NAME"
  [[ "$(daemon)" != "$first" ]]
}

test_a_lost_name_is_given_back() {
  local first
  container
  start
  first="$(daemon)"
  ip netns delete "$LVS_DR_NETNS_NAME"
  equals "$(where)" lost
  start
  exits 0
  equals "$(where)" "$LVS_DR_NETNS_NAME"
  equals "$(daemon)" "$first"
}

test_a_libvirtd_of_the_host_is_used_and_never_stopped() {
  container
  libvirtd -d
  while [[ ! -s $LVS_DR_PID_DIR/libvirtd.pid ]]; do sleep 0.05; done
  start
  exits 0
  equals "$(where)" here
  [[ ! -e /run/netns/$LVS_DR_NETNS_NAME ]]
  stop
  exits 0
  [[ -d /proc/$(daemon) ]]
}

test_running_guests_keep_it_from_stopping() {
  container
  start
  echo "lvs-dr-dev-rs1" >"$T/guests"
  stop
  exits 1
  contains "$stderr" "guests are running: lvs-dr-dev-rs1"
  [[ -d /proc/$(daemon) ]]
}

test_guests_that_libvirtd_does_not_know_keep_it_too() {
  container
  start
  kill -KILL "$(daemon)"
  cp "$(readlink -f "$BIN/sleep")" "$T/qemu-system-x86_64"
  ip netns exec "$LVS_DR_NETNS_NAME" "$T/qemu-system-x86_64" 60 &
  local guest=$!
  while [[ "$(cat "/proc/$guest/comm")" != qemu-system* ]]; do sleep 0.05; done
  stop
  kill "$guest"
  exits 1
  contains "$stderr" "processes $guest (scripts/lab down)"
  [[ -d /proc/$(cat "$LVS_DR_PID_DIR/virtlogd.pid") ]]
}

# not_recorded: as if a kill -9 had come between the daemons' start and their record.
not_recorded() { rm "$LVS_DR_RUN_DIR"/{virtlogd,libvirtd}.pid; }

test_daemons_that_are_not_recorded_are_known_to_users_and_recorded_by_the_next_start() {
  local setpriv
  container
  setpriv="$(PATH=/usr/bin:/bin command -v setpriv)" || skip "no setpriv"
  start
  not_recorded
  project
  chmod 0755 "$T"
  # shellcheck disable=SC2016 # the inner shell expands it
  equals "$("$setpriv" --reuid=65534 --regid=65534 --clear-groups -- \
    bash -c 'source "$1" && lab_namespace' - "$T/project/scripts/host/lib.sh")" "$LVS_DR_NETNS_NAME"
  run "$T/project/scripts/host/prepare.sh" daemons
  exits 0
  equals "$(cat "$LVS_DR_RUN_DIR/libvirtd.pid")" "$(daemon)"
  equals "$(cat "$LVS_DR_RUN_DIR/virtlogd.pid")" "$(cat "$LVS_DR_PID_DIR/virtlogd.pid")"
}

test_daemons_that_are_not_recorded_are_stopped_and_not_under_guests() {
  local first
  container
  start
  first="$(daemon)"
  not_recorded
  echo "lvs-dr-dev-rs1" >"$T/guests"
  stop
  exits 1
  contains "$stderr" "guests are running: lvs-dr-dev-rs1"
  [[ -d /proc/$first && -d /proc/$(cat "$LVS_DR_PID_DIR/virtlogd.pid") ]]
  rm "$T/guests"
  not_recorded
  stop
  exits 0
  contains "$stderr" "libvirtd ended"
  contains "$stderr" "virtlogd ended"
  [[ ! -e /run/netns/$LVS_DR_NETNS_NAME && ! -e $LVS_DR_RUN_DIR ]]
}

test_two_checkouts_at_once_start_one_libvirtd() {
  local first
  container
  project
  # Long enough for both to find that there is no namespace yet.
  fake ip "case \"\$*\" in 'netns add '*) sleep 1 ;; esac; exec '$(PATH="$REAL_PATH:/usr/sbin:/sbin" command -v ip)' \"\$@\""
  "$T/project/scripts/host/prepare.sh" daemons 2>"$T/first" &
  first=$!
  run "$ROOT/scripts/host/prepare.sh" daemons
  wait "$first" || fail "$(cat "$T/first")"
  exits 0
  equals "$(calls "ip netns add")" 1
  equals "$(grep -c '^libvirtd' "$CALLS")" 1
  # The daemons do not keep it.
  flock -n "$LVS_DR_DAEMONS_LOCK" bash -c :
}

test_a_stop_waits_for_who_starts_or_stops() {
  container
  start
  flock "$LVS_DR_DAEMONS_LOCK" bash -c 'echo held >"$1"; sleep 1; echo given >"$1"' - "$T/lock" &
  while [[ ! -s $T/lock ]]; do sleep 0.05; done
  stop
  exits 0
  equals "$(cat "$T/lock")" given
}

test_a_daemon_that_dies_tells_why() {
  container
  fake libvirtd 'echo "internal error: no such thing" >&2; exit 1'
  start
  exits 1
  contains "$stderr" "internal error: no such thing"
  stop
  exits 0
  [[ ! -e /run/netns/$LVS_DR_NETNS_NAME ]]
}

test_pulumi_s_plugins_are_got_where_there_is_a_way_out() {
  local here
  # The suite itself may run where the guests of a lab are.
  here=$(ip netns identify)
  container
  start
  project
  mkdir "$T/project/node_modules"
  sha256sum "$T/project/package-lock.json" | cut -d ' ' -f 1 >"$T/project/node_modules/.lvs-dr-lock-digest"
  # shellcheck disable=SC2016
  fake node 'case "$1" in --version) echo v22.13.0 ;; *) echo "${*:4} in $(ip netns identify)"; exit "${PROGRAM_EXIT:-0}" ;; esac'
  run "$T/project/scripts/lab" preview --stack x
  equals "$stdout" "preview --stack x in $LVS_DR_NETNS_NAME"
  fake pulumi ''
  run "$T/project/scripts/lab" preview --stack x
  exits 0
  equals "$stdout" "pulumi-plugins --stack x in $here"$'\n'"preview --stack x in $LVS_DR_NETNS_NAME"
  # Without them there is no point in going on.
  PROGRAM_EXIT=1 run "$T/project/scripts/lab" preview
  exits 1
  equals "$stdout" "pulumi-plugins in $here"
  run "$T/project/scripts/lab" status
  equals "$stdout" "status in $LVS_DR_NETNS_NAME"
}

test_commands_run_where_the_guests_are() {
  container
  start
  run "$ROOT/scripts/lab" exec ip netns identify
  exits 0
  equals "$stdout" "$LVS_DR_NETNS_NAME"
  run "$ROOT/scripts/lab" exec bash -c 'echo "$LVS_DR_NETNS"; exit 9'
  exits 9
  equals "$stdout" "$LVS_DR_NETNS_NAME"
}
