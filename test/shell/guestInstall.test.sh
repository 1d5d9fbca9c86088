# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/common.sh: files that cannot be written, and a payload that takes another one's place.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

test_put_replaces_a_file_only_when_it_differs() {
  local how='status=0; printf new | put "$FILE" 0600 || status=$?; echo "$status $(cat "$FILE") $(stat -c %a "$FILE")"'
  guest common.sh "$how" FILE="$T/there/file"
  equals "$stdout" "0 new 600"
  guest common.sh "$how" FILE="$T/there/file"
  equals "$stdout" "1 new 600"
  chmod 644 "$T/there/file"
  guest common.sh "$how" FILE="$T/there/file"
  equals "$stdout" "0 new 600"
}

test_put_on_a_full_disk_says_so_and_leaves_the_file() {
  local name
  for name in unshare mount; do
    ln -s "$(PATH=/usr/bin:/bin command -v "$name")" "$BIN/$name"
  done
  unshare -m mount -t tmpfs none "$T" 2>/dev/null || skip "no file system can be mounted here"
  mkdir "$T/disk"
  # A disk of two pages, one of them full.
  UNDER="unshare -m" && guest common.sh '
    cd "$DISK" && mount -t tmpfs -o size=8k none "$DISK" && cd "$DISK"
    printf old >file
    status=0
    printf %9000s x | put "$DISK/file" || status=$?
    echo "$status $(cat file)" *
    written 1
    written "$status"' DISK="$T/disk"
  exits 1
  equals "$stdout" "2 old file"
  contains "$stderr" "No space left on device"
  contains "$stderr" "node: a file could not be written"
}

test_a_script_does_not_go_on_with_what_could_not_be_written() {
  mkdir -p "$T/guest/etc"
  : >"$T/guest/etc/systemd"
  : >"$T/guest/etc/sysctl.d"
  guest common.sh 'unit a.service <<<text; echo "went on"'
  exits 1
  equals "$stdout" ""
  guest common.sh 'sysctls a=1; echo "went on"'
  exits 1
  equals "$stdout" ""
}

# payload NAME ROLE_CODE: one that notes in $T/steps what it does.
payload() {
  mkdir -p "$T"/guest/{run,etc/systemd/system,usr/local/sbin}
  guest_tools
  fake sync ''
  {
    printf '#!%s\nreadonly LVS_ROLE=role LVS_NODE=node LVS_VIPS="" NAME=%s\n' "$BIN/bash" "$1"
    guest_text common.sh addresses.sh
    printf '%s\n' 'ROLE_NEEDS=()' 'role_start() { echo "$NAME starts" >>"'"$T/steps"'"; }' 'role_check() { :; }' "$2" 'dispatch "$@"'
  } >"$T/guest/usr/local/sbin/lvs-dr.$1"
  chmod 0700 "$T/guest/usr/local/sbin/lvs-dr.$1"
}
installs() { run "$T/guest/usr/local/sbin/lvs-dr.$1" install; }
installed() { sed -n 's/.* NAME=//p' "$T/guest/usr/local/sbin/lvs-dr"; }
# One that is installed and started.
with_first() {
  fake systemctl ''
  payload first ''
  installs first
  exits 0
  equals "$(installed)" first
}
left() { (cd "$T/guest/usr/local/sbin" && echo *); }

test_install_puts_a_payload_in_its_place_and_starts_it() {
  with_first
  payload second ''
  installs second
  exits 0
  equals "$(installed)" second
  equals "$(cat "$T/steps")" "$(lines "first starts" "second starts")"
  equals "$(left)" lvs-dr
  # What started must be on the disk, should the guest lose its power now.
  equals "$(grep -c "^sync -f .*/usr/local/sbin/lvs-dr$" "$CALLS")" 2
}

test_a_boot_that_failed_is_forgotten_when_all_has_come_right() {
  with_first
  not_called reset-failed
  run env INVOCATION_ID=boot "$T/guest/usr/local/sbin/lvs-dr" start
  exits 0
  not_called reset-failed
  payload second 'role_check() { [[ -n ${INVOCATION_ID:-} ]] || problem file-differs "" "not yet"; }'
  installs second
  exits 1
  contains "$stderr" "not as expected after start: not yet;"
  # The former one has come right.
  equals "$(grep -c "^systemctl -q reset-failed lvs-dr.service$" "$CALLS")" 1
}

test_a_payload_that_is_refused_changes_nothing() {
  with_first
  payload second 'role_validate() { die "nobody wants that"; }'
  installs second
  exits 1
  contains "$stderr" "nobody wants that"
  equals "$(installed)" first
  equals "$(cat "$T/steps")" "first starts"
}

test_after_a_start_that_fails_the_former_payload_is_back_and_in_force() {
  with_first
  payload second 'role_start() { die "it differs so"; }'
  installs second
  exits 1
  equals "$(installed)" first
  equals "$(cat "$T/steps")" "$(lines "first starts" "first starts")"
  equals "$stderr" "$(lines "lvs-dr: it differs so" "lvs-dr: node: the former configuration is in force again")"
  equals "$(left)" lvs-dr
}

test_a_start_that_hangs_ends_at_the_limit_of_its_settings() {
  with_first
  payload second 'role_start() { sleep 60; }'
  sed -i '2a readonly LVS_RUN_LIMIT=51' "$T/guest/usr/local/sbin/lvs-dr.second"
  sed -i 's/^  timeout -k 10 "$RUN_LIMIT"/  timeout -k 10 $((RUN_LIMIT - 50))/' "$T/guest/usr/local/sbin/lvs-dr.second"
  installs second
  exits 124
  contains "$stderr" "ended at the time limit, in: sleep 60"
  equals "$(installed)" first
  grep -q '^TimeoutStartSec=300$' "$T/guest/etc/systemd/system/lvs-dr.service" || fail "the boot's limit is not the first one's"
}

test_a_former_payload_that_fails_too_is_said() {
  with_first
  sed -i 's/^role_start() {/& [[ ! -e "$PAYLOAD.once" ]] || exit 1;/' "$T/guest/usr/local/sbin/lvs-dr"
  : >"$T/guest/usr/local/sbin/lvs-dr.once"
  payload second 'role_start() { die "it differs so"; }'
  installs second
  exits 1
  equals "$(installed)" first
  contains "$stderr" "not all of it in force"
}

test_a_first_payload_that_fails_stays() {
  fake systemctl ''
  payload first 'role_start() { die "no such device"; }'
  installs first
  exits 1
  equals "$(installed)" first
  equals "$stderr" "lvs-dr: no such device"
}

test_a_payload_that_arrives_in_part_is_not_installed() {
  with_first
  payload second ''
  sed -i '$d' "$T/guest/usr/local/sbin/lvs-dr.second"
  installs second
  equals "$(installed)" first
}
