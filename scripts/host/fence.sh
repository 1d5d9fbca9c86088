#!/usr/bin/env bash
# Power over the two directors of one stack: a fence_virtd of its own, which has the stack's key and configuration, in DIRECTORY. It ends only
# processes that have that configuration.
#
#   fence.sh start DIRECTORY   stdin: the key, a line; then fence_virt.conf, in which DIRECTORY stands for the directory. At once when it runs so
#   fence.sh stop DIRECTORY    it has ended, and the directory is gone
set -euo pipefail
export LC_ALL=C

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"

# runs DIRECTORY: prints the process of its daemon.
runs() {
  local pid='' words
  # A line without an end.
  read -r pid 2>/dev/null <"$1/pid" || [[ -n $pid ]] || return 1
  mapfile -d '' -t words 2>/dev/null <"/proc/$pid/cmdline" || return 1
  words+=("") && [[ ${words[0]##*/} == fence_virtd && " ${words[*]} " == *" $1/conf "* ]] && echo "$pid"
}

end() {
  local pid
  pid="$(runs "$1")" || return 0
  kill "$pid"
  wait_for 5 gone "$pid" || kill -KILL "$pid"
}
gone() { [[ ! -e /proc/$1 ]]; }

# differs FILE TEXT: it had another text, and has this one now, for nobody else to read.
differs() {
  [[ ! -e $1 || $(<"$1") != "$2" ]] || return 1
  (umask 077 && printf '%s\n' "$2" >"$1")
}

start() {
  local directory=$1 key conf changed=''
  have fence_virtd || die "fence_virtd is not installed, without which Pacemaker takes nothing over: $(install_command fence-virtd)"
  IFS= read -r key
  conf="$(cat)"
  (umask 077 && mkdir -p "$directory")
  directory="$(cd "$directory" && pwd)"
  # fence_virtd reads a key as a whole, the end of the last line too: a director's has none.
  [[ -e $directory/key && $(<"$directory/key") == "$key" ]] || { (umask 077 && printf '%s' "$key" >"$directory/key") && changed=yes; }
  ! differs "$directory/conf" "${conf//DIRECTORY/"$directory"}" || changed=yes
  if [[ -z $changed ]] && runs "$directory" >/dev/null; then return; fi
  end "$directory"
  # Of its own session: what ends the caller's spares it.
  setsid fence_virtd -f "$directory/conf" -p "$directory/pid" >"$directory/log" 2>&1 </dev/null ||
    die "fence_virtd does not start: $(tail -n 3 "$directory/log" | tr '\n' ' ')"
  wait_for 10 runs "$directory" >/dev/null || die "fence_virtd has gone again: $(tail -n 3 "$directory/log" | tr '\n' ' ')"
  echo "fence_virtd runs"
}

stop() {
  [[ -d $1 ]] || return 0
  end "$(cd "$1" && pwd)"
  rm -f "$1"/{key,conf,pid,log}
  rmdir "$1"
}

case "${1:-}" in
  start | stop) "$@" ;;
  *)
    echo "usage: fence.sh start|stop DIRECTORY" >&2
    exit 2
    ;;
esac
