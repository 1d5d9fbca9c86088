#!/usr/bin/env bash
# Build the root file system in which the services suite runs: Debian's ldirectord with the Perl modules of the guest image, and one real
# server of each protocol, from the Debian mirror that this host's apt uses. Nothing is installed on the host, and no server is started.
# Cached as $LVS_DR_IMAGE_ROOT/services-<hash of this directory, of debianRoot.sh and of the guest image's packages>/root.
# Prints its path on stdout, progress on stderr. usage: build.sh
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../../scripts/image/lib.sh
source "$HERE/../../../scripts/image/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../../scripts/image/debianRoot.sh
source "$IMAGE_SCRIPTS/debianRoot.sh"

# The Perl modules that the guest image brings for ldirectord: the suite shows that they suffice.
perl_packages() { grep -E '^lib.*-perl$' "$IMAGE_SCRIPTS/recipe/packages"; }

hash_of_recipe() {
    { (cd "$HERE" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum) && sha256sum <"$IMAGE_SCRIPTS/debianRoot.sh" && perl_packages; } | sha256sum | cut -c1-16
}

# make_system WORK: for build_cached.
make_system() {
    local build=$1
    mkdir -p "$build/out/root"
    say "installing Debian $SUITE with a real server of each protocol (about two minutes)"
    { cat "$HERE/packages" && perl_packages; } >"$build/packages"
    make_root "$build/root.tar" "$build/log" "$build/packages"
    tar -C "$build/out/root" -xf "$build/root.tar"
    rm -rf "$build"/out/root/var/cache/apt/* "$build"/out/root/var/lib/apt/lists/*
}

is_whole() { [[ -e $1/root ]]; }

main() {
    local directory
    directory=$IMAGE_ROOT/services-$(hash_of_recipe)
    build_cached "$directory" .services is_whole make_system
    echo "$directory/root"
}

main "$@"
