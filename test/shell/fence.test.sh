# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # status, stdout, stderr: lib.sh; the made-up daemon expands what is quoted here
# scripts/host/fence.sh: one daemon a stack, with the stack's own files, and an end to that one alone.

daemon() {
  fake fence_virtd 'case "$(cat "$2")" in *bad*) echo "no such address"; exit 1 ;; esac
(exec -a fence_virtd bash -c "while :; do sleep 0.1; done" daemon "$@" >/dev/null 2>&1 </dev/null & printf %s "$!" >"$4")'
}

# fence VERB [CONFIGURATION [KEY]]
fence() {
  printf '%s\n' "${3:-secret}" "${2:-key_file = \"DIRECTORY/key\"}" >"$T/files"
  run bash -c 'bash "$0" "$1" "$2" <"$3"' "$ROOT/scripts/host/fence.sh" "$1" "$T/fencing" "$T/files"
}
running() { [[ -e /proc/$1 && $(tr '\0' ' ' <"/proc/$1/cmdline") == fence_virtd* ]]; }
# shellcheck disable=SC2317
clean_up() { [[ ! -e $T/fencing/pid ]] || kill -KILL "$(cat "$T/fencing/pid")" 2>/dev/null || true; }

test_it_runs_once_with_files_that_nobody_else_reads() {
  local pid
  daemon
  fence start
  exits 0
  equals "$stdout" "fence_virtd runs"
  pid=$(cat "$T/fencing/pid")
  equals "$(cat "$T/fencing/conf")" "key_file = \"$T/fencing/key\""
  equals "$(wc -c <"$T/fencing/key")$(cat "$T/fencing/key")" 6secret
  equals "$(stat -c %a "$T/fencing" "$T/fencing/key" | paste -sd ' ')" "700 600"
  fence start
  exits 0
  equals "$stdout$(cat "$T/fencing/pid")" "$pid"
  # After a boot, and with another configuration.
  kill -KILL "$pid"
  fence start
  equals "$stdout" "fence_virtd runs"
  pid=$(cat "$T/fencing/pid")
  fence start 'other = "1"'
  equals "$stdout" "fence_virtd runs"
  ! running "$pid" || fail "the former one still runs"
  pid=$(cat "$T/fencing/pid")
  fence stop
  exits 0
  ! running "$pid" || fail "it still runs"
  [[ ! -e $T/fencing ]] || fail "$(ls "$T/fencing")"
  fence stop
  exits 0
}

test_another_process_of_its_number_is_left_alone() {
  local other
  daemon
  sleep 100 &
  other=$!
  mkdir "$T/fencing"
  printf %s "$other" >"$T/fencing/pid"
  fence stop
  exits 0
  [[ -e /proc/$other ]] || fail "it was ended"
  kill "$other"
}

test_what_keeps_it_from_starting_is_said() {
  daemon
  fence start 'bad'
  exits 1
  contains "$stderr" "fence_virtd does not start: no such address"
  rm "$BIN/fence_virtd"
  fence start
  exits 1
  contains "$stderr" "fence_virtd is not installed, without which Pacemaker takes nothing over: apt-get install"
}
