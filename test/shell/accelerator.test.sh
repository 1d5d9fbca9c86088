# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # status, stdout and stderr are set by run (lib.sh)
# scripts/host/accelerator.sh: believes in KVM only after a kernel has booted under it.

accelerator() { run "$ROOT/scripts/host/accelerator.sh" "$@"; }

# kvm_host BODY [VERSION]: /dev/kvm is there, and so is a QEMU that does BODY with its serial line in $serial.
kvm_host() {
  : >"$LVS_DR_KVM_DEVICE"
  # One second of a busy host may pass before the fake has said a word: only who says nothing gets no more.
  export LVS_DR_PROBE_KERNEL="$T/kernel" LVS_DR_KVM_DEADLINE="${LVS_DR_KVM_DEADLINE:-10}"
  : >"$LVS_DR_PROBE_KERNEL"
  fake qemu-system-x86_64 "case \"\$*\" in --version) echo 'QEMU emulator version ${2:-7.2}'; exit ;; esac
    for argument in \"\$@\"; do case \$argument in file:*) serial=\${argument#file:} ;; esac; done
    $1"
}

test_no_device_means_emulation() {
  accelerator
  exits 0
  equals "$stdout" qemu
  equals "$(wc -l <<<"$stderr")" 1
  contains "$stderr" "there is no $T/no-kvm"
}

test_a_booted_kernel_means_kvm_and_is_remembered() {
  kvm_host 'echo "lvs-dr: a 64-bit user process runs" >"$serial"; exec sleep 30'
  accelerator
  equals "$stdout" kvm
  accelerator
  equals "$stdout" kvm
  equals "$stderr" ""
  equals "$(calls "-accel kvm")" 1
}

test_a_hanging_guest_means_emulation_within_the_deadline() {
  LVS_DR_KVM_DEADLINE=1
  kvm_host 'exec sleep 30'
  local started=$SECONDS
  accelerator
  exits 0
  equals "$stdout" qemu
  contains "$stderr" "said nothing under KVM for 1 s"
  ((SECONDS - started < 10))
  accelerator
  equals "$stdout" qemu
  equals "$(calls "-accel kvm")" 1
  equals "$(wc -l <<<"$stderr")" 1
}

test_a_kernel_that_stops_half_way_means_emulation() {
  LVS_DR_KVM_DEADLINE=3
  kvm_host 'printf "Linux version 6.1\r\nPCI: Probing\r\n" >"$serial"; exec sleep 30'
  accelerator
  equals "$stdout" qemu
  contains "$stderr" "its last line: PCI: Probing"
}

test_no_qemu_is_left_behind() {
  LVS_DR_KVM_DEADLINE=3
  kvm_host "echo \$\$ >'$T/pid'; exec sleep 30"
  accelerator
  [[ ! -d /proc/$(cat "$T/pid") ]]
}

test_qemu_s_refusal_means_emulation() {
  kvm_host 'echo "qemu: failed to initialize kvm: No such device" >&2; exit 1'
  accelerator
  equals "$stdout" qemu
  contains "$stderr" "failed to initialize kvm"
}

test_another_qemu_is_tried_anew() {
  kvm_host 'exit 1'
  accelerator
  kvm_host 'echo "lvs-dr: a 64-bit user process runs" >"$serial"' 8.0
  accelerator
  equals "$stdout" kvm
}

test_a_kernel_of_the_host_is_tried_where_no_image_is_built() {
  local kernel
  kvm_host 'echo "lvs-dr: a 64-bit user process runs" >"$serial"; exec sleep 30'
  unset LVS_DR_PROBE_KERNEL
  accelerator
  equals "$stdout" qemu
  contains "$stderr" "run scripts/lab image once"
  for kernel in "$T/boot/vmlinuz-linux" "$T/modules/$(uname -r)/vmlinuz" "$T/boot/vmlinuz-$(uname -r)"; do
    mkdir -p "$(dirname "$kernel")"
    : >"$kernel"
    accelerator --fresh
    equals "$stdout" kvm
    called "-kernel $kernel "
  done
}

test_a_probe_that_could_not_be_made_is_no_verdict() {
  kvm_host 'echo "lvs-dr: a 64-bit user process runs" >"$serial"; exec sleep 30'
  # Another one than the last of the archive's steps.
  fake stat "[[ \$* != '-c %s '*/init ]] || { echo 'stat: no such thing' >&2; exit 1; }; exec '$(PATH="$REAL_PATH" command -v stat)' \"\$@\""
  accelerator
  exits 0
  equals "$stdout" qemu
  contains "$stderr" "stat: no such thing"
  contains "$stderr" "the probe failed: see above"
  not_called "-accel kvm"
  fake stat "exec '$(PATH="$REAL_PATH" command -v stat)' \"\$@\""
  accelerator
  equals "$stdout" kvm
}

test_cached_never_boots() {
  kvm_host 'exit 1'
  accelerator --cached
  exits 0
  equals "$stdout" unknown
  equals "$(calls "-accel kvm")" 0
}

test_the_probe_s_kernel_runs_our_process() {
  # The payload itself, under emulation: the only proof that it would speak under KVM.
  local kernel qemu
  qemu="$(PATH=/usr/bin:/bin command -v qemu-system-x86_64)" || skip "no QEMU"
  kernel="$(unset LVS_DR_IMAGE_ROOT && PATH="/usr/bin:/bin" "$ROOT/scripts/image/path.sh" 2>/dev/null)/vmlinuz" || skip "no guest image yet"
  # shellcheck disable=SC2016
  fake qemu-system-x86_64 'arguments=("${@/#kvm/tcg}") && exec '"$qemu"' "${arguments[@]/#host/max}"'
  run "$ROOT/scripts/host/kvmProbe.sh" "$kernel" 50
  exits 0
}
