#!/usr/bin/env bash
# Build the guest image: $LVS_DR_IMAGE_ROOT/<hash of recipe/>/{disk.qcow2,vmlinuz,initrd.img,manifest.json}, from the Debian mirror that this
# host's apt uses. Does nothing if it is there already. Prints the directory on stdout, progress on stderr.
# usage: build.sh [--force | --verify]    --force: build anew   --verify: build nothing, compare every file with the manifest's SHA-256
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=debianRoot.sh
source "$IMAGE_SCRIPTS/debianRoot.sh"

readonly DISK_SIZE=2G
readonly TOOLS=(mmdebstrap qemu-img mkfs.ext4 jq lz4 flock)
build=''

# One ext4 file system without a partition table, its features chosen for an emulated CPU (no checksums to compute, nothing to initialize
# lazily in every overlay), then qcow2, so that overlays can lie on it.
make_disk() {
    local root=$1 out=$2
    truncate -s "$DISK_SIZE" "$build/disk.raw"
    mkfs.ext4 -q -F -L lvs-dr -m 0 -O ^metadata_csum,^64bit -J size=16 -E lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$build/disk.raw"
    qemu-img convert -O qcow2 "$build/disk.raw" "$out"
}

write_manifest() {
    local root=$1 out=$2 file
    for file in "${IMAGE_FILES[@]}"; do
        jq -n --arg f "$file" --arg sha256 "$(sha256sum <"$out/$file" | cut -d' ' -f1)" --argjson size "$(stat -c %s "$out/$file")" \
            '{($f): {sha256: $sha256, size: $size}}'
    done | jq -s add >"$build/files.json"
    # shellcheck disable=SC2016 # dpkg-query's own variables
    dpkg-query --admindir="$root/var/lib/dpkg" -W -f='${Package} ${Version}\n' | jq -Rn '[inputs | split(" ") | {(.[0]): .[1]}] | add' >"$build/packages.json"
    jq -n --slurpfile files "$build/files.json" --slurpfile packages "$build/packages.json" --arg recipe "$(recipe_hash)" \
        --arg date "$(date -u +%FT%TZ)" --arg size "$DISK_SIZE" --arg cmdline "$(<"$IMAGE_SCRIPTS/recipe/cmdline")" --arg kernel "$(ls "$root/lib/modules")" \
        '{recipe: $recipe, built: $date, digest: ("sha256:" + $files[0]["disk.qcow2"].sha256), suite: "'"$SUITE"'", kernel: $kernel, diskSize: $size,
          cmdline: $cmdline, files: $files[0], packages: $packages[0]}' >"$out/manifest.json"
}

build_image() {
    local directory=$1
    build=$(mktemp -d "$IMAGE_ROOT/.build.XXXXXX")
    mkdir -m 0755 "$build/root" "$build/out"
    say "installing Debian $SUITE (about a minute)"
    # The kernel package would make an initrd of its own at length: the image needs none.
    # shellcheck disable=SC2016 # $1 is for the hook to expand
    make_root "$build/root.tar" "$build/log" "$IMAGE_SCRIPTS/recipe/packages" \
        --setup-hook='mkdir -p "$1/etc/initramfs-tools" && echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"'
    tar -C "$build/root" -xf "$build/root.tar"
    say "kernel and initrd"
    bash "$IMAGE_SCRIPTS/recipe/kernel.sh" "$build/root" "$build/out"
    bash "$IMAGE_SCRIPTS/recipe/customize.sh" "$build/root"
    say "disk"
    make_disk "$build/root" "$build/out/disk.qcow2"
    write_manifest "$build/root" "$build/out"
    chmod 0644 "$build"/out/*
    sync -f "$build/out/manifest.json"
    # An image may be in use as a backing file: --force puts a new one beside it before the old one goes.
    [[ ! -e $directory ]] || mv -T "$directory" "$build/old"
    mv -T "$build/out" "$directory"
}

verify_image() {
    local directory=$1
    image_complete "$directory" || die "$directory is missing or incomplete"
    (cd "$directory" && jq -r '.files | to_entries[] | "\(.value.sha256)  \(.key)"' manifest.json | sha256sum --check --quiet >&2) || die "$directory is damaged: run build.sh --force"
}

main() {
    local directory tool
    directory=$(image_directory)
    case ${1:-} in
        --verify) verify_image "$directory" && echo "$directory" && return ;;
        --force | '') ;;
        *) die "usage: build.sh [--force | --verify]" ;;
    esac
    if [[ ${1:-} != --force ]] && image_complete "$directory"; then echo "$directory" && return; fi
    ((EUID == 0)) || die "building the image needs root"
    for tool in "${TOOLS[@]}"; do command -v "$tool" >/dev/null || die "$tool is missing: run scripts/lab doctor"; done
    mkdir -p "$IMAGE_ROOT"
    exec 9>"$IMAGE_ROOT/.lock"
    flock -n 9 || { say "another build is running; waiting for it" && flock 9; }
    if [[ ${1:-} == --force ]] || ! image_complete "$directory"; then
        # Under the lock, so none of these belongs to a build that still runs.
        rm -rf "$IMAGE_ROOT"/.build.*
        trap '[[ -z $build ]] || rm -rf "$build"' EXIT
        build_image "$directory"
    fi
    echo "$directory"
}

main "$@"
