#!/usr/bin/env bash
# Boots a real 64-bit kernel under KVM as far as its first user process, which says so on the serial line and powers
# off. That /dev/kvm exists and opens proves nothing: nested without hardware help, a 64-bit guest hangs under it.
#
#   kvmProbe.sh KERNEL [SECONDS]     exit 0: it ran; 1: it did not, with the reason on stdout, or could not be tried
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"

readonly EVIDENCE="lvs-dr: a 64-bit user process runs"

# bytes HEX…: as binary.
bytes() {
  local hex="$*"
  hex="${hex//[[:space:]]/}"
  local i
  for ((i = 0; i < ${#hex}; i += 2)); do printf '%b' "\\x${hex:i:2}"; done
}

# little_endian WIDTH NUMBER: as hexadecimal digits.
little_endian() {
  local i
  for ((i = 0; i < $1; i++)); do printf '%02x' $((($2 >> (8 * i)) & 255)); done
}

# init_program: the whole user space, an ELF executable of 200 bytes: write(1, EVIDENCE), wait until the serial line
# has sent it (ioctl TCSBRK), reboot(POWER_OFF). Written out here so that no compiler and no busybox is needed.
init_program() {
  local message="$EVIDENCE"$'\n' code=70 headers=120 size
  size=$((headers + code + ${#message}))
  bytes 7f454c46 02 01 01 00 0000000000000000 0200 3e00 01000000 "$(little_endian 8 $((0x400000 + headers)))" \
    "$(little_endian 8 64)" "$(little_endian 8 0)" 00000000 4000 3800 0100 0000 0000 0000
  bytes 01000000 05000000 "$(little_endian 8 0)" "$(little_endian 8 $((0x400000)))" "$(little_endian 8 $((0x400000)))" \
    "$(little_endian 8 $size)" "$(little_endian 8 $size)" "$(little_endian 8 4096)"
  # mov eax,1; mov edi,1; lea rsi,[rip+message]; mov edx,length; syscall
  bytes b801000000 bf01000000 488d35 "$(little_endian 4 $((code - 17)))" ba "$(little_endian 4 ${#message})" 0f05
  # mov eax,16 (ioctl); mov edi,1; mov esi,TCSBRK; mov edx,1; syscall
  bytes b810000000 bf01000000 be09540000 ba01000000 0f05
  # mov eax,169 (reboot); mov edi,magic1; mov esi,magic2; mov edx,POWER_OFF; syscall; jmp $
  bytes b8a9000000 bfaddee1fe be69191228 badcfe2143 0f05 ebfe
  printf '%s' "$message"
}

# cpio_entry NAME MODE FILE: one entry of a "newc" archive, which the kernel unpacks as its root file system.
cpio_entry() {
  local name="$1" mode="$2" file="$3" size header
  size="$(stat -c %s "$file")"
  printf -v header '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x' \
    1 "$mode" 0 0 1 0 "$size" 0 0 0 0 $((${#name} + 1)) 0
  { printf '%s%s\0' "$header" "$name"; } | pad
  pad <"$file"
}

# pad: copies, and fills up to a multiple of four bytes.
pad() {
  local copy="$WORK/pad" rest
  cat >"$copy"
  rest=$((-$(stat -c %s "$copy") & 3))
  cat "$copy"
  head -c "$rest" /dev/zero
}

# probe KERNEL SECONDS: waits for the evidence, for QEMU's end, or for the deadline.
probe() {
  local kernel="$1" seconds="$2" serial="$WORK/serial" errors="$WORK/errors" deadline
  : >"$serial"
  init_program >"$WORK/init"
  {
    cpio_entry init $((8#100755)) "$WORK/init"
    cpio_entry 'TRAILER!!!' 0 /dev/null
  } >"$WORK/initrd"
  # no_timer_check: a kernel on a busy host may take a late timer for a broken one, and panic.
  qemu-system-x86_64 -no-user-config -nodefaults -display none -no-reboot -machine pc -accel kvm -cpu host -m 256 \
    -kernel "$kernel" -initrd "$WORK/initrd" -append 'console=ttyS0 no_timer_check panic=-1' -serial "file:$serial" \
    >"$errors" 2>&1 </dev/null &
  QEMU_PID=$!
  deadline=$((SECONDS + seconds))
  while ((SECONDS < deadline)); do
    if grep -aq "$EVIDENCE" "$serial"; then return 0; fi
    if ! kill -0 "$QEMU_PID" 2>/dev/null; then
      grep -aq "$EVIDENCE" "$serial" && return 0
      echo "QEMU ended without booting the kernel: $(grep -av '^$' "$errors" "$serial" -h | tail -n 1 | tr -d '\r')"
      return 1
    fi
    sleep 0.1
  done
  if [[ -s $serial ]]; then
    echo "a 64-bit kernel did not reach user space under KVM within $seconds s; its last line: $(tr -d '\r' <"$serial" | grep -av '^$' | tail -n 1)"
  else
    echo "a 64-bit kernel said nothing under KVM for $seconds s"
  fi
  return 1
}

# Runs at exit, so that no QEMU and no file outlives us.
# shellcheck disable=SC2317
clean_up() {
  if [[ -n $QEMU_PID ]]; then
    kill -KILL "$QEMU_PID" 2>/dev/null || true
    wait "$QEMU_PID" 2>/dev/null || true
  fi
  rm -rf "$WORK"
}

main() {
  (($# > 0)) || die "usage: kvmProbe.sh KERNEL [SECONDS]"
  QEMU_PID=""
  WORK="$(mktemp -d)"
  trap clean_up EXIT
  probe "$1" "${2:-15}"
}
main "$@"
