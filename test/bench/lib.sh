# shellcheck shell=bash
# What the benchmarks share: clocks, and the bare start of guests that figures are compared with. Source it.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
LAB="$ROOT/scripts/lab"

difference() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.1f", b - a}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", a / b}'; }

seconds_of() {
  local begin=$EPOCHREALTIME
  "$@" >/dev/null 2>&1
  difference "$begin" "$EPOCHREALTIME"
}

# busy: seconds that this machine's processors have worked, all together, since it started.
busy() { awk -v hz="$(getconf CLK_TCK)" '$1 == "cpu" {printf "%.1f", ($2 + $3 + $4 + $7 + $8) / hz}' /proc/stat; }

# median NUMBER…: the lower one of two.
median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }

# banner ADDRESS: until sshd says who it is; a connection gets ten seconds to do so.
banner() {
  # shellcheck disable=SC2016 # the inner shell expands it
  "$LAB" exec bash -c '
    until exec 3<>"/dev/tcp/$1/22" && read -r -t 10 line <&3 && [[ $line == SSH-* ]]; do sleep 0.2; done' _ "$1" 2>/dev/null
}

# stop_guests STACK: as a power cut does.
stop_guests() {
  local domain
  for domain in $(virsh -q list --name | grep "^lvs-dr-$1-"); do virsh -q destroy "$domain"; done
}

# bare STACK ADDRESSES: starts the stack's domains by virsh, all at once, and waits until sshd answers on every one.
bare() {
  local address pids=() domains
  domains=$(virsh -q list --all --name | grep "^lvs-dr-$1-")
  xargs -n 1 -P 8 virsh -q start <<<"$domains"
  for address in $2; do
    banner "$address" &
    pids+=($!)
  done
  wait "${pids[@]}"
}

# addresses STACK: of its guests.
addresses() { "$LAB" output --stack "$1" nodes --json | jq -r '.[].address' | tr '\n' ' '; }
