# shellcheck shell=bash
# shellcheck disable=SC2154 # status, stdout and stderr are set by run (lib.sh)
# scripts/host/doctor.sh: says what is missing and how to repair it, on any distribution.

doctor() { run "$ROOT/scripts/host/doctor.sh" "$@"; }

# Each row of the requirements' table: its commands and Debian's package. Files cannot be taken away here.
table() { sed -nE 's/^(host|local)[^|]*\|([^/|][^|]*)\|([^|]*)\|.*/\2 \3/p' "$ROOT/scripts/host/requirements.sh"; }

# complete_project: a project whose node modules are installed.
complete_project() {
  project
  mkdir "$T/project/node_modules"
  sha256sum "$T/project/package-lock.json" | cut -d ' ' -f 1 >"$T/project/node_modules/.lvs-dr-lock-digest"
}

test_complete_host_is_found_complete() {
  complete_project
  run "$T/project/scripts/host/doctor.sh"
  exits 0
  contains "$stdout" "Nothing is missing."
  not_called apt-get
}

test_each_missing_command_names_its_package() {
  local commands package command
  while read -r commands package; do
    for command in ${commands//,/ }; do mv "$BIN/$command" "$T/$command" 2>/dev/null || true; done
    doctor
    for command in ${commands//,/ }; do mv "$T/$command" "$BIN/$command" 2>/dev/null || true; done
    exits 1
    contains "$stdout" "apt-get install -y --no-install-recommends $package"
  done < <(table)
}

test_other_distributions_get_their_own_command() {
  local system expected
  rm "$BIN/qemu-system-x86_64"
  while IFS='|' read -r system expected; do
    printf '%b' "$system" >"$T/os-release"
    doctor
    exits 1
    contains "$stdout" "$expected"
    lacks "$stdout" apt-get
  done <<'SYSTEMS'
ID=fedora\n|dnf install -y qemu-system-x86-core
ID="rocky"\nID_LIKE="rhel centos fedora"\n|dnf install -y qemu-system-x86-core
ID=arch\n|pacman -S --needed qemu-system-x86
ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n|zypper install qemu-x86
ID=plan9\n|install with your system's package manager: qemu-system-x86
SYSTEMS
}

test_ubuntu_is_served_like_debian() {
  printf 'ID=ubuntu\nID_LIKE=debian\n' >"$T/os-release"
  rm "$BIN/qemu-img"
  doctor
  contains "$stdout" "apt-get install -y --no-install-recommends qemu-utils"
}

test_old_node_is_named_with_its_version() {
  fake node 'echo v18.20.4'
  doctor
  exits 1
  contains "$stdout" "v18.20.4 is not supported: Node.js 22 (from 22.13)"
  contains "$stdout" "scripts/host/node.sh path --install"
}

test_missing_test_tools_are_only_a_warning() {
  complete_project
  rm "$BIN/shellcheck" "$BIN/ldirectord"
  run "$T/project/scripts/host/doctor.sh"
  exits 0
  contains "$stdout" "shellcheck"
}

test_refused_user_is_told_the_group() {
  fake virsh 'echo "error: authentication unavailable: no polkit agent available" >&2; exit 1'
  doctor
  exits 1
  contains "$stdout" "usermod -aG libvirt"
}

test_kvm_that_was_not_tried_says_with_what_it_will_be() {
  : >"$LVS_DR_KVM_DEVICE"
  doctor
  contains "$stdout" "the guest image's, or where that is not built (scripts/lab image) one of this host's"
}

test_libvirt_s_own_error_is_shown() {
  fake virsh 'printf "error: failed to connect\nerror: Failed to connect socket: No such file\n" >&2; exit 1'
  doctor
  exits 1
  contains "$stdout" "Failed to connect socket: No such file"
}

test_up_is_promised_to_do_only_what_it_does() {
  local promise="does all that by itself"
  complete_project
  fake systemctl 'case "$*" in "cat virt"*) exit 0 ;; esac; exit 1'
  rm "$BIN/qemu-img"
  run "$T/project/scripts/host/doctor.sh"
  contains "$stdout" "$promise"
  # Somebody's own rules of udev's.
  mkdir "$LVS_DR_SYSTEMD_DIR"
  : >"$LVS_DR_KVM_DEVICE"
  chmod 0600 "$LVS_DR_KVM_DEVICE"
  fake getent ''
  run "$T/project/scripts/host/doctor.sh"
  contains "$stdout" "2 missing."
  lacks "$stdout" "$promise"
  rm "$LVS_DR_KVM_DEVICE"
  fake df 'printf "heading\n/dev/a 1 1 1024 1 /\n"'
  run "$T/project/scripts/host/doctor.sh"
  contains "$stdout" "2 missing."
  lacks "$stdout" "$promise"
}

test_modular_daemons_are_named() {
  mkdir "$LVS_DR_SYSTEMD_DIR"
  fake virsh 'echo "error: Failed to connect socket" >&2; exit 1'
  doctor
  contains "$stdout" "systemctl enable --now libvirtd"$'\n'
  rm "$BIN/libvirtd"
  fake virtqemud ''
  fake systemctl 'case "$*" in "cat virtqemud.socket" | "cat virtnetworkd.socket") exit 0 ;; esac; exit 1'
  doctor
  contains "$stdout" "systemctl enable --now virtqemud.socket virtnetworkd.socket"$'\n'
}

test_libvirt_without_its_directory_for_networks() {
  rm -r "$LVS_DR_DNSMASQ_DIR"
  doctor
  exits 1
  contains "$stdout" "mkdir -p $LVS_DR_DNSMASQ_DIR"
}

test_json_is_one_value() {
  rm "$BIN/qemu-img"
  fake virsh 'printf "error: a \"quoted\"\tpath\\\\ and \001\n" >&2; exit 1'
  doctor --json
  exits 1
  equals "$(jq -s 'length' <<<"$stdout")" 1
  equals "$(jq -r '.ok' <<<"$stdout")" false
  equals "$(jq -r '.checks[] | select(.name == "qemu-img") | .status' <<<"$stdout")" missing
  contains "$(jq -r '.checks[] | select(.name == "qemu-img") | .repair' <<<"$stdout")" qemu-utils
  contains "$(jq -r '.checks[] | select(.name == "libvirt") | .detail' <<<"$stdout")" 'a "quoted"'
}
