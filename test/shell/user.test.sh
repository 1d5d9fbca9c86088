# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # status, stdout and stderr are set by run (lib.sh); fakes' bodies expand later
# scripts/lab for a user who is not root and may use sudo: what it asks sudo for, and what it hands over.

readonly USER_ID=65534
# In the environment of whoever starts it, and on no command line.
readonly CANARY=pul-0123456789abcdef

# user_host: a workstation with systemd, whose libvirt lets in members of the group libvirt only. Who is a member is in
# $T/groups; as whom a process runs, in $FAKE_GROUPS, which only a new login (here: setpriv) brings up to date.
user_host() {
  [[ $EUID -eq 0 ]] || skip "not root"
  SETPRIV="$(PATH=/usr/bin:/bin command -v setpriv)" || skip "no setpriv"
  project
  mkdir -p "$T/project/node_modules" "$T/images/built" "$LVS_DR_SYSTEMD_DIR" "$T/runtime"
  sha256sum "$T/project/package-lock.json" | cut -d ' ' -f 1 >"$T/project/node_modules/.lvs-dr-lock-digest"
  fake path.sh 'echo "$LVS_DR_IMAGE_ROOT/built"'
  cp "$BIN/path.sh" "$T/project/scripts/image/"
  echo nogroup >"$T/groups"
  fake node 'case "$*" in --version) echo v22.13.0; exit ;; esac
    echo "program: ${*:4} groups ${FAKE_GROUPS:-nogroup} root ${FAKE_ROOT:-no} token ${PULUMI_ACCESS_TOKEN:-} mark ${LVS_DR_MARK:-} other ${OTHER:-}"'
  fake id 'case "$*" in "-nG "*) cat "'"$T"'/groups" ;; -nG) echo "${FAKE_GROUPS:-nogroup}" ;; -un) echo someone ;; -u | -g) echo '$USER_ID' ;; esac'
  fake getent 'case "$2" in libvirt | kvm) exit 0 ;; *) exit 2 ;; esac'
  fake usermod 'echo "$(cat "'"$T"'/groups") ${2//,/ }" >"'"$T"'/groups"'
  # sudo keeps next to nothing of the environment.
  fake sudo 'shift; exec env -i PATH="$PATH" FAKE_ROOT=yes FAKE_GROUPS="${FAKE_GROUPS:-}" LVS_DR_SBIN= "$@"'
  fake setpriv '[[ "$*" == "--reuid='$USER_ID' --regid='$USER_ID' --init-groups -- "* ]] || exit 9
    unset FAKE_ROOT; export FAKE_GROUPS="$(cat "'"$T"'/groups")"; shift 4; exec "$@"'
  fake virsh 'case "${FAKE_ROOT:-} ${FAKE_GROUPS:-}" in *libvirt* | yes*) exit 0 ;; esac
    echo "error: authentication unavailable: no polkit agent available" >&2; exit 1'
  chown -R "$USER_ID:$USER_ID" "$T"
  chmod 0755 "$T"
  unset PULUMI_ACCESS_TOKEN OTHER LVS_DR_NEW_GROUPS
  export XDG_RUNTIME_DIR="$T/runtime"
}

lab() { run "$SETPRIV" --reuid="$USER_ID" --regid="$USER_ID" --clear-groups -- "$T/project/scripts/lab" "$@"; }

# shellcheck disable=SC2317
clean_up() {
  rm -f "/run/netns/$LVS_DR_NETNS_NAME"
  [[ ! -s $LVS_DR_PID_DIR/libvirtd.pid ]] || kill "$(cat "$LVS_DR_PID_DIR/libvirtd.pid")"
}

# handed_over_in_private: no process was called with the canary, and nothing of it is left in a file.
handed_over_in_private() {
  not_called "$CANARY"
  for _ in {1..50}; do [[ -n "$(find "$T/runtime" -type f)" ]] || return 0; sleep 0.1; done
  fail "left: $(find "$T/runtime" -type f)"
}

test_up_makes_the_user_a_member_and_goes_on() {
  user_host
  PULUMI_ACCESS_TOKEN="$CANARY" LVS_DR_MARK="a b" OTHER=$'two\nlines' lab up --stack x "y z"
  exits 0
  equals "$stdout" "program: up --stack x y z groups nogroup libvirt kvm root no token $CANARY mark a b other two"$'\n'lines
  equals "$(calls usermod)" "$(calls "usermod -aG libvirt,kvm someone")"
  called "usermod -aG libvirt,kvm someone"
  contains "$stderr" "sudo, to make someone a member of: libvirt kvm"
  not_called "systemctl"
  handed_over_in_private
  # The login is as old as it was, and the membership not new any more.
  local before
  before="$(calls usermod)"
  lab status
  exits 0
  contains "$stdout" "program: status groups nogroup libvirt kvm root no"
  equals "$(calls usermod)" "$before"
}

test_a_membership_that_starting_libvirt_gave_is_taken_up() {
  local command
  user_host
  for command in down status verify drill "report x.html"; do
    echo nogroup >"$T/groups"
    # shellcheck disable=SC2086
    lab $command
    exits 0
    equals "$stdout" "program: $command groups nogroup libvirt kvm root no token  mark  other "
  done
}

test_a_member_since_its_login_is_not_asked_for_anything() {
  user_host
  echo "nogroup libvirt" >"$T/groups"
  FAKE_GROUPS="nogroup libvirt" lab up
  exits 0
  contains "$stdout" "program: up groups nogroup libvirt root no"
  not_called sudo
}

test_a_member_without_sudo_goes_on_where_root_has_prepared_all() {
  user_host
  rm "$BIN/sudo"
  "$SETPRIV" --clear-groups -- /bin/chown -R root "$T/images"
  FAKE_GROUPS="nogroup libvirt" lab up
  exits 0
  contains "$stdout" "program: up groups nogroup libvirt root no"
}

test_a_member_who_is_refused_ends_with_the_reason() {
  user_host
  fake virsh 'echo "error: access denied by policy" >&2; exit 1'
  lab up
  exits 1
  equals "$stdout" ""
  contains "$stderr" "libvirt refuses someone, who is in: nogroup libvirt kvm (access denied by policy)"
  equals "$(calls setpriv)" "$(calls "setpriv --reuid=$USER_ID")"
}

test_a_membership_that_cannot_be_had_is_an_error() {
  user_host
  fake usermod 'echo "usermod: user someone does not exist in /etc/passwd" >&2; exit 6'
  lab up
  exits 1
  contains "$stderr" "does not exist in /etc/passwd"
  contains "$stderr" "could not make someone a member of libvirt"
}

test_without_sudo_it_says_what_root_has_to_do() {
  user_host
  rm "$BIN/sudo"
  lab up
  exits 1
  contains "$stderr" "as root, usermod -aG libvirt,kvm someone"
}

test_reading_outputs_asks_for_nothing() {
  user_host
  echo "nogroup libvirt" >"$T/groups"
  lab output
  exits 0
  not_called sudo
}

test_tests_of_the_lab_run_as_root() {
  local words
  user_host
  fake build.sh ''
  local directory
  for directory in services/rootfs lab/cloudImage; do
    mkdir -p "$T/project/test/$directory"
    cp "$BIN/build.sh" "$T/project/test/$directory/"
  done
  # The tests have stacks of their own, here, wherever the stack dev is.
  printf 'config:\n  lvs-dr:libvirtUri: qemu+ssh://root@far/system\n' >"$T/project/Pulumi.dev.yaml"
  for words in "test" "test lab" "test --all lab"; do
    # shellcheck disable=SC2086
    PULUMI_ACCESS_TOKEN="$CANARY" OTHER=1 lab $words
    exits 0
    contains "$stdout" "program: $words groups "
    contains "$stdout" "root yes token $CANARY mark  other"
  done
  for words in "test unit" "test static" "test process" "test shell"; do
    # shellcheck disable=SC2086
    lab $words
    exits 0
    contains "$stdout" "program: $words groups nogroup root no"
  done
  handed_over_in_private
}

test_a_namespace_is_entered_as_root() {
  user_host
  rm -r "$LVS_DR_SYSTEMD_DIR"
  # What daemons.sh leaves; this user may not look at the daemon's namespace.
  mkdir -p "$LVS_DR_RUN_DIR" /run/netns
  cp "$(readlink -f "$BIN/sleep")" "$T/libvirtd"
  "$T/libvirtd" 60 &
  echo "$!" | tee "$LVS_DR_PID_DIR/libvirtd.pid" >"$LVS_DR_RUN_DIR/libvirtd.pid"
  : >"/run/netns/$LVS_DR_NETNS_NAME"
  fake ip 'case "$1" in netns) shift 3; exec "$@" ;; esac'
  PULUMI_ACCESS_TOKEN="$CANARY" lab down
  exits 0
  contains "$stdout" "program: down groups nogroup root yes token $CANARY"
  not_called usermod
  handed_over_in_private
}

test_what_was_written_as_root_is_taken_over() {
  user_host
  fake chown ''
  echo "nogroup libvirt" >"$T/groups"
  mkdir -p "$T/project/.lab/dev/drills"
  : >"$T/project/.lab/dev/drills/a"
  FAKE_GROUPS="nogroup libvirt" lab status
  exits 0
  called "chown -h $USER_ID:$USER_ID $T/project/.lab $T/project/.lab/dev $T/project/.lab/dev/drills $T/project/.lab/dev/drills/a"
  : >"$CALLS"
  "$SETPRIV" --clear-groups -- /bin/chown -R "$USER_ID" "$T/project/.lab"
  FAKE_GROUPS="nogroup libvirt" lab status
  not_called sudo
}

test_a_refusing_sudo_leaves_no_secret_behind() {
  user_host
  echo "nogroup libvirt" >"$T/groups"
  fake sudo 'echo "sudo: 3 incorrect password attempts" >&2; exit 1'
  PULUMI_ACCESS_TOKEN="$CANARY" lab status
  exits 1
  contains "$stderr" "3 incorrect password attempts"
  handed_over_in_private
}

test_an_old_login_that_libvirt_lets_in_is_not_renewed() {
  user_host
  echo "nogroup libvirt" >"$T/groups"
  # By an agent of polkit's, for one.
  fake virsh ''
  lab status
  exits 0
  contains "$stdout" "program: status groups nogroup root no"
  not_called sudo
}
