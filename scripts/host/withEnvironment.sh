#!/usr/bin/env bash
# Becomes COMMAND with the variables that FILE holds (NAME=VALUE, each ended by NUL), and removes FILE: the other side of
# elevate.sh's hand_over.
#
#   withEnvironment.sh FILE COMMAND…
set -euo pipefail

main() {
  local file="$1" variable
  local -a variables
  shift
  mapfile -d '' -t variables <"$file"
  rm -f "$file"
  for variable in "${variables[@]}"; do
    # bash keeps a few for itself, such as SHELLOPTS.
    export "${variable?}" 2>/dev/null || true
  done
  exec "$@"
}
main "$@"
