#!/usr/bin/env bash
# Undoes daemons.sh: ends the libvirtd and virtlogd that it started (by their recorded process ids, never by name) and
# removes the network namespace. A libvirtd that was there before is left alone, and so is ours while guests or
# networks of any stack run: `scripts/lab down` first.
#
#   stop.sh                exit 0: nothing of ours runs any more; 1: something still needs it, named on stderr
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"

readonly DEADLINE=20

gone() { [[ ! -d /proc/$1 ]] || is_zombie "$1"; }

# stop_daemon NAME: the one we recorded, if that process still is it.
stop_daemon() {
  local name="$1" pid
  if pid="$(pid_runs "$RUN_DIR/$name.pid" "$name")"; then
    kill -TERM "$pid"
    wait_for "$DEADLINE" gone "$pid" || die "$name ($pid) does not end within $DEADLINE s"
    say "==> $name ended"
  fi
  rm -f "$RUN_DIR/$name.pid"
}

# active list|net-list: guests or networks that a libvirtd of ours keeps; nothing where it does not answer.
active() { timeout -k 1 10 virsh -q -c "$LIBVIRT_URI" "$1" --name 2>/dev/null </dev/null | grep -v '^$' | paste -sd ' ' || true; }

# guest_processes: QEMU's in our namespace, whether libvirtd knows of them or not.
guest_processes() {
  local pid
  for pid in $(ip netns pids "$NETNS" 2>/dev/null); do
    [[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != qemu-system* ]] || is_zombie "$pid" || echo "$pid"
  done
}

namespace_is_empty() { [[ -z "$(ip netns pids "$NETNS" 2>/dev/null)" ]]; }

main() {
  local guests networks processes
  (($# == 0)) || die "usage: stop-host"
  if [[ ! -d $RUN_DIR ]]; then return 0; fi
  if ! is_root; then
    have sudo || die "root is needed to stop libvirtd, and there is no sudo here: run as root"
    exec sudo -- "$HERE/stop.sh" "$@"
  fi
  exec 8>"$DAEMONS_LOCK"
  flock 8
  # Another one may have done it while we waited.
  if [[ ! -d $RUN_DIR ]]; then return 0; fi
  record_daemons
  if pid_runs "$RUN_DIR/libvirtd.pid" libvirtd >/dev/null; then
    guests="$(active list)"
    [[ -z $guests ]] || die "guests are running: $guests (scripts/lab down)"
    networks="$(active net-list)"
    [[ -z $networks ]] || die "networks are active: $networks (scripts/lab down)"
  fi
  processes="$(guest_processes | paste -sd ' ')"
  [[ -z $processes ]] || die "guests are running, and libvirtd does not tell which: processes $processes (scripts/lab down)"
  stop_daemon libvirtd
  stop_daemon virtlogd
  if [[ -n "$(netns_inode)" ]]; then
    # libvirtd's own children may take a moment longer.
    wait_for 5 namespace_is_empty ||
      die "processes still run in the network namespace $NETNS: $(ip netns pids "$NETNS" | tr '\n' ' ')"
    ip netns delete "$NETNS"
    say "==> removed the network namespace $NETNS"
  fi
  rm -rf "$RUN_DIR"
}
main "$@"
