# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # status, stdout and stderr are set by run (lib.sh); fakes' bodies expand later
# scripts/host/prepare.sh: installs exactly what is missing, asks for nothing that is there.

# An apt-get that knows the packages only after an update, and whose packages bring their commands.
apt_that_works() {
  fake apt-get "case \" \$* \" in
    *' update '*) touch '$T/updated' ;;
    *' install '*) [[ -e '$T/updated' ]] || { echo 'E: Unable to locate package' >&2; exit 100; }
      for package in \"\$@\"; do case \$package in
        qemu-utils) cp '$BIN/npm' '$BIN/qemu-img' ;; lz4 | shellcheck) cp '$BIN/npm' '$BIN/'\$package ;;
      esac; done ;;
  esac"
}

test_libvirt_s_directory_for_networks_is_made() {
  need_root
  rm -r "$LVS_DR_DNSMASQ_DIR"
  run "$ROOT/scripts/host/prepare.sh" all
  exits 0
  equals "$(stat -c '%U %a' "$LVS_DR_DNSMASQ_DIR")" "root 755"
  not_called libvirtd
}

test_modular_daemons_are_started_all() {
  need_root
  mkdir "$LVS_DR_SYSTEMD_DIR"
  fake virsh "[[ -e '$T/started' ]] || { echo 'error: Failed to connect socket' >&2; exit 1; }"
  fake systemctl "case \"\$*\" in 'start virtqemud.socket virtnetworkd.socket virtstoraged.socket') touch '$T/started' ;; 'cat virt'*) ;; *) exit 1 ;; esac"
  run "$ROOT/scripts/host/prepare.sh" daemons
  exits 0
  : >"$CALLS"
  rm "$T/started"
  fake systemctl "case \"\$*\" in 'start libvirtd.socket') touch '$T/started' ;; *) exit 1 ;; esac"
  run "$ROOT/scripts/host/prepare.sh" daemons
  exits 0
  equals "$(calls "systemctl ")" 1
}

need_root() { [[ $EUID -eq 0 ]] || skip "not root"; }

test_the_image_directory_is_root_s_and_everyone_passes() {
  need_root
  rm -r "$LVS_DR_IMAGE_ROOT"
  umask 077
  run "$ROOT/scripts/host/prepare.sh" remote
  exits 0
  equals "$(stat -c '%U:%G %a' "$LVS_DR_IMAGE_ROOT")" "root:root 755"
}

test_complete_host_is_left_alone() {
  run "$ROOT/scripts/host/prepare.sh" all test
  exits 0
  equals "$stderr" ""
  not_called apt-get
  not_called libvirtd
}

test_only_what_is_missing_is_installed() {
  need_root
  apt_that_works
  rm "$BIN/qemu-img" "$BIN/lz4"
  run "$ROOT/scripts/host/prepare.sh" packages
  exits 0
  called "install --no-install-recommends -- lz4 qemu-utils"
  # Fresh containers have no package lists: the first attempt failed, the one after the update did not.
  equals "$(calls " update")" 1
  equals "$(calls " install ")" 2
  run "$ROOT/scripts/host/prepare.sh" packages
  exits 0
  equals "$(calls " install ")" 2
}

test_test_tools_are_installed_for_tests_only() {
  need_root
  apt_that_works
  rm "$BIN/shellcheck"
  run "$ROOT/scripts/host/prepare.sh" packages
  exits 0
  not_called apt-get
  run "$ROOT/scripts/host/prepare.sh" packages test
  exits 0
  called "-- shellcheck"
}

test_a_test_tool_that_apt_does_not_know_is_left_out() {
  need_root
  apt_that_works
  mv "$BIN/apt-get" "$BIN/apt-get.debian"
  fake apt-get "[[ \" \$* \" != *' chromium '* ]] || { echo \"E: Package 'chromium' has no installation candidate\" >&2; exit 100; }
    exec '$BIN/apt-get.debian' \"\$@\""
  fake apt-cache 'case "$2" in chromium) printf "chromium:\n  Installed: (none)\n  Candidate: (none)\n" ;;
    *) printf "%s:\n  Installed: (none)\n  Candidate: 0.9.0-1\n" "$2" ;; esac'
  rm "$BIN/chromium" "$BIN/shellcheck" "$BIN/qemu-img"
  run "$ROOT/scripts/host/prepare.sh" packages test
  exits 0
  contains "$stderr" "apt does not know chromium: left out"
  called "-- qemu-utils shellcheck"
  run "$ROOT/scripts/host/prepare.sh" packages test
  exits 0
  contains "$stderr" "apt does not know chromium: left out"
  # Ubuntu's own name.
  fake chromium-browser ''
  run "$ROOT/scripts/host/prepare.sh" packages test
  exits 0
  equals "$stderr" ""
}

test_a_workstation_gets_no_ldirectord_unasked() {
  need_root
  mkdir "$LVS_DR_SYSTEMD_DIR"
  rm "$BIN/ldirectord"
  run "$ROOT/scripts/host/prepare.sh" packages test
  exits 0
  not_called apt-get
}

test_a_killed_installation_is_finished_first() {
  need_root
  apt_that_works
  : >"$T/updated"
  : >"$T/interrupted"
  mv "$BIN/apt-get" "$BIN/apt-get.whole"
  fake apt-get "[[ ! -e '$T/interrupted' ]] || { echo \"E: dpkg was interrupted, you must manually run 'dpkg --configure -a'\" >&2; exit 100; }
    exec '$BIN/apt-get.whole' \"\$@\""
  fake dpkg "[[ \" \$* \" != *' --configure -a '* || \$DEBIAN_FRONTEND != noninteractive ]] || rm '$T/interrupted'"
  fake sleep ''
  rm "$BIN/qemu-img"
  run "$ROOT/scripts/host/prepare.sh" packages
  exits 0
  called "dpkg --force-confold --configure -a"
}

test_apt_out_of_reach_shows_apt_s_words() {
  need_root
  fake apt-get 'echo "E: Unable to fetch some archives" >&2; exit 100'
  fake sleep ''
  rm "$BIN/qemu-img"
  run "$ROOT/scripts/host/prepare.sh" packages
  exits 1
  contains "$stderr" "E: Unable to fetch some archives"
  contains "$stderr" "apt could not install: qemu-utils"
}

test_another_system_is_told_what_to_install() {
  printf 'ID=fedora\n' >"$T/os-release"
  rm "$BIN/qemu-img" "$BIN/lz4"
  run "$ROOT/scripts/host/prepare.sh" all
  exits 1
  contains "$stderr" "dnf install -y lz4 qemu-img"
  not_called apt-get
}

test_another_system_s_missing_extras_do_not_matter() {
  printf 'ID=fedora\n' >"$T/os-release"
  rm "$BIN/ldirectord" "$BIN/shellcheck"
  run "$ROOT/scripts/host/prepare.sh" packages test
  exits 0
}

test_a_libvirt_elsewhere_needs_nothing_that_runs_guests_here() {
  need_root
  apt_that_works
  rm "$BIN/libvirtd" "$BIN/qemu-system-x86_64" "$BIN/dnsmasq" "$BIN/iptables"
  fake virsh 'exit 1'
  run "$ROOT/scripts/host/prepare.sh" remote
  exits 0
  not_called apt-get
  not_called virsh
  rm "$BIN/qemu-img"
  run "$ROOT/scripts/host/prepare.sh" remote
  exits 0
  called "-- qemu-utils"
}

test_unit_tests_get_only_what_they_call() {
  need_root
  apt_that_works
  rm "$BIN/libvirtd" "$BIN/qemu-img" "$BIN/shellcheck" "$BIN/ldirectord"
  fake virsh 'exit 1'
  run "$ROOT/scripts/host/prepare.sh" packages unit
  exits 0
  not_called apt-get
  # Debian's perl-base, which is always there, has no Time::HiRes.
  fake perl '[[ $1 != -MTime::HiRes ]]'
  rm "$BIN/ssh-keygen"
  run "$ROOT/scripts/host/prepare.sh" packages unit
  exits 0
  called "install --no-install-recommends -- openssh-client perl"
  not_called virsh
}
