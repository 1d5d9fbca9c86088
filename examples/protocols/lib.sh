# shellcheck shell=bash
# What the scripts beside it share; each names it among its `files`, in whose directory it runs.
umask 022

# serve UNIT COMMAND…: COMMAND, in the foreground, as a unit of systemd's, which lives on when the script has ended; anew where the script or
# a file of it has changed.
serve() {
  local unit=$1
  shift
  [[ -z $LVS_CHANGED ]] || systemctl stop "$unit" 2>/dev/null || true
  ! runs "$unit" || return 0
  systemd-run -q --collect --unit="$unit" -- "$@"
}

# runs UNIT: by its control group, since `systemctl` costs a guest without KVM half a second, and `status` is asked often.
runs() { { read -r <"/sys/fs/cgroup/system.slice/$1.service/cgroup.procs"; } 2>/dev/null; }

# act ACTION UNIT: stop and status of every script here; `start` is the script's own function.
act() {
  case $1 in
    start) start ;;
    stop) systemctl stop "$2" 2>/dev/null || true ;;
    status) runs "$2" || { echo "unit $2 does not run" && exit 1; } ;;
    *) echo "usage: ${0##*/} start|stop|status" >&2 && exit 2 ;;
  esac
}
