#!/usr/bin/env bash
# test/bench/scale.sh [--two-hosts] [COUNT…]: what one lab costs with that many real servers (2, 8, 16 and 32 if none is named): seconds and processor
# seconds of up, second up, status, verify and down, and what an idle real server takes of a processor. Each count adds its line to
# .lab/bench/scale.tsv, in place of an older one of its own; then the table of all of them is printed, for docs/reference/scale.md, with the
# exponents by which cost grows with the number of guests. The processor seconds are those of the commands, of the guests' QEMU and of
# libvirtd; the seconds are of a machine that does nothing else. With --two-hosts half of the real servers are on a second host that VXLAN
# joins to the first (test/lab/hosts/host.sh), and the lines go to .lab/bench/scale-two-hosts.tsv. Run it as root.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly STACK=scale STACK_FILE="$ROOT/Pulumi.scale.yaml" HOST="$ROOT/test/lab/hosts/host.sh" SECOND=scale
RESULTS="$ROOT/.lab/bench/scale.tsv"
# What the stack's file says of hosts.
HOSTS=()
# Seconds over which an idle lab is watched.
readonly IDLE=60

stack_file() {
  printf '%s\n' config: '  lvs-dr:clientNetwork: { cidr: 172.28.0.0/17 }' '  lvs-dr:serverNetwork: { cidr: 192.168.28.0/24 }' \
    '  lvs-dr:vipCidr: 10.28.0.0/16' '  lvs-dr:vip: 10.28.0.100' "  lvs-dr:realServerCount: $1" "${HOSTS[@]}" >"$STACK_FILE"
}

# two_hosts: makes the second one.
two_hosts() {
  local facts accelerator
  RESULTS="${RESULTS%.tsv}-two-hosts.tsv"
  facts=$("$HOST" up "$SECOND")
  accelerator=$("$ROOT/scripts/host/accelerator.sh")
  HOSTS=("  lvs-dr:accelerator: $accelerator"
    "$(jq -r '"  lvs-dr:hosts: " + ([{underlay: .firstAddress}, {name, libvirtUri, hostKey, underlay: .address}] | tojson)' <<<"$facts")")
}

# ticks PROCESS: of processor time that it has used, and those of its children that have ended.
ticks() { awk '{sub(/.*\) /, ""); print $12 + $13 + $14 + $15}' "/proc/$1/stat" 2>/dev/null || echo 0; }

# guests [NAME]: QEMU's processes of the stack's domains whose name begins so.
guests() {
  pgrep -f "^[^ ]*qemu[^ ]* -name guest=lvs-dr-$STACK-${1:-}" || true
}

# spent: processor seconds of what this script has started and seen end, of libvirtd and of the guests that run.
spent() {
  local process sum
  sum=$(ticks $$)
  # What each has used since its start.
  for process in $(pidof libvirtd virtqemud) $(guests); do sum=$((sum + $(ticks "$process"))); done
  awk -v ticks="$sum" -v hz="$(getconf CLK_TCK)" 'BEGIN {printf "%.1f", ticks / hz}'
}

# measured COMMAND…: seconds and processor seconds, in $SECONDS_TAKEN and $SECONDS_SPENT.
measured() {
  local before busy status=0
  busy=$(spent)
  before=$EPOCHREALTIME
  "$@" >"$LOG" 2>&1 || status=$?
  SECONDS_TAKEN=$(difference "$before" "$EPOCHREALTIME")
  SECONDS_SPENT=$(difference "$busy" "$(spent)")
  ((status == 0)) || cat "$LOG" >&2
  return "$status"
}

# idle COUNT: hundredths of a processor that one real server takes, on average.
idle() {
  local process before=0 after=0
  for process in $(guests rs); do before=$((before + $(ticks "$process"))); done
  sleep "$IDLE"
  for process in $(guests rs); do after=$((after + $(ticks "$process"))); done
  awk -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" -v seconds="$IDLE" -v count="$1" \
    'BEGIN {printf "%.2f", 100 * ticks / hz / seconds / count}'
}

# one COUNT: a line of figures, its fields separated by tabs, in $LINE. Not in a subshell, whose children are not this script's until it ends.
one() {
  local count=$1 line each
  stack_file "$count"
  "$LAB" down --stack "$STACK" >/dev/null 2>&1
  "$LAB" preview --stack "$STACK" >/dev/null 2>&1
  line=$count
  measured "$LAB" up --stack "$STACK"
  line+=$'\t'"$SECONDS_TAKEN"$'\t'"$SECONDS_SPENT"
  for each in up status verify; do
    measured "$LAB" "$each" --stack "$STACK" || SECONDS_TAKEN="$SECONDS_TAKEN (fails)"
    line+=$'\t'"$SECONDS_TAKEN"$'\t'"$SECONDS_SPENT"
  done
  each=$(idle "$count")
  # Its processor seconds cannot be told: what the guests have used goes with them.
  measured "$LAB" down --stack "$STACK"
  LINE=$line$'\t'$SECONDS_TAKEN$'\t'$each
}

# exponent COLUMN: by which that figure grows with the number of guests (real servers and three others), from the first line to the last.
exponent() {
  sort -n "$RESULTS" | awk -F '\t' -v column="$1" '
    NR == 1 {guests = $1 + 3; figure = $column}
    END {if ($1 + 3 > guests) printf "%.2f", log($column / figure) / log(($1 + 3) / guests); else printf "-"}'
}

table() {
  printf '%s\n' '| real servers | up, s | CPU s | again, s | CPU s | status, s | CPU s | verify, s | CPU s | down, s | idle, % |' \
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |'
  sort -n "$RESULTS" | sed 's/\t/ | /g; s/.*/| & |/'
  echo "| exponent over all guests | $(exponent 2) | $(exponent 3) | $(exponent 4) | $(exponent 5) | $(exponent 6) | $(exponent 7) | $(exponent 8) | $(exponent 9) | $(exponent 10) | |"
}

main() {
  local count
  LOG=$(mktemp)
  trap '"$LAB" down --stack "$STACK" >/dev/null 2>&1 || true; ((${#HOSTS[@]} == 0)) || "$HOST" down "$SECOND"; rm -f "$STACK_FILE" "$LOG"' EXIT
  if [[ ${1:-} == --two-hosts ]]; then
    two_hosts
    shift
  fi
  (($# > 0)) || set -- 2 8 16 32
  mkdir -p "${RESULTS%/*}"
  touch "$RESULTS"
  for count in "$@"; do
    one "$count"
    { grep -v "^$count"$'\t' "$RESULTS" || true; } >"$LOG"
    { cat "$LOG" && echo "$LINE"; } >"$RESULTS"
    echo "$LINE" >&2
  done
  table
}

main "$@"
