# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/ipvsTable.sh: what is done to the kernel's table, and what is found wrong with it.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

readonly SERVICE="-t 10.0.0.100:80"
readonly ONE="-a $SERVICE -r 192.168.7.10:80 -g -w 1" TWO="-a $SERVICE -r 192.168.7.20:80 -g -w 3"
readonly SORRY="-a $SERVICE -r 127.0.0.1:80 -g -w 1" OTHER="-u 10.0.0.101:53"
readonly SORRY_NOTE="# sorry: $SERVICE -r 127.0.0.1:80" QUIESCENT_NOTE="# quiescent: $SERVICE"

in_table() { guest "common.sh ipvsTable.sh" "$@"; }

test_prefill_adds_services_that_are_absent_and_leaves_others_alone() {
  fake_ipvsadm
  fill "-A $SERVICE -s wrr" "$ONE"
  in_table prefill LVS_IPVS_RULES="$(lines "-A $SERVICE -s wrr" "$ONE" "$TWO" "-A $OTHER -s rr -o" "-a $OTHER -r 192.168.7.20:53 -g -w 1" "$SORRY_NOTE")"
  exits 0
  table_holds "-A $SERVICE -s wrr" "$ONE" "-A $OTHER -s rr -o" "-a $OTHER -r 192.168.7.20:53 -g -w 1"
}

test_edit_table_adds_edits_and_deletes_and_never_flushes() {
  fake_ipvsadm
  fill "-A $SERVICE -s wrr" "$ONE" "$SORRY" "-A $OTHER -s rr"
  in_table 'edit_table "$(meant_rules)"' LVS_IPVS_RULES="$(lines "-A $SERVICE -s wlc -p 600" "${ONE/-w 1/-w 5}" "$TWO")"
  exits 0
  table_holds "-A $SERVICE -s wlc -p 600" "${ONE/-w 1/-w 5}" "$TWO"
  equals "$(changes 4)" "$(lines "-E $SERVICE -s wlc -p 600" "-e $SERVICE -r 192.168.7.10:80 -g -w 5" "$TWO" \
    "-d $SERVICE -r 127.0.0.1:80" "-D $OTHER")"
}

test_edit_table_names_what_is_refused() {
  fake_ipvsadm
  in_table 'edit_table "$(meant_rules)"' LVS_IPVS_RULES="-A $SERVICE -s none"
  exits 1
  contains "$stderr" "node: ipvsadm refused: -A $SERVICE -s none"
}

test_drain_gone_waits_for_the_connections_of_who_leaves() {
  fake_ipvsadm
  fill "-A $SERVICE -s wrr" "$ONE" "$TWO" "$SORRY"
  echo "192.168.7.20:80 2" >"$T/active"
  (sleep 1 && : >"$T/active") &
  in_table 'drain_gone "$(meant_rules)"; echo "$SECONDS"' LVS_IPVS_RULES="$(lines "-A $SERVICE -s wrr" "$ONE" "$SORRY_NOTE")" LVS_DRAIN_SECONDS=20
  exits 0
  ((stdout >= 1 && stdout < 10)) || fail "took $stdout s"
  table_holds "-A $SERVICE -s wrr" "$ONE" "${TWO/-w 3/-w 0}" "$SORRY"
  contains "$stderr" "draining 192.168.7.20:80"
}

test_drain_gone_ends_at_its_limit() {
  local limit
  fake_ipvsadm
  for limit in 0 1; do
    : >"$T/table"
    fill "-A $SERVICE -s wrr" "$TWO"
    echo "192.168.7.20:80 2" >"$T/active"
    in_table 'drain_gone "$(meant_rules)"' LVS_IPVS_RULES="-A $SERVICE -s wrr" LVS_DRAIN_SECONDS="$limit"
    exits 0
    contains "$stderr" "connections still open after $limit s"
  done
}

# Its port is open: undrain asks.
readonly FORMER_DRAINED='undrain "$FORMER"'

test_undrain_gives_back_the_weight_of_whom_the_former_rules_drained() {
  local server
  fake_ipvsadm
  web 0
  server="-a -t 10.0.0.100:$PORT -r 127.0.0.1:$PORT -g -w"
  fill "-A -t 10.0.0.100:$PORT -s wrr" "$server 0"
  in_table "$FORMER_DRAINED" LVS_IPVS_RULES="$server 3" FORMER="$server 0"
  exits 0
  table_holds "-A -t 10.0.0.100:$PORT -s wrr" "$server 3"
}

test_undrain_gives_back_the_weight_of_whom_an_unfinished_change_drained() {
  local server
  fake_ipvsadm
  web 0
  server="-a -t 10.0.0.100:$PORT -r 127.0.0.1:$PORT -g -w"
  fill "-A -t 10.0.0.100:$PORT -s wrr" "$server 3"
  in_table 'drain_gone ""; undrain "$FORMER"' LVS_IPVS_RULES="$server 3" FORMER="$server 3"
  exits 0
  equals "$(changes 2)" "$(lines "-e -t 10.0.0.100:$PORT -r 127.0.0.1:$PORT -g -w 0" "-e -t 10.0.0.100:$PORT -r 127.0.0.1:$PORT -g -w 3")"
}

test_undrain_leaves_alone_whom_nobody_drained_and_who_does_not_answer() {
  local dead="-a $SERVICE -r 127.0.0.1:1 -g -w" quiescent
  fake_ipvsadm
  web 0
  # Found dead by its check, not by its port.
  quiescent="-a $SERVICE -r 127.0.0.1:$PORT -g -w"
  fill "-A $SERVICE -s wrr" "$dead 0"
  in_table "$FORMER_DRAINED" LVS_IPVS_RULES="$(lines "$dead 1" "$quiescent 1")" FORMER="$(lines "$dead 0" "$quiescent 1")"
  exits 0
  equals "$(changes 2)" ""
}

test_undrain_leaves_alone_who_fails_its_check_though_its_port_accepts() {
  local entry note
  fake_ipvsadm
  web 0 "503 Unfit"
  entry="-t 10.0.0.100:$PORT -r 127.0.0.1:$PORT"
  for note in "http $PORT 2 www /test.html test" "connect 1"; do
    : >"$T/table"
    fill "-A -t 10.0.0.100:$PORT -s wrr" "-a $entry -g -w 0"
    in_table "$FORMER_DRAINED" LVS_IPVS_RULES="$(lines "-a $entry -g -w 3" "# check: $entry $note")" FORMER="-a $entry -g -w 0"
    exits 0
    equals "$(changes 2)" ""
  done
  in_table "$FORMER_DRAINED" LVS_IPVS_RULES="$(lines "-a $entry -g -w 3" "# check: $entry connect $PORT")" FORMER="-a $entry -g -w 0"
  equals "$(changes 2)" "-e $entry -g -w 3"
}

# finds DIFFERENCES RULES TABLE [SETTING=VALUE...]
finds() {
  local expected=$1 rules=$2 table=$3
  shift 3
  in_table 'differences <<<"$TABLE"' LVS_IPVS_RULES="$rules" TABLE="$table" "$@"
  exits 0
  equals "$stdout" "$expected"
}

test_differences() {
  local wrr="-A $SERVICE -s wrr" rules foreign
  rules="$(lines "$wrr" "$ONE" "$TWO" "$SORRY_NOTE")"
  finds "" "$rules" "$(lines "$wrr" "$TWO" "$ONE")"
  finds "" "$rules" "$(lines "$wrr " "$ONE")"
  finds "" "$rules" "$(lines "$wrr" "$SORRY")"
  finds "sorry server beside live ones: $SORRY" "$rules" "$(lines "$wrr" "$SORRY" "$ONE")"
  finds "" "$(lines "$rules" "$QUIESCENT_NOTE")" "$(lines "$wrr" "$SORRY" "${ONE/-w 1/-w 0}" "${TWO/-w 3/-w 0}")"
  finds "real server not meant so: ${ONE/-w 1/-w 0}" "$rules" "$(lines "$wrr" "${ONE/-w 1/-w 0}")"
  finds "real server not meant so: ${ONE/-w 1/-w 2}" "$(lines "$rules" "$QUIESCENT_NOTE")" "$(lines "$wrr" "${ONE/-w 1/-w 2}")"
  finds "real server not meant so: $SORRY" "$(lines "$wrr" "$ONE")" "$(lines "$wrr" "$SORRY")"
  finds "$(lines "service not meant so: -A $SERVICE -s rr" "service missing: $wrr")" "$rules" "$(lines "-A $SERVICE -s rr" "$ONE")"
  finds "service missing: $wrr" "$rules" ""
  finds "" "$rules" "$(lines "$wrr" "$ONE" "-A -f 27000 -s rr" "-a -f 27000 -r 192.168.7.10:0 -g -w 1" "-A -f 27064 -s rr")"
  for foreign in "-A -f 7 -s rr" "-A -f 26999 -s rr" "-A -f 27100 -s rr" "-A -f 270001 -s rr" "-A -f 27000 -6 -s rr"; do
    finds "service not meant so: $foreign" "$rules" "$(lines "$wrr" "$ONE" "$foreign")"
  done
  finds "real server missing: $TWO" "$(lines "$wrr" "$ONE" "$TWO")" "$(lines "$wrr" "$ONE")" LVS_MODE=static
}

test_limits_are_compared_where_any_are_configured() {
  local rules note="# thresholds: $SERVICE -r 192.168.7.10:80"
  fake_ipvsadm
  fill "-A $SERVICE -s wrr" "-a $SERVICE -x 10 -y 5 -r 192.168.7.10:80 -g -w 1" "${TWO/-w 3/-w 0}"
  rules="$(lines "$ONE" "$TWO")"
  in_table 'limits <<<"$(table)"' LVS_IPVS_RULES="$rules"
  equals "$stdout" ""
  in_table 'limits <<<"$(table)"' LVS_IPVS_RULES="$(lines "$rules" "$note 10 5" "# thresholds: $SERVICE -r 192.168.7.20:80 7 0")"
  equals "$stdout" ""
  in_table 'limits <<<"$(table)"' LVS_IPVS_RULES="$(lines "$rules" "$note 12 5")"
  equals "$stdout" "thresholds of $SERVICE -r 192.168.7.10:80 are 10 and 5, meant 12 5"
}

# settles NOTE: one server is missing whose check that note tells.
settles() {
  local service="-t 10.0.0.100:$PORT"
  fake_ipvsadm
  fill "-A $service -s wrr"
  in_table 'settle 0' LVS_IPVS_RULES="$(lines "-A $service -s wrr" "-a $service -r 127.0.0.1:$PORT -g -w 1" \
    ${1:+"# check: $service -r 127.0.0.1:$PORT $1"})"
}

test_settle_refuses_the_absence_of_a_server_that_passes_its_check() {
  local note
  web 0 "200 OK" "a test page"
  for note in on "connect $PORT" "http $PORT 2 www /test.html test" "http $PORT 2 www /"; do
    settles "$note"
    exits 1
    contains "$stderr" "after 1 s the kernel's table is not what was meant: real server missing though it passes its check: -t 10.0.0.100:$PORT"
  done
}

test_settle_takes_for_dead_who_fails_its_check_or_cannot_be_asked() {
  local note
  web 0 "503 Unfit" "a test page"
  for note in "" "connect 1" "http $PORT 2 www /test.html test" "http 1 2 www /test.html test"; do
    settles "$note"
    exits 0
    contains "$stderr" "taken for dead: -t 10.0.0.100:$PORT -r 127.0.0.1:$PORT"
  done
  kill "$WEB"
  : >"$T/port"
  web 0 "200 OK" "another page, with what is looked for in the header only"
  settles "http $PORT 2 www / Server: x"
  exits 0
  kill "$WEB"
  : >"$T/port"
  # Too late for ldirectord.
  web 0 "200 OK" "a test page" 1.4
  settles "http $PORT 1 www /test.html test"
  exits 0
  contains "$stderr" "taken for dead"
}

test_settle_waits_for_a_server_that_is_on_its_way() {
  local service
  web 0
  service="-t 10.0.0.100:$PORT"
  fake_ipvsadm
  fill "-A $service -s wrr"
  (sleep 1 && ipvsadm -a "${service% *}" "${service#* }" -r "127.0.0.1:$PORT" -g -w 1) &
  in_table 'settle 9' LVS_IPVS_RULES="$(lines "-A $service -s wrr" "-a $service -r 127.0.0.1:$PORT -g -w 1" "# check: $service -r 127.0.0.1:$PORT connect $PORT")"
  exits 0
  table_holds "-A $service -s wrr" "-a $service -r 127.0.0.1:$PORT -g -w 1"
  lacks "$stderr" "taken for dead"
}
