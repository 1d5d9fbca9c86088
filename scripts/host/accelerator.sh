#!/usr/bin/env bash
# Prints how QEMU is to run the guests on this host: `kvm` only where a real kernel has booted under it, else `qemu`
# (TCG: emulation, slower) with one line of notice on stderr. The verdict is kept until the machine, its kernel, its
# QEMU or /dev/kvm's permissions change.
#
#   accelerator.sh             probes if there is no verdict yet (up to 15 s)
#   accelerator.sh --cached    never boots anything: prints `unknown` where only a probe could tell
#   accelerator.sh --fresh     probes again
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"

readonly DEADLINE="${LVS_DR_KVM_DEADLINE:-15}"
readonly BOOT_DIR="${LVS_DR_BOOT_DIR:-/boot}"
readonly MODULES_DIR="${LVS_DR_MODULES_DIR:-/lib/modules}"

# cache_file: beside the images where we may write, else in the user's cache.
cache_file() {
  if [[ -d $IMAGE_ROOT && -w $IMAGE_ROOT ]]; then
    echo "$IMAGE_ROOT/accelerator"
  else
    echo "${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/lvs-dr/accelerator"
  fi
}

# host_key: what the verdict depends on. The boot id covers what cannot be read: the hypervisor below us.
host_key() {
  {
    cat /proc/sys/kernel/random/boot_id
    uname -r
    grep -m 2 -E '^(model name|flags)' /proc/cpuinfo || true
    qemu-system-x86_64 --version | head -n 1
    stat -c '%U %G %a' "$KVM_DEVICE"
    id -u
  } 2>/dev/null | sha256sum | cut -d ' ' -f 1
}

# probe_kernel: the guests' own kernel once the image is built, else one of the host's that may be read (Debian's and
# Fedora's, Fedora's copy, Arch's); or nothing.
probe_kernel() {
  local directory kernel kernels=("${LVS_DR_PROBE_KERNEL:-}")
  if [[ -z ${kernels[0]} ]] && directory="$("$HERE/../image/path.sh" 2>/dev/null)"; then kernels=("$directory/vmlinuz"); fi
  kernels+=("$BOOT_DIR/vmlinuz-$(uname -r)" "$MODULES_DIR/$(uname -r)/vmlinuz" "$BOOT_DIR/vmlinuz-linux")
  for kernel in "${kernels[@]}"; do
    if [[ -r $kernel ]]; then echo "$kernel" && return 0; fi
  done
}

# answer VERDICT REASON
answer() {
  [[ $1 == kvm ]] || say "notice: KVM is not used ($2): the guests are emulated (TCG), which is slower"
  echo "$1"
}

keep() {
  local file="$1" temporary
  mkdir -p "$(dirname "$file")" 2>/dev/null || return 0
  temporary="$(mktemp "$file.XXXXXX" 2>/dev/null)" || return 0
  printf '%s\n' "$2" "$3" "$4" >"$temporary"
  chmod 0644 "$temporary"
  mv -f "$temporary" "$file"
}

main() {
  local mode="${1:-}" file key line kernel reason
  [[ $mode =~ ^(|--cached|--fresh)$ ]] || die "usage: accelerator.sh [--cached|--fresh]"
  # No boot needed to know these, and they can change at any time: not kept.
  [[ -e $KVM_DEVICE ]] || { answer qemu "there is no $KVM_DEVICE" && return 0; }
  [[ -r $KVM_DEVICE && -w $KVM_DEVICE ]] || { answer qemu "$(id -un) may not open $KVM_DEVICE: scripts/lab doctor" && return 0; }
  have qemu-system-x86_64 || { answer qemu "QEMU is not installed" && return 0; }

  file="$(cache_file)"
  key="$(host_key)"
  if [[ $mode != --fresh && -r $file ]]; then
    mapfile -t line <"$file"
    if [[ ${line[0]:-} == "$key" && ${line[1]:-} =~ ^(kvm|qemu)$ ]]; then
      answer "${line[1]}" "${line[2]:-}"
      return 0
    fi
  fi
  [[ $mode != --cached ]] || { echo unknown && return 0; }

  kernel="$(probe_kernel)"
  [[ -n $kernel ]] || { answer qemu "none of this host's kernels may be read to try it: run scripts/lab image once, which brings one" && return 0; }
  say "==> booting a kernel under KVM, to see whether it works (up to $DEADLINE s, once)"
  if reason="$("$HERE/kvmProbe.sh" "$kernel" "$DEADLINE")"; then
    keep "$file" "$key" kvm ""
    answer kvm ""
  elif [[ -z $reason ]]; then
    answer qemu "the probe failed: see above"
  else
    keep "$file" "$key" qemu "$reason"
    answer qemu "$reason"
  fi
}
main "$@"
