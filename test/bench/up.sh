#!/usr/bin/env bash
# test/bench/up.sh [STACK [PAIRS]]: how long `up` takes beside the same guests started bare, in one run on one machine.
# Bare: the stack's domains, all started at once by virsh, until sshd answers on every one. A shared machine is faster in
# one minute than in the next: hence pairs, three if not told, and the median of their ratios. The figures are there to
# quote; no test depends on them. Run it as root, on a machine that does nothing else: it takes about eight minutes.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
LAB="$ROOT/scripts/lab"

difference() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.1f", b - a}'; }

seconds_of() {
  local begin=$EPOCHREALTIME
  "$@" >/dev/null 2>&1
  difference "$begin" "$EPOCHREALTIME"
}

# banner ADDRESS: until sshd says who it is; a connection gets ten seconds to do so.
banner() {
  # shellcheck disable=SC2016 # the inner shell expands it
  "$LAB" exec bash -c '
    until exec 3<>"/dev/tcp/$1/22" && read -r -t 10 line <&3 && [[ $line == SSH-* ]]; do sleep 0.2; done' _ "$1" 2>/dev/null
}

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

# image_build: into a directory of its own, so that the one in use stays.
image_build() {
  local root=/var/lib/libvirt/images/lvs-dr-bench status=0
  LVS_DR_IMAGE_ROOT=$root "$LAB" image || status=$?
  rm -rf "$root"
  return "$status"
}

# lines DIRECTORY: of its TypeScript.
lines() { find "$ROOT/$1" -name '*.ts' -print0 | xargs -0 cat | wc -l; }

# busy: seconds that this machine's processors have worked, all together, since it started.
busy() { awk -v hz="$(getconf CLK_TCK)" '$1 == "cpu" {printf "%.1f", ($2 + $3 + $4 + $7 + $8) / hz}' /proc/stat; }

# row WHAT NUMBER…: with their median, the lower one of two.
row() {
  local what=$1
  shift
  printf '%-47s %s, median %s\n' "$what" "$*" "$(printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p")"
}

main() {
  local stack=${1:-bench} pairs=${2:-3} addresses domain before again_seconds down_seconds resident
  local bare_seconds=() bare_busy=() up_seconds=() up_busy=() ratios=()
  "$LAB" up --stack "$stack" >/dev/null
  addresses=$("$LAB" output --stack "$stack" nodes --json | jq -r '.[].address' | tr '\n' ' ')
  while ((${#ratios[@]} < pairs)); do
    for domain in $(virsh -q list --name | grep "^lvs-dr-$stack-"); do virsh -q destroy "$domain"; done
    before=$(busy)
    bare_seconds+=("$(seconds_of bare "$stack" "$addresses")")
    bare_busy+=("$(difference "$before" "$(busy)")")
    "$LAB" down --stack "$stack" 2>/dev/null
    before=$(busy)
    up_seconds+=("$(seconds_of "$LAB" up --stack "$stack")")
    up_busy+=("$(difference "$before" "$(busy)")")
    ratios+=("$(awk -v a="${up_seconds[-1]}" -v b="${bare_seconds[-1]}" 'BEGIN {printf "%.2f", a / b}')")
  done
  again_seconds=$(seconds_of "$LAB" up --stack "$stack")
  resident=$(for domain in $(virsh -q list --name | grep "^lvs-dr-$stack-"); do
    virsh -q dommemstat "$domain" | awk '$1 == "rss" {printf "%d ", $2 / 1024}'
  done)
  down_seconds=$(seconds_of "$LAB" down --stack "$stack")
  row 'bare (virsh start until every sshd answers), s' "${bare_seconds[@]}"
  row 'up, from nothing to a healthy VIP, s' "${up_seconds[@]}"
  row 'ratio up / bare' "${ratios[@]}"
  row 'processor seconds of bare' "${bare_busy[@]}"
  row 'processor seconds of up' "${up_busy[@]}"
  printf 'second up, s                                    %s\ndown, s                                         %s\n' \
    "$again_seconds" "$down_seconds"
  printf 'QEMU resident, MiB, guest by guest              %s\n' "$resident"
  printf 'image build, s                                  %s\n' "$(seconds_of image_build)"
  printf 'lines of engine, components, model              %s %s %s\n' "$(lines engine)" "$(lines components)" "$(lines model)"
}

main "$@"
