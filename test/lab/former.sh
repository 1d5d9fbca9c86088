#!/usr/bin/env bash
# Print the directory of an older version of the project, as it is after `npm ci`; made where it is not there yet. Exit 1 where the
# repository has no such commit (a shallow clone).
set -euo pipefail

readonly FORMER=2152b0b

main() {
  local root directory
  root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
  directory="$root/.lab/version-$FORMER"
  if [[ ! -d $directory ]]; then
    git -C "$root" -c safe.directory='*' cat-file -e "$FORMER^{commit}" || exit 1
    rm -rf "$directory.new" && mkdir -p "$directory.new"
    git -C "$root" -c safe.directory='*' archive "$FORMER" | tar -x -C "$directory.new"
    npm ci --prefix "$directory.new" --no-audit --no-fund >&2
    mv "$directory.new" "$directory"
  fi
  echo "$directory"
}

main
