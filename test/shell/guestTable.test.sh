# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/ipvsTable.pl: what it does to the kernel's table, and what it finds wrong with it.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

readonly KEY="-t 10.0.0.100:80" OTHER="-u 10.0.0.101:53" TITLE="tcp 10.0.0.100:80"
readonly WRR="-A $KEY -s wrr"
readonly ONE="-a $KEY -r 192.168.7.10:80 -g -w 1" TWO="-a $KEY -r 192.168.7.20:80 -g -w 3" SORRY="-a $KEY -r 127.0.0.1:80 -g -w 1"
# The same as the expected table has them: with a sorry server, and real servers without a check that could be made.
readonly SERVICE="service|$KEY|-s wrr|0|127.0.0.1:80"
readonly RS1="server|$KEY|rs1|192.168.7.10:80|1|" RS2="server|$KEY|rs2|192.168.7.20:80|3|"

# table ACTION [ARGUMENT...] with the expected table's lines in EXPECTED.
table() {
  local given
  given="$(expected "${EXPECTED[@]}")"
  guest_tools
  run bash -c 'perl -w "$0" "${@:2}" <<<"$1"' "$ROOT/scripts/guest/ipvsTable.pl" "$given" "$@"
}
EXPECTED=("$SERVICE" "$RS1" "$RS2")

test_rules_are_what_ipvsadm_restores() {
  table rules
  exits 0
  equals "$stdout" "$(lines "$WRR" "$ONE" "$TWO")"
}

test_prefill_adds_services_that_are_absent_and_leaves_others_alone() {
  fake_ipvsadm
  fill "$WRR" "$ONE"
  EXPECTED+=("service|$OTHER|-s rr -o|0|" "server|$OTHER|rs2|192.168.7.20:53|1|")
  table prefill
  exits 0
  table_holds "$WRR" "$ONE" "-A $OTHER -s rr -o" "-a $OTHER -r 192.168.7.20:53 -g -w 1"
}

test_edit_adds_edits_and_deletes_and_touches_nothing_else() {
  fake_ipvsadm
  fill "$WRR" "$ONE" "${TWO/-w 3/-w 2}" "$SORRY" "-A $OTHER -s rr" "-A -f 27000 -s rr"
  EXPECTED=("service|$KEY|-s wlc -p 600|0|" "$RS1" "$RS2" "server|$KEY|rs3|192.168.7.31:80|2|")
  table edit
  exits 0
  table_holds "-A $KEY -s wlc -p 600" "$ONE" "$TWO" "-a $KEY -r 192.168.7.31:80 -g -w 2" "-A -f 27000 -s rr"
  equals "$(changes 6)" "$(lines "-E $KEY -s wlc -p 600" "-e $KEY -r 192.168.7.20:80 -g -w 3" "-a $KEY -r 192.168.7.31:80 -g -w 2" \
    "-d $KEY -r 127.0.0.1:80" "-D $OTHER")"
}

test_edit_names_what_is_refused() {
  fake_ipvsadm
  EXPECTED=("service|$KEY|-s none|0|")
  table edit
  exits 1
  contains "$stderr" "node: ipvsadm refused: -A $KEY -s none"
}

test_drain_waits_for_the_connections_of_a_server_that_leaves() {
  local began=$SECONDS
  fake_ipvsadm
  fill "$WRR" "$ONE" "$TWO" "$SORRY"
  echo "192.168.7.20:80 2" >"$T/active"
  (sleep 1 && : >"$T/active") &
  EXPECTED=("$SERVICE" "$RS1")
  table drain 20 "$T/drained"
  exits 0
  ((SECONDS - began >= 1 && SECONDS - began < 15)) || fail "took $((SECONDS - began)) s"
  table_holds "$WRR" "$ONE" "${TWO/-w 3/-w 0}" "$SORRY"
  contains "$stderr" "draining 192.168.7.20:80"
  equals "$(cat "$T/drained")" "$KEY -r 192.168.7.20:80"
}

test_drain_ends_at_its_limit() {
  local limit
  fake_ipvsadm
  EXPECTED=("$SERVICE")
  for limit in 0 1; do
    : >"$T/table"
    fill "$WRR" "$TWO"
    echo "192.168.7.20:80 2" >"$T/active"
    table drain "$limit" "$T/drained"
    exits 0
    contains "$stderr" "connections still open after $limit s"
  done
}

# answering [STATUS [BODY [SECONDS]]]: a real server that answers so; the table has it with weight 0, EXPECTED with 3 and with CHECK.
answering() {
  fake_ipvsadm
  web 0 "$@"
  LIVE="-t 10.0.0.100:$PORT"
  fill "-A $LIVE -s wrr" "-a $LIVE -r 127.0.0.1:$PORT -g -w 0"
}
# with_check CHECK: the fields of a check, separated by "|"; none: one that cannot be made.
with_check() { EXPECTED=("service|$LIVE|-s wrr|1|" "server|$LIVE|rs1|127.0.0.1:$PORT|3|${1:+|$1}"); }

test_undrain_gives_back_the_weight_of_a_server_that_the_former_rules_drained() {
  answering
  with_check ""
  echo "-a $LIVE -r 127.0.0.1:$PORT -g -w 0" >"$T/former"
  table undrain "$T/former" "$T/none"
  exits 0
  table_holds "-A $LIVE -s wrr" "-a $LIVE -r 127.0.0.1:$PORT -g -w 3"
}

test_undrain_gives_back_the_weight_of_a_server_that_an_unfinished_change_drained() {
  answering
  with_check ""
  echo "$LIVE -r 127.0.0.1:$PORT" >"$T/drained"
  table undrain "$T/none" "$T/drained"
  exits 0
  table_holds "-A $LIVE -s wrr" "-a $LIVE -r 127.0.0.1:$PORT -g -w 3"
}

test_undrain_leaves_alone_a_server_that_nobody_drained_or_that_does_not_answer() {
  fake_ipvsadm
  fill "$WRR" "-a $KEY -r 127.0.0.1:1 -g -w 0" "${TWO/-w 3/-w 0}"
  EXPECTED=("service|$KEY|-s wrr|1|" "server|$KEY|rs1|127.0.0.1:1|1|" "$RS2")
  echo "-a $KEY -r 127.0.0.1:1 -g -w 0" >"$T/former"
  table undrain "$T/former" "$T/none"
  exits 0
  equals "$(changes 3)" ""
}

test_undrain_leaves_alone_a_server_that_fails_its_check_though_its_port_accepts() {
  local check
  answering "503 Unfit"
  echo "$LIVE -r 127.0.0.1:$PORT" >"$T/drained"
  for check in "http|$PORT|2|www|/test.html|test" "connect|1"; do
    with_check "$check"
    table undrain "$T/none" "$T/drained"
    exits 0
    equals "$(changes 2)" ""
  done
  with_check "connect|$PORT"
  table undrain "$T/none" "$T/drained"
  equals "$(changes 2)" "-e $LIVE -r 127.0.0.1:$PORT -g -w 3"
}

# finds FINDINGS LINE...: with this table `compare` prints FINDINGS (CODE SUBJECT DETAIL TEXT, "|" between), then the table.
finds() {
  local found
  : >"$T/table"
  [[ -z ${2:-} ]] || fill "${@:2}"
  table compare
  exits 0
  found="${stdout%%== table*}"
  equals "$(tr '\t' '|' <<<"${found%$'\n'}")" "$1"
  contains "$stdout" "== table"
}

test_compare_explains_what_ldirectord_does() {
  fake_ipvsadm
  finds "" "$WRR" "$TWO" "$ONE"
  finds "" "$WRR" "$ONE"
  finds "" "$WRR" "$SORRY"
  finds "" "$WRR" "$ONE" "-A -f 27000 -s rr" "-a -f 27000 -r 192.168.7.10:0 -g -w 1" "-A -f 27250 -s rr"
  EXPECTED[0]="${SERVICE/|0|/|1|}"
  finds "" "$WRR" "$SORRY" "${ONE/-w 1/-w 0}" "${TWO/-w 3/-w 0}"
}

test_compare_names_what_the_configuration_does_not_explain() {
  local foreign title
  fake_ipvsadm
  finds "sorry-server-beside-live|$TITLE|127.0.0.1:80|service $TITLE: the sorry server is in beside live servers" "$WRR" "$SORRY" "$ONE"
  finds "weight-differs|rs1|$TITLE|rs1 192.168.7.10:80: weight 0 in service $TITLE, expected 1" "$WRR" "${ONE/-w 1/-w 0}"
  finds "forwarding-differs|rs1|$TITLE|rs1 192.168.7.10:80: forwarded by -m in service $TITLE, expected -g" "$WRR" "${ONE/-g/-m}"
  finds "server-unexpected|192.168.7.99:80|$TITLE|192.168.7.99:80: not configured in service $TITLE" "$WRR" "${ONE/7.10/7.99}"
  finds "service-differs|$TITLE|-s rr|service $TITLE: -s rr, expected -s wrr" "-A $KEY -s rr" "$ONE"
  finds "service-missing|$TITLE|-s wrr|service $TITLE: not in the kernel's table"
  for foreign in "-f 7" "-f 26999" "-f 27300" "-f 270001" "-f 27300 -6"; do
    title="fwm ${foreign#-f }"
    finds "service-unexpected|$title|-s rr|service $title: not configured" "$WRR" "$ONE" "-A $foreign -s rr"
  done
  EXPECTED[0]="${SERVICE/|0|/|1|}"
  finds "weight-differs|rs1|$TITLE|rs1 192.168.7.10:80: weight 2 in service $TITLE, expected 1" "$WRR" "${ONE/-w 1/-w 2}"
  EXPECTED=("service|$KEY|-s wrr|0|" "$RS1" "$RS2")
  finds "server-unexpected|127.0.0.1:80|$TITLE|127.0.0.1:80: not configured in service $TITLE" "$WRR" "$SORRY"
}

test_without_health_checks_nothing_excuses_a_missing_server() {
  fake_ipvsadm
  MODE=static
  EXPECTED=("service|$KEY|-s wrr|0|" "$RS1" "$RS2")
  finds "server-missing|rs2|$TITLE|rs2 192.168.7.20:80: missing from service $TITLE" "$WRR" "$ONE"
}

test_thresholds_are_compared_where_any_are_configured() {
  fake_ipvsadm
  finds "" "$WRR" "-a $KEY -x 10 -y 5 -r 192.168.7.10:80 -g -w 1"
  EXPECTED=("${SERVICE/|0|/|1|}" "${RS1}10 5" "${RS2}7 0")
  # A quiescent server has lost its thresholds.
  finds "" "$WRR" "-a $KEY -x 10 -y 5 -r 192.168.7.10:80 -g -w 1" "${TWO/-w 3/-w 0}"
  EXPECTED[1]="${RS1}12 5"
  finds "thresholds-differ|rs1|$TITLE|rs1 192.168.7.10:80: thresholds 10 5 in service $TITLE, expected 12 5" \
    "$WRR" "-a $KEY -x 10 -y 5 -r 192.168.7.10:80 -g -w 1"
}

# settles CHECK [SECONDS]: a server is missing that is to be asked so.
settles() {
  : >"$T/table"
  fill "-A $LIVE -s wrr"
  with_check "$1"
  table settle "${2:-1}"
}

test_settle_refuses_the_absence_of_a_server_that_passes_its_check() {
  local check
  answering "200 OK" "a test page"
  for check in on "connect|$PORT" "http|$PORT|2|www|/test.html|test" "http|$PORT|2|www|/|"; do
    settles "$check"
    exits 1
    contains "$stderr" "after 1 s the kernel's table is not as expected: rs1 127.0.0.1:$PORT: missing from service tcp 10.0.0.100:$PORT though it passes its check"
    table pending
    exits 0
  done
}

test_settle_believes_the_death_of_a_server_that_fails_its_check_or_cannot_be_asked() {
  local check
  answering "503 Unfit" "a test page"
  for check in "" "connect|1" "http|$PORT|2|www|/test.html|test" "http|1|2|www|/test.html|test"; do
    settles "$check"
    exits 0
    contains "$stderr" "found dead: rs1 127.0.0.1:$PORT"
    table pending
    exits 1
  done
  kill "$WEB"
  : >"$T/port"
  answering "200 OK" "another page, with what is looked for in the header only"
  settles "http|$PORT|2|www|/|Server: x"
  exits 0
  kill "$WEB"
  : >"$T/port"
  # Too late for ldirectord.
  answering "200 OK" "a test page" 1.4
  settles "http|$PORT|1|www|/test.html|test"
  exits 0
  contains "$stderr" "found dead"
}

test_settle_waits_for_a_server_that_is_on_its_way() {
  answering
  (sleep 1 && ipvsadm -a "${LIVE% *}" "${LIVE#* }" -r "127.0.0.1:$PORT" -g -w 3) &
  settles "connect|$PORT" 9
  exits 0
  table_holds "-A $LIVE -s wrr" "-a $LIVE -r 127.0.0.1:$PORT -g -w 3"
  lacks "$stderr" "found dead"
}

test_a_kernel_without_ipvs_is_said() {
  fake ipvsadm 'exit 1'
  table compare
  exits 1
  contains "$stderr" "node: ipvsadm -Sn failed with status 1"
}

test_several_actions_share_one_start_of_perl_and_an_unknown_one_runs_none() {
  fake_ipvsadm
  EXPECTED=("service|$KEY|-s wrr|0|")
  fill "$WRR" "-A $OTHER -s rr"
  table drop + frobnicate
  ((status != 0)) || fail "an unknown action was taken"
  table_holds "$WRR" "-A $OTHER -s rr"
  table drain 1 "$T/drained" + drop + undrain "$T/none" "$T/none"
  exits 0
  table_holds "$WRR"
}

test_keepalived_starts_with_weight_0_for_what_is_not_in_the_table() {
  fake_ipvsadm
  fill "$WRR" "$TWO"
  lines "virtual_server 10.0.0.100 80 {" "  protocol TCP" "  real_server 192.168.7.10 80 {" "    weight 1" "  }" "  real_server 192.168.7.20 80 {" "    weight 3" "  }" "}" >"$T/conf"
  table withhold "$T/conf"
  exits 0
  equals "$stdout" "$(sed 's/weight 1/weight 0/' "$T/conf")"
  EXPECTED=("service|-f 80 -6|-s wrr|0|" "server|-f 80 -6|rs1|[fd00::10]:0|1|" "server|-f 80 -6|rs2|[fd00::20]:0|3|")
  fill "-A -f 80 -6 -s wrr" "-a -f 80 -6 -r [fd00::10]:0 -g -w 0" "-a -f 80 -6 -r [fd00::20]:0 -g -w 3"
  lines "virtual_server fwmark 80 {" "  real_server fd00::10 {" "    weight 1" "  }" "  real_server fd00::20 {" "    weight 3" "  }" "}" >"$T/conf"
  table withhold "$T/conf"
  equals "$stdout" "$(sed 's/weight 1/weight 0/' "$T/conf")"
}

test_what_keepalived_finds_becomes_right_beforehand_but_nobody_gets_connections_by_it() {
  fake_ipvsadm
  fill "-A $KEY -s rr" "-a $KEY -r 192.168.7.20:80 -g -w 1" "$SORRY" "-a $KEY -r 192.168.7.99:80 -g -w 1"
  MODE=keepalived table edit present
  exits 0
  table_holds "$WRR" "$TWO" "$SORRY"
}
