# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2164 # status, stdout and stderr are set by run (lib.sh); fakes' bodies expand later
# scripts/lab: does what a command needs on the host, no more, and hands the program's answer through unchanged.

# The program is a node that says how it was called.
lab() { run "$T/project/scripts/lab" "$@"; }

prepared_project() {
  project
  mkdir -p "$T/project/node_modules" "$T/images/built"
  sha256sum "$T/project/package-lock.json" | cut -d ' ' -f 1 >"$T/project/node_modules/.lvs-dr-lock-digest"
  fake node 'case "$*" in --version) echo v22.13.0 ;; *" image-source"*) echo "${IMAGE_SOURCE-built}"; [[ -n ${IMAGE_SOURCE-built} ]] ;;
    *) echo "program: ${*:4} in $PWD"; exit "${PROGRAM_EXIT:-0}" ;; esac'
  fake path.sh 'echo "$LVS_DR_IMAGE_ROOT/built"'
  fake build.sh ''
  cp "$BIN/path.sh" "$BIN/build.sh" "$T/project/scripts/image/"
}

test_help_needs_nothing() {
  project
  rm "$BIN/node" "$BIN/npm" "$BIN/virsh"
  lab help
  exits 0
  contains "$stdout" "scripts/lab COMMAND"
  equals "$(cat "$CALLS")" ""
}

test_help_of_any_command_does_nothing_else() {
  local command
  project
  rm "$BIN/node" "$BIN/npm" "$BIN/virsh"
  for command in "doctor --help" "doctor --json -h" "stop-host --help" "image -h" "exec --help"; do
    # shellcheck disable=SC2086
    lab $command
    exits 0
    contains "$stdout" "usage: scripts/lab COMMAND"
  done
  equals "$(cat "$CALLS")" ""
  # After `exec` it may be another command's.
  lab exec bash -c 'echo "$0"' --help
  equals "$stdout" "--help"
  lab stop-host now
  exits 1
  contains "$stderr" "usage: stop-host"
}

test_unknown_command_is_refused() {
  local command
  project
  for command in upp "test unit" @ '*' '$(touch "$T/seen")'; do
    lab "$command"
    exits 1
    contains "$stderr" "no command \"$command\""
    equals "$stdout" ""
  done
  [[ ! -e $T/seen ]] || fail "a command's name was evaluated"
}

test_every_command_of_the_table_is_explained_and_every_other_refused() {
  local explained known
  project
  lab help
  explained="$(sed -n 's/^  \([a-z-]\{1,\}\)  .*/\1/p' <<<"$stdout" | grep -vx help | sort)"
  known="$(sed -n 's/^  \[\([a-z-]*\)\]=.*/\1/p' "$T/project/scripts/lab" | sort)"
  contains "$known" verify
  equals "$explained" "$known"
}

test_every_need_of_the_table_is_one_that_is_known() {
  local words directory
  prepared_project
  [[ $EUID -eq 0 ]] || skip "not root"
  fake former.sh ''
  mkdir -p "$T/project/test/lab/cloudImage" "$T/project/test/lab/machines" "$T/project/test/services/rootfs"
  cp "$BIN/former.sh" "$T/project/test/lab/"
  for directory in services/rootfs lab/cloudImage lab/machines; do cp "$BIN/build.sh" "$T/project/test/$directory/"; done
  sed -n 's/^  \[\([a-z -]*\)\]=".\{1,\}"/\1/p' "$T/project/scripts/lab" >"$T/rows"
  contains "$(cat "$T/rows")" "test lab"
  while IFS= read -r words; do
    [[ $words != exec ]] || words="exec env"
    # shellcheck disable=SC2086
    lab $words
    exits 0
  done <"$T/rows"
}

test_arguments_exit_status_and_directory_are_the_program_s() {
  prepared_project
  cd "$T/home"
  PROGRAM_EXIT=4 lab status --stack ci-7.x --json
  exits 4
  equals "$stdout" "program: status --stack ci-7.x --json in $T/home"
  equals "$stderr" ""
}

test_every_command_refuses_a_name_that_cannot_be_a_stack_s_before_anything_else() {
  local command name
  prepared_project
  for command in up preview down output status verify drill failover "report x.html" "ssh"; do
    for name in "" . .. ../.. /etc "a b" 'x;id' node "$(printf '%0101d' 0)" other/elsewhere/dev; do
      # shellcheck disable=SC2086
      lab $command --stack "$name" rs1
      exits 1
      equals "$stdout" ""
      contains "$stderr" "error: --stack \"$name\": "
    done
    # shellcheck disable=SC2086
    lab $command --stack=
    exits 1
    # shellcheck disable=SC2086
    lab $command -s
    exits 1
  done
  equals "$(cat "$CALLS")" ""
  contains "$stderr" "must not be empty"
  # What follows a guest's name is the guest's.
  lab ssh rs1 tar --stack ..
  exits 0
  lab down --stack organization/lvs-dr/dev
  exits 0
}

test_reading_commands_prepare_nothing() {
  local command
  prepared_project
  rm "$BIN/qemu-img" "$T/project/scripts/image/path.sh"
  fake virsh 'exit 1'
  for command in preview output "status --help" "up --help" "test --help"; do
    # shellcheck disable=SC2086
    lab $command
    exits 0
    contains "$stdout" "program: $command in"
  done
  not_called apt-get
  not_called libvirtd
  not_called build.sh
}

test_up_builds_the_image_before_the_program() {
  prepared_project
  fake path.sh 'exit 1'
  cp "$BIN/path.sh" "$T/project/scripts/image/"
  [[ $EUID -eq 0 ]] || skip "not root"
  lab up --stack dev
  exits 0
  called "build.sh "
  contains "$stdout" "program: up --stack dev in"
  equals "$(grep -c '^program' "$T/stdout")" "$(wc -l <"$T/stdout")"
}

test_up_builds_no_image_for_a_stack_with_its_own() {
  prepared_project
  fake path.sh 'exit 1'
  cp "$BIN/path.sh" "$T/project/scripts/image/"
  IMAGE_SOURCE=own lab up --stack cloud --engine embedded
  exits 0
  called "image-source --stack cloud --engine embedded"
  not_called "build.sh "
  contains "$stdout" "program: up --stack cloud --engine embedded in"
}

test_up_asks_nothing_where_the_image_is_built() {
  prepared_project
  lab up
  exits 0
  not_called "image-source"
}

test_up_builds_and_installs_nothing_for_a_configuration_that_is_refused() {
  prepared_project
  fake path.sh 'exit 1'
  cp "$BIN/path.sh" "$T/project/scripts/image/"
  rm "$BIN/qemu-img"
  IMAGE_SOURCE="" lab up
  exits 1
  equals "$stdout" ""
  not_called apt-get
  not_called "build.sh "
}

test_a_lab_on_another_host_needs_no_libvirtd_here() {
  prepared_project
  # Were it asked, it would be started: nothing answers, and no systemd is there.
  fake virsh 'exit 1'
  printf 'config:\n  lvs-dr:libvirtUri: qemu+ssh://root@far/system\n' >"$T/project/Pulumi.far.yaml"
  lab up --stack far
  exits 0
  equals "$stdout" "program: up --stack far in $PWD"
  # Then as it was applied, whatever the configuration says by now.
  mkdir -p "$T/project/.lab/far" && rm "$T/project/Pulumi.far.yaml"
  echo '{"libvirtUri":"qemu+ssh://root@far/system","remoteHost":{"host":"far"}}' >"$T/project/.lab/far/lab.json"
  local arguments command
  for arguments in "down -s far" "verify --stack=far" "drill -sfar --all" "ssh --stack far rs1 -- x -s dev"; do
    # shellcheck disable=SC2086
    lab $arguments
    exits 0
  done
  not_called libvirtd
  not_called "virsh -q"
  # Another stack's is here.
  mkdir "$LVS_DR_SYSTEMD_DIR"
  fake systemctl 'exit 1'
  fake sudo 'shift; exec "$@"'
  for command in down status verify drill failover report ssh; do
    : >"$CALLS"
    lab "$command" --stack near
    exits 1
    called "virsh -q -c qemu:///system uri"
  done
}

test_up_stops_at_what_cannot_be_prepared() {
  prepared_project
  printf 'ID=fedora\n' >"$T/os-release"
  rm "$BIN/qemu-img"
  lab up
  exits 1
  equals "$stdout" ""
  contains "$stderr" "dnf install -y qemu-img"
}

test_unit_tests_and_static_checks_need_no_libvirt() {
  local suite
  prepared_project
  fake path.sh 'exit 1'
  cp "$BIN/path.sh" "$T/project/scripts/image/"
  rm "$BIN/virsh" "$BIN/libvirtd" "$BIN/qemu-img" "$BIN/shellcheck"
  for suite in static unit; do
    lab test "$suite"
    exits 0
    contains "$stdout" "program: test $suite in"
  done
  not_called apt-get
  not_called build.sh
  [[ $EUID -eq 0 ]] || skip "not root"
  rm "$BIN/ssh-keygen"
  lab test static
  exits 0
  not_called apt-get
  lab test unit
  called "-- openssh-client"
}

test_a_suite_that_there_is_not_installs_nothing() {
  prepared_project
  rm "$BIN/qemu-img" "$BIN/shellcheck"
  lab test labb
  exits 0
  contains "$stdout" "program: test labb in"
  not_called apt-get
}

test_down_starts_libvirt_where_it_was_installed() {
  prepared_project
  rm "$BIN/virsh"
  lab down
  exits 0
  contains "$stdout" "program: down in"
}

test_it_works_through_a_symbolic_link() {
  prepared_project
  ln -s "$T/project/scripts/lab" "$T/link"
  run "$T/link" output
  exits 0
  contains "$stdout" "program: output"
}
