#!/usr/bin/env bash
# Makes this host ready for `scripts/lab up` and `scripts/lab test`: packages (Debian, Ubuntu), /dev/kvm's group,
# libvirtd, the image directory. Asks for root once, and only if there is something to do.
#
#   prepare.sh packages [test]   the host's packages (and those of the tests)
#   prepare.sh packages remote   those of them that are needed where nothing runs libvirt or guests here
#   prepare.sh packages unit     only what the unit tests need
#   prepare.sh daemons           libvirtd only, and that it lets this user in
#   prepare.sh all [test|fencing]  packages, daemons, and the image directory
#   prepare.sh remote            for a libvirt on another host: its packages, and the image directory
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"
# shellcheck source=scripts/host/requirements.sh
source "$HERE/requirements.sh"

# needs_of SET: what is needed for it, and what is installed for it where it can be had.
needs_of() {
  case "$1" in
    unit) needs=(unit) extras=() ;;
    remote) needs=(host) extras=() ;;
    *) needs=(host local) extras=() ;;
  esac
  [[ $1 != test ]] || extras+=(unit test)
  [[ $1 != fencing ]] || needs+=(fencing)
  # ldirectord's package enables a service: not on a machine that has an owner. See requirements.sh.
  [[ $1 == unit ]] || has_systemd || extras+=(optional)
}

# packages [test|fencing|unit|remote]
packages() {
  local needs extras missing wished
  needs_of "${1:-}"
  mapfile -t missing < <(missing_packages "${needs[@]}")
  if [[ "$(os_family)" != debian ]]; then
    ((${#missing[@]} > 0)) || return 0
    die "this is not Debian or Ubuntu; please install what is missing, then try again:"$'\n'"  $(install_command "${missing[@]}")"
  fi
  mapfile -t wished < <(missing_packages "${extras[@]}" | grep -vxF -f <(printf '%s\n' "${missing[@]}"))
  ((${#missing[@]} + ${#wished[@]} == 0)) || "$HERE/packages.sh" "${missing[@]}" -- "${wished[@]}"
}

kvm_device_is_right() {
  [[ ! -c $KVM_DEVICE ]] || has_systemd || [[ "$(stat -c '%G %a' "$KVM_DEVICE")" =~ ^kvm\ .*(6|7)[0-7]$ ]]
}

# daemons_are_right [refused]: libvirt answers us; with `refused`, it is enough that it answers others.
daemons_are_right() {
  kvm_device_is_right && [[ -d $DNSMASQ_DIR ]] || return 1
  case "$(lab_namespace)" in
    here | none) answers_or_refuses "${1:-}" ;;
    # The program enters it as root, so it does not matter whether this user is let in.
    "$NETNS") is_known_to_stop && { ! is_root || libvirt_answers; } ;;
    *) return 1 ;;
  esac
}
# is_known_to_stop: what we started is recorded for stop.sh.
is_known_to_stop() { [[ ! -d $RUN_DIR ]] || is_recorded libvirtd "$(libvirtd_pid)"; }
answers_or_refuses() {
  local error
  error="$(libvirt_error)"
  [[ -z $error ]] || { [[ $1 == refused ]] && is_refusal "$error"; }
}

# admit_user: where libvirt is this host's own, its users are the members of libvirt, and who may open /dev/kvm those
# of kvm. This process is none yet: scripts/lab begins anew with what it was given here.
admit_user() {
  local error user groups=() group
  error="$(libvirt_error)"
  is_refusal "$error" || return 0
  user="$(id -un)"
  getent group libvirt >/dev/null || die "libvirt refuses $user, and there is no group libvirt to join: $error"
  [[ -z ${LVS_DR_NEW_GROUPS:-} ]] || die "libvirt refuses $user, who is in: $(id -nG) ($error)"
  have sudo || die "libvirt refuses $user: as root, usermod -aG libvirt,kvm $user; then log in again ($error)"
  for group in libvirt kvm; do
    [[ " $(id -nG "$user") " == *" $group "* ]] || ! getent group "$group" >/dev/null || groups+=("$group")
  done
  ((${#groups[@]} > 0)) || return 0
  say "==> sudo, to make $user a member of: ${groups[*]}"
  as_root usermod -aG "$(IFS=, && echo "${groups[*]}")" "$user" ||
    die "could not make $user a member of libvirt, which refuses others ($error)"
}

daemons() {
  if daemons_are_right; then return 0; fi
  if is_root; then
    "$HERE/daemons.sh"
  elif ! daemons_are_right refused; then
    have sudo || die "root is needed to start libvirtd, and there is no sudo here: run as root"
    say "==> sudo, to start libvirtd"
    as_root "$HERE/daemons.sh"
  fi
  is_root || [[ "$(lab_namespace)" == "$NETNS" ]] || admit_user
}

# The images are root's; everyone, QEMU's user too, must be able to pass through. 0711 on the parent is Debian's own.
image_root() {
  [[ -d $IMAGE_ROOT && -x $IMAGE_ROOT ]] || as_root install -d -m 0755 "$IMAGE_ROOT"
}

main() {
  case "${1:-}" in
    packages) packages "${2:-}" ;;
    daemons) daemons ;;
    all)
      packages "${2:-}"
      daemons
      image_root
      ;;
    remote)
      packages remote
      image_root
      ;;
    *) die "usage: prepare.sh packages [test|remote|unit] | daemons | all [test|fencing] | remote" ;;
  esac
}
main "$@"
