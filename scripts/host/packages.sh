#!/usr/bin/env bash
# Installs Debian or Ubuntu packages: without questions, without recommended extras, patiently.
#
#   packages.sh PACKAGE…
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"

# apt waits for another apt (unattended-upgrades on a machine just booted) instead of failing at once.
apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@" </dev/null
}

install_packages() { apt_get install --no-install-recommends -- "$@"; }

# finish_interrupted: of an installation that was killed; apt refuses any other until then.
finish_interrupted() { DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a </dev/null; }

# logged LOG COMMAND…: hundreds of lines of apt's are only of interest when it fails.
logged() {
  local log="$1"
  shift
  "$@" >"$log" 2>&1
}

main() {
  (($# > 0)) || die "usage: packages.sh PACKAGE…"
  [[ "$(os_family)" == debian ]] || die "not Debian or Ubuntu: $(install_command "$@")"
  if ! is_root; then
    have sudo || die "root is needed: $(install_command "$@") (there is no sudo here; run it as root)"
    say "==> sudo, to install: $*"
    exec sudo -- "$HERE/packages.sh" "$@"
  fi
  # Where no init system runs, a package is not to start its service either (invoke-rc.d obeys this).
  has_systemd || export RUNLEVEL=1
  say "==> installing: $*"
  local log
  log="$(mktemp)"
  # A fresh container has no package lists at all, an old machine stale ones: then update and try again.
  if ! logged "$log" install_packages "$@"; then
    # What it says if it fails, the next installation says again.
    logged "$log" finish_interrupted || true
    retry 3 5 logged "$log" apt_get update || say "warning: apt-get update failed; using the package lists at hand"
    retry 3 5 logged "$log" install_packages "$@" || {
      tail -n 30 "$log" >&2
      rm -f "$log"
      die "apt could not install: $*"
    }
  fi
  rm -f "$log"
}
main "$@"
