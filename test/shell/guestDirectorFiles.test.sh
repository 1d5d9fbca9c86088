# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/directorFiles.sh: the user's own programs are judged before anything is touched, are there before anything runs them, and go with the list.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

readonly DIRECTORY=guest/etc/lvs-dr/files

# director SCRIPT [SETTING=VALUE...]: with a check and a file that it reads.
director() {
  local name
  for name in bash cat mkdir mktemp mv rm rmdir chmod stat ln; do ln -sf "$(PATH=/usr/bin:/bin command -v "$name")" "$BIN/$name"; done
  export T
  guest "common.sh pages.sh files.sh directorFiles.sh alerts.sh declaredVips.sh keepalived.sh holders/fixed.sh planes/static.sh planes/ldirectord.sh planes/keepalived.sh director.sh" \
    "$1" LVS_FILES="check.sh hosts" LVS_FILE_0=$'#!/bin/bash\ntrue\n\n' LVS_FILE_1="" LVS_DRY_RUN_MODULE=x \
    LVS_DRY_RUN="$(lines '#!/bin/bash' "cat >'$T/read'" 'text=$(<"'"$T/read"'")' '[[ -x ${text##*checkcommand=} ]] || { echo "${text##*=} is not there" >&2 && exit 2; }' 'echo "-A x"')" "${@:2}"
}
# The steps of role_start that touch the guest, each by its name.
readonly STEPS='
step() { eval "$1() { echo \"$1 \${*:1:1}\" | sed \"s/ *\$//\"; }"; }
for name in load_ipvs table_unit sysctls add_vips drop_vips declare_vips daemon_unit alerts_unit reload_units systemctl keepalived_unit keepalived_daemon; do step "$name"; done
is_active() { [[ -e $T/active ]]; }
table() { case $1 in rules) echo "-A x" ;; pending) return 1 ;; *) echo "table $1" ;; esac; }
hold_vips() { echo "files: $(cd "$DIRECTOR_FILES" && echo *)"; }
'
# cf [NAME]: a configuration with a check by that program.
cf() { echo "checkcommand=$T/$DIRECTORY/${1:-check.sh}"; }

test_a_program_that_comes_with_the_configuration_passes_and_is_there_before_it_is_run() {
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF="$(cf)"
  exits 0
  contains "$stdout" "files: check.sh hosts"
  # It was judged where it lay beside them.
  equals "$(cat "$T/read")" "checkcommand=$T/$DIRECTORY.new/check.sh"
  equals "$(cat "$T/guest/etc/ha.d/ldirectord.cf")" "$(cf)"
  [[ ! -e $T/$DIRECTORY.new ]] || fail "it still lies there"
  equals "$(cat "$T/$DIRECTORY/check.sh" && echo .)" $'#!/bin/bash\ntrue\n\n.'
  equals "$(stat -c '%a %s' "$T/$DIRECTORY/hosts")" "755 0"
}

test_a_refusal_touches_no_file_and_names_it_where_it_will_be() {
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF="$(cf)"
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF="$(cf other.sh)" LVS_FILES=check.sh LVS_FILE_0=new
  exits 1
  contains "$stderr" "the old one still serves: $T/$DIRECTORY/other.sh is not there"
  equals "$(head -n 1 "$T/$DIRECTORY/check.sh")" "#!/bin/bash"
  [[ -e $T/$DIRECTORY/hosts && ! -e $T/$DIRECTORY.new ]] || fail "$(ls "$T/guest/etc/lvs-dr" "$T/$DIRECTORY")"
}

test_another_text_alone_is_neither_read_nor_told() {
  : >"$T/active"
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF="$(cf)"
  touch "$T/guest/run/lvs-dr-started"
  rm "$T/read"
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF="$(cf)" LVS_FILE_0=$'#!/bin/bash\nfalse\n'
  exits 0
  lacks "$stdout" systemctl
  [[ ! -e $T/read ]] || fail "it was read again"
  contains "$(cat "$T/$DIRECTORY/check.sh")" false
}

test_perl_code_of_the_daemon_s_own_is_judged_again_and_needs_its_restart() {
  local perl
  perl="$(lines checktype=external-perl "$(cf)")"
  : >"$T/active"
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF="$perl"
  touch "$T/guest/run/lvs-dr-started"
  rm "$T/read"
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF="$perl"
  [[ ! -e $T/read ]] || fail "it was read again"
  lacks "$stdout" systemctl
  # When it is installed, and at its start.
  director "$STEPS"'role_validate; mv "$T/read" "$T/once"; role_start' LVS_LDIRECTORD_CF="$perl" LVS_FILE_0=other
  exits 0
  contains "$(cat "$T/once")" "$DIRECTORY.new/check.sh"
  [[ ! -e $T/read ]] || fail "it was read twice"
  contains "$stdout" "systemctl restart"
}

test_what_left_the_list_goes_when_nothing_runs_it_any_more() {
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF="$(cf)"
  : >"$T/$DIRECTORY/.hidden"
  director "$STEPS"'settle_vips() { echo "still: $(cd "$DIRECTOR_FILES" && echo *)"; }; role_start' LVS_LDIRECTORD_CF="$(cf)" LVS_FILES=check.sh
  exits 0
  contains "$stdout" "still: check.sh hosts"
  equals "$(ls -A "$T/$DIRECTORY")" check.sh
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF=checkcommand=/bin/true LVS_FILES=""
  exits 0
  [[ ! -e $T/$DIRECTORY ]] || fail "it is still there"
}

test_status_names_a_file_that_is_missing_or_another_one() {
  local problem look='expect_files; report || true'
  problem="$(printf 'problem=file-differs\t\t%s/check.sh\t%s/check.sh' "$T/$DIRECTORY" "$T/$DIRECTORY")"
  director 'put_files "$DIRECTOR_FILES" LVS 0755; '"$look"
  equals "$stdout" ""
  chmod 0644 "$T/$DIRECTORY/check.sh"
  director "$look"
  equals "$stdout" "$problem is not the lab's"
  chmod 0755 "$T/$DIRECTORY/check.sh"
  echo >>"$T/$DIRECTORY/check.sh"
  director "$look"
  equals "$stdout" "$problem is not the lab's"
  rm "$T/$DIRECTORY/check.sh"
  director "$look"
  equals "$stdout" "$problem is not there"
  director "$look" LVS_FILES=""
  equals "$stdout" ""
}

test_keepalived_judges_a_program_that_comes_with_its_configuration() {
  local conf="misc_path \"$T/$DIRECTORY/check.sh 10.0.0.100 80 192.168.7.10 80\""
  local settings=(LVS_MODE=keepalived LVS_CHECKERS_CONF="$conf" LVS_LDIRECTORD_CF='')
  fake keepalived 'cp "${@: -1}" '"'$T/read'"
  director "$STEPS"'role_start' "${settings[@]}"
  exits 0
  contains "$(cat "$T/read")" "$DIRECTORY.new/check.sh 10.0.0.100"
  equals "$(cat "$T/guest/etc/lvs-dr/keepalived.conf")" "$conf"
  [[ -x $T/$DIRECTORY/check.sh && ! -e $T/$DIRECTORY.new ]] || fail "$(ls "$T/guest/etc/lvs-dr")"
  # Another text alone is nothing to it.
  director "$STEPS"'role_start' "${settings[@]}" LVS_FILE_0=other
  exits 0
  equals "$(cat "$T/$DIRECTORY/check.sh")" other
  director "$STEPS"'role_start' "${settings[@]}" LVS_CHECKERS_CONF="${conf/check.sh/other.sh}"
  exits 1
  equals "$stderr" "lvs-dr: node: there is no program $T/$DIRECTORY/other.sh (checkcommand)"
  [[ ! -e $T/$DIRECTORY.new ]] || fail "it still lies there"
}
