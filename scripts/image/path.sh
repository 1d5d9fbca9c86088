#!/usr/bin/env bash
# Print the directory of the guest image that belongs to the current recipe; exit 1 if it has not been built.
# usage: path.sh [PACKAGE…]    with these Debian packages beside the recipe's
set -euo pipefail

main() {
    # shellcheck source-path=SCRIPTDIR source=lib.sh
    source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
    local directory
    directory=$(image_directory "$@")
    image_complete "$directory" || die "no guest image for the current recipe in $directory: run scripts/lab image${*:+ $*}"
    echo "$directory"
}

main "$@"
