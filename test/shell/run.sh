#!/usr/bin/env bash
# Runs the shell tests: every function test_… of every *.test.sh here, each in a shell and a directory of its own.
#
#   run.sh [PATTERN]       only tests whose "file: function" contains PATTERN
#
# The last line is `N passed, N failed, N skipped`; exit 0 if none failed. A test fails by any failing command, and is
# skipped by `skip REASON`.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly HERE
readonly SKIPPED=77

# run_one FILE FUNCTION: in a fresh shell, so that `set -e` holds and nothing leaks from one test into the next. What it
# prints, it prints at once, since several run at a time.
run_one() {
  local file="$1" function="$2" output status=0
  # shellcheck disable=SC2016 # the inner shell expands these
  output="$(timeout -k 5 240 bash -c 'set -euo pipefail; source "$1/lib.sh"; source "$1/$2"; set_up; "$3"' \
    "$function" "$HERE" "$file" "$function" 2>&1 </dev/null)" || status=$?
  case $status in
    0) echo "ok       $file: $function" ;;
    "$SKIPPED") echo "skipped  $file: $function: $(tail -n 1 <<<"$output")" ;;
    *) printf 'FAILED   %s: %s (exit %s)\n%s\n' "$file" "$function" "$status" "         | ${output//$'\n'/$'\n         | '}" ;;
  esac
}

# tests PATTERN: file and function of each test, a line each.
tests() {
  local path file function
  for path in "$HERE"/*.test.sh; do
    file="$(basename "$path")"
    while IFS= read -r function; do
      [[ "$file: $function" != *"$1"* ]] || printf '%s\n' "$file" "$function"
    done < <(sed -n 's/^\(test_[a-zA-Z0-9_]*\)().*/\1/p' "$path")
  done
}

main() {
  local results passed failed skipped
  if [[ ${1:-} == --one ]]; then
    run_one "$2" "$3"
    return 0
  fi
  results="$(mktemp)"
  # shellcheck disable=SC2064
  trap "rm -f '$results'" EXIT
  tests "${1:-}" | xargs -r -n 2 -P "$(nproc)" "$HERE/run.sh" --one | tee "$results"
  passed="$(grep -c '^ok ' "$results" || true)"
  failed="$(grep -c '^FAILED ' "$results" || true)"
  skipped="$(grep -c '^skipped ' "$results" || true)"
  echo "$passed passed, $failed failed, $skipped skipped"
  ((failed == 0 && passed + skipped > 0))
}
main "$@"
