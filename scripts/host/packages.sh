#!/usr/bin/env bash
# Installs Debian or Ubuntu packages: without questions, without recommended extras, patiently.
#
#   packages.sh PACKAGE… [-- EXTRA…]     an EXTRA that apt does not know is left out, with a warning
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

# known PACKAGE: apt has one to install. Ubuntu, for one, has Chromium only as a snap.
known() { [[ "$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p')" == [^\(]* ]]; }

main() {
  local wanted=() extras packages extra log
  (($# > 0)) || die "usage: packages.sh PACKAGE… [-- EXTRA…]"
  while (($# > 0)) && [[ $1 != -- ]]; do wanted+=("$1") && shift; done
  extras=("${@:2}")
  packages=("${wanted[@]}" "${extras[@]}")
  [[ "$(os_family)" == debian ]] || die "not Debian or Ubuntu: $(install_command "${packages[@]}")"
  if ! is_root; then
    have sudo || die "root is needed: $(install_command "${packages[@]}") (there is no sudo here; run it as root)"
    say "==> sudo, to install: ${packages[*]}"
    exec sudo -- "$HERE/packages.sh" "${wanted[@]}" -- "${extras[@]}"
  fi
  # Where no init system runs, a package is not to start its service either (invoke-rc.d obeys this).
  has_systemd || export RUNLEVEL=1
  say "==> installing: ${packages[*]}"
  log="$(mktemp)"
  # A fresh container has no package lists at all, an old machine stale ones: then update and try again.
  if ! logged "$log" install_packages "${packages[@]}"; then
    # What it says if it fails, the next installation says again.
    logged "$log" finish_interrupted || true
    if retry 3 5 logged "$log" apt_get update; then
      packages=("${wanted[@]}")
      for extra in "${extras[@]}"; do
        if known "$extra"; then packages+=("$extra"); else say "warning: apt does not know $extra: left out"; fi
      done
    else
      say "warning: apt-get update failed; using the package lists at hand"
    fi
    ((${#packages[@]} == 0)) || retry 3 5 logged "$log" install_packages "${packages[@]}" || {
      tail -n 30 "$log" >&2
      rm -f "$log"
      die "apt could not install: ${packages[*]}"
    }
  fi
  rm -f "$log"
}
main "$@"
