#!/usr/bin/env bash
# Boot throw-away guests from an image and print what each costs: CPU seconds of the QEMU process and wall seconds until sshd's banner is read,
# then until systemd is up as seen over SSH, then the CPU seconds of one more SSH login.
# usage: measure.sh [-n RUNS] [-k KERNEL-WORDS] [-c COMMAND] [IMAGE-DIRECTORY]     -c: run COMMAND in the guest at the end
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=throwaway.sh
source "$IMAGE_SCRIPTS/throwaway.sh"

minus() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a - b }'; }

measure() {
    local image=$1 words=$2 command=$3 begin=$EPOCHREALTIME banner banner_wall up up_wall state before
    guest_start "$image" "$words"
    guest_wait
    banner=$(guest_cpu) banner_wall=$(minus "$EPOCHREALTIME" "$begin")
    state=$(guest_ssh 'systemctl is-system-running --wait' || true)
    up=$(guest_cpu) up_wall=$(minus "$EPOCHREALTIME" "$begin")
    sleep 3 # idle, so that the login below is measured alone
    before=$(guest_cpu)
    guest_ssh true
    printf 'banner: %s CPU-s, %s s   %s: %s CPU-s, %s s   login: %s CPU-s\n' \
        "$banner" "$banner_wall" "${state:-no login}" "$up" "$up_wall" "$(minus "$(guest_cpu)" "$before")"
    [[ -z $command ]] || guest_ssh "$command" || true
    guest_stop
}

main() {
    local runs=1 words='' command='' image option i
    while getopts n:k:c: option; do
        case $option in
            n) runs=$OPTARG ;;
            k) words=$OPTARG ;;
            c) command=$OPTARG ;;
            *) die "usage: measure.sh [-n RUNS] [-k KERNEL-WORDS] [-c COMMAND] [IMAGE-DIRECTORY]" ;;
        esac
    done
    shift $((OPTIND - 1))
    image=${1:-$("$IMAGE_SCRIPTS/path.sh")}
    trap guest_stop EXIT
    for ((i = 0; i < runs; i++)); do measure "$image" "$words" "$command"; done
}

main "$@"
