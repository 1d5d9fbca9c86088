#!/usr/bin/env bash
# Lists what this host needs for the lab, what of it is missing, and the command that repairs each. Changes nothing.
#
#   doctor.sh [--json]      exit 0: nothing is missing (there may be warnings); 1: something is
#
# --json prints one object: {ok, system, checks: [{name, status: "ok"|"missing"|"warning", detail, repair}]}
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../.." && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"
# shellcheck source=scripts/host/requirements.sh
source "$HERE/requirements.sh"

readonly LAB="${LVS_DR_LAB_DIR:-$ROOT/.lab}"
# Five guests of 384 MiB, QEMU's own share and the image build.
readonly MEMORY_MIB=2560
readonly DISK_MIB=4096

SUDO=""
is_root || SUDO="sudo "
RESULTS=()
# Not empty: something is missing that `scripts/lab up` does not repair.
BY_HAND=""

# report STATUS NAME DETAIL [REPAIR]
report() { RESULTS+=("$1"$'\x1f'"$2"$'\x1f'"$3"$'\x1f'"${4:-}"); }

check_commands() {
  local needs commands debian fedora arch suse purpose package status
  while IFS='|' read -r needs commands debian fedora arch suse purpose; do
    if requirement_met "$commands"; then
      report ok "${commands//,/ or }" "$purpose"
      continue
    fi
    case "$(os_family)" in fedora) package="$fedora" ;; arch) package="$arch" ;; suse) package="$suse" ;; *) package="$debian" ;; esac
    status=missing
    needed_for "$needs" host local || status=warning
    if [[ $package == - ]]; then
      report "$status" "${commands//,/ or }" "$purpose" "no package of this distribution has it (Debian: $debian)"
    else
      report "$status" "${commands//,/ or }" "$purpose (package $package)" "$(install_command "$package")"
    fi
  done < <(requirements)
}

check_node() {
  local own="$LAB/node/bin" version repair="scripts/host/node.sh path --install"
  [[ "$(os_family)" == debian ]] || repair="$(install_command nodejs npm), or from https://nodejs.org"
  if node_version_ok node; then
    report ok "node" "$(node --version)"
  elif node_version_ok "$own/node"; then
    report ok "node" "$("$own/node" --version) in .lab/node"
  elif version="$(node --version 2>/dev/null)"; then
    report missing "node" "$version is not supported: $NODE_WANTED is needed" "$repair"
  else
    report missing "node" "$NODE_WANTED is needed" "$repair"
  fi
  if have npm || [[ -x $own/npm ]]; then
    report ok "npm" "installs the node modules"
  else
    report missing "npm" "installs the node modules (package npm)" "$(install_command npm)"
  fi
}

check_modules() {
  if [[ ! -d $ROOT/node_modules ]]; then
    report missing "node modules" "not installed" "scripts/host/node.sh modules"
  elif [[ "$(cat "$ROOT/node_modules/.lvs-dr-lock-digest" 2>/dev/null)" != "$(sha256sum "$ROOT/package-lock.json" | cut -d ' ' -f 1)" ]]; then
    report warning "node modules" "may not be those of package-lock.json" "scripts/host/node.sh modules"
  else
    report ok "node modules" "as package-lock.json says"
  fi
}

check_libvirt() {
  local error where user repair
  error="$(libvirt_error)"
  user="$(id -un)"
  if [[ -z $error ]]; then
    where="$(lab_namespace)"
    [[ $where != here ]] || where="this host's own"
    report ok "libvirt" "answers at $LIBVIRT_URI; network namespace: $where"
    [[ -d $DNSMASQ_DIR ]] ||
      report missing "$DNSMASQ_DIR" "without it no guest starts on a network without DHCP" "${SUDO}mkdir -p $DNSMASQ_DIR"
    return 0
  fi
  if is_refusal "$error"; then
    repair="sudo usermod -aG libvirt,kvm $user, then log in again"
    [[ "$(groups_not_taken_up)" != *libvirt* ]] || repair="log in again: this login is older than the membership in libvirt"
    report missing "libvirt" "refuses $user: $error" "$repair"
    have sudo || BY_HAND=yes
  else
    report missing "libvirt" "$error" "$(libvirt_start_command)"
  fi
}

check_kvm() {
  local permissions verdict
  if [[ ! -e $KVM_DEVICE ]]; then
    report warning "KVM" "there is no $KVM_DEVICE: the guests will be emulated, which is slower" \
      "${SUDO}modprobe kvm_intel || ${SUDO}modprobe kvm_amd (after virtualization is enabled in the firmware)"
    return 0
  fi
  permissions="$(stat -c '%U:%G %a' "$KVM_DEVICE")"
  if ! getent group kvm >/dev/null; then
    report ok "$KVM_DEVICE" "$permissions (the group kvm comes with libvirt's package)"
  elif [[ $permissions =~ :kvm\ .*[67][0-7]$ ]]; then
    report ok "$KVM_DEVICE" "$permissions"
  else
    report missing "$KVM_DEVICE" "$permissions: libvirt probes QEMU anew at every call, 4 s each" \
      "${SUDO}chown root:kvm $KVM_DEVICE && ${SUDO}chmod 0660 $KVM_DEVICE"
    ! has_systemd || BY_HAND=yes
  fi
  if [[ -c $KVM_DEVICE && ! (-r $KVM_DEVICE && -w $KVM_DEVICE) ]]; then
    report warning "KVM" "$(id -un) may not open $KVM_DEVICE" "sudo usermod -aG kvm $(id -un), then log in again"
    return 0
  fi
  verdict="$("$HERE/accelerator.sh" --cached 2>&1 | head -n 1)" || true
  case "$verdict" in
    kvm) report ok "KVM" "a kernel has booted under it" ;;
    unknown)
      report ok "KVM" "not tried yet: \`scripts/lab up\` boots a kernel under it first: the guest image's, or where that is not built (scripts/lab image) one of this host's that $(id -un) may read"
      ;;
    *) report warning "KVM" "${verdict#notice: }" "scripts/host/accelerator.sh --fresh (tries again)" ;;
  esac
}

check_room() {
  local facts available disk parent="$IMAGE_ROOT"
  available="$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)"
  facts="$available MiB available, $MEMORY_MIB needed by five guests"
  if ((available >= MEMORY_MIB)); then report ok "memory" "$facts"; else
    report warning "memory" "$facts" "end other programs, or lower the guests' memory in the stack's configuration"
  fi
  until [[ -e $parent ]]; do parent="$(dirname "$parent")"; done
  disk="$(df -P -k "$parent" | awk 'END { print int($4 / 1024) }')"
  facts="$disk MiB free at $parent, $DISK_MIB needed"
  if ((disk >= DISK_MIB)); then report ok "disk space" "$facts"; else
    report missing "disk space" "$facts" "free some, e.g. old images: du -sh $IMAGE_ROOT/*"
    BY_HAND=yes
  fi
}

# Docker sets FORWARD to DROP, and br_netfilter sends frames between two guests through it. libvirt's own rules let
# them pass, unless they were flushed.
check_bridge_filter() {
  local policy
  [[ "$(cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || echo 0)" == 1 && "$(lab_namespace)" == here ]] || return 0
  is_root && have iptables || return 0
  policy="$(timeout -k 1 2 iptables -w 1 -S FORWARD 2>/dev/null | sed -n 's/^-P FORWARD //p')" || true
  [[ $policy == DROP ]] || return 0
  report warning "bridge filter" "iptables' FORWARD policy is DROP (Docker's doing) and bridged frames pass it (br_netfilter)" \
    "${SUDO}sysctl -w net.bridge.bridge-nf-call-iptables=0"
}

check_image() {
  local directory
  if directory="$("$HERE/../image/path.sh" 2>/dev/null)"; then
    report ok "guest image" "$directory"
  else
    report warning "guest image" "not built yet: \`scripts/lab up\` builds it, once" "scripts/lab image"
  fi
  if have pulumi; then
    report ok "pulumi" "$(pulumi version 2>/dev/null || echo 'does not run'): its engine is used"
  else
    report ok "pulumi" "not installed (optional): the embedded engine is used"
  fi
}

print_text() {
  local row status name detail repair missing=0 packages
  for row in "${RESULTS[@]}"; do
    IFS=$'\x1f' read -r status name detail repair <<<"$row"
    [[ $status != missing ]] || missing=$((missing + 1))
    printf '%-8s %-24s %s\n' "$status" "$name" "$detail"
    [[ $status == ok || -z $repair ]] || printf '%-8s %-24s   repair: %s\n' "" "" "$repair"
  done
  if ((missing == 0)); then
    echo "Nothing is missing."
    return 0
  fi
  echo "$missing missing."
  mapfile -t packages < <(missing_packages host local)
  ((${#packages[@]} == 0)) || printf 'All packages at once:\n  %s\n' "$(install_command "${packages[@]}")"
  if [[ "$(os_family)" == debian && -z $BY_HAND ]] && { is_root || have sudo; }; then
    echo "\`scripts/lab up\` does all that by itself."
  fi
}

print_json() {
  local row status name detail repair separator="" ok="$1"
  printf '{"ok":%s,"system":%s,"checks":[' "$ok" "$(json_string "$(os_field PRETTY_NAME)")"
  for row in "${RESULTS[@]}"; do
    IFS=$'\x1f' read -r status name detail repair <<<"$row"
    printf '%s{"name":%s,"status":"%s","detail":%s,"repair":' "$separator" "$(json_string "$name")" "$status" "$(json_string "$detail")"
    if [[ -n $repair && $status != ok ]]; then json_string "$repair"; else printf null; fi
    printf '}' && separator=","
  done
  printf ']}\n'
}

main() {
  local ok=true
  [[ ${1:-} =~ ^(|--json)$ ]] || die "usage: doctor [--json]"
  check_node
  check_modules
  check_commands
  check_libvirt
  check_kvm
  check_room
  check_bridge_filter
  check_image
  [[ $'\n'"$(printf '%s\n' "${RESULTS[@]}")" != *$'\n'missing$'\x1f'* ]] || ok=false
  if [[ ${1:-} == --json ]]; then print_json "$ok"; else print_text; fi
  [[ $ok == true ]]
}
main "$@"
