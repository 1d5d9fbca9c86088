#!/usr/bin/env bash
# test/bench/up.sh [STACK [PAIRS]]: how long `up` takes beside the same guests started bare, in one run on one machine.
# Bare: the stack's domains, all started at once by virsh, until sshd answers on every one. A shared machine is faster in
# one minute than in the next: hence pairs, three if not told, and the median of their ratios. The figures are there to
# quote; no test depends on them. Run it as root, on a machine that does nothing else: it takes about eight minutes.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# image_build: into a directory of its own, so that the one in use stays.
image_build() {
  local root=/var/lib/libvirt/images/lvs-dr-bench status=0
  LVS_DR_IMAGE_ROOT=$root "$LAB" image || status=$?
  rm -rf "$root"
  return "$status"
}

# lines DIRECTORY: of its TypeScript.
lines() { find "$ROOT/$1" -name '*.ts' -print0 | xargs -0 cat | wc -l; }

# row WHAT NUMBER…: with their median.
row() {
  local what=$1
  shift
  printf '%-47s %s, median %s\n' "$what" "$*" "$(median "$@")"
}

main() {
  local stack=${1:-bench} pairs=${2:-3} addresses domain before again_seconds down_seconds resident
  local bare_seconds=() bare_busy=() up_seconds=() up_busy=() ratios=()
  "$LAB" up --stack "$stack" >/dev/null
  addresses=$(addresses "$stack")
  while ((${#ratios[@]} < pairs)); do
    stop_guests "$stack"
    before=$(busy)
    bare_seconds+=("$(seconds_of bare "$stack" "$addresses")")
    bare_busy+=("$(difference "$before" "$(busy)")")
    "$LAB" down --stack "$stack" 2>/dev/null
    before=$(busy)
    up_seconds+=("$(seconds_of "$LAB" up --stack "$stack")")
    up_busy+=("$(difference "$before" "$(busy)")")
    ratios+=("$(ratio "${up_seconds[-1]}" "${bare_seconds[-1]}")")
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
