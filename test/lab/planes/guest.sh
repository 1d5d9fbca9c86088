#!/usr/bin/env bash
# A throw-away guest of the lab's image with bed.sh in it. Prints the path of a program that runs a command there, and ends the guest when its standard
# input does: whoever has started it may die in any way.
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../../../scripts/image/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/image/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../../scripts/image/throwaway.sh
source "$IMAGE_SCRIPTS/throwaway.sh"

main() {
  trap guest_stop EXIT
  MEMORY=512 CPUS=${LVS_DR_TEST_CPUS:-2} guest_start "$("$IMAGE_SCRIPTS/path.sh")" >&2
  guest_wait
  guest_ssh 'cat >/usr/local/sbin/bed.sh; chmod +x /usr/local/sbin/bed.sh; systemctl is-system-running --wait' <"$(dirname "${BASH_SOURCE[0]}")/bed.sh" >/dev/null || true
  { echo '#!/usr/bin/env bash'; declare -p guest_work guest_port; declare -f guest_ssh; echo 'guest_ssh "$@"'; } >"$guest_work/run"
  chmod +x "$guest_work/run"
  echo "$guest_work/run"
  cat >/dev/null
}

main
