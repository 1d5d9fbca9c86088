#!/usr/bin/env bash
# Build the guest image: $LVS_DR_IMAGE_ROOT/<hash of its recipe>/{disk.qcow2,vmlinuz,initrd.img,manifest.json}, from the Debian mirror that this
# host's apt uses. Does nothing if it is there already. Prints the directory on stdout, progress on stderr.
# usage: build.sh [--force | --verify] [PACKAGE…]    --force: build anew   --verify: build nothing, compare every file with the manifest's SHA-256
# PACKAGE…: Debian packages beside the recipe's, whose units are disabled as the recipe's are: an image of its own
set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=debianRoot.sh
source "$IMAGE_SCRIPTS/debianRoot.sh"
# shellcheck source-path=SCRIPTDIR source=contents.sh
source "$IMAGE_SCRIPTS/contents.sh"

readonly TOOLS=(mmdebstrap qemu-img mkfs.ext4 jq lz4 flock systemctl)
# Where libvirt keeps what it knows of its guests, whether it runs or not.
readonly DOMAINS=${LVS_DR_DOMAINS_DIR:-/etc/libvirt/qemu}

# What the image has beside the recipe's packages.
PACKAGES=()

# add_packages WORK: from here on the recipe is a copy in WORK that has them too. What of them would start at boot is disabled, since a
# workload's script decides; their lines for systemd-tmpfiles are kept.
add_packages() {
    cp -r "$IMAGE_SCRIPTS" "$1/scripts"
    IMAGE_SCRIPTS=$1/scripts
    cp "$IMAGE_SCRIPTS/recipe/packages" "$IMAGE_SCRIPTS/recipe/packagesOwn"
    printf '%s\n' "${PACKAGES[@]}" | grep -vxF -f "$IMAGE_SCRIPTS/recipe/packagesOwn" >>"$IMAGE_SCRIPTS/recipe/packages" || true
    mv "$IMAGE_SCRIPTS/recipe/customize.sh" "$IMAGE_SCRIPTS/recipe/customizeOwn.sh"
    cp "$IMAGE_SCRIPTS/customizePackages.sh" "$IMAGE_SCRIPTS/recipe/customize.sh"
}

# write_manifest WORK DIRECTORY: of the image in WORK/out, made from the root file system in WORK/root.
write_manifest() {
    local build=$1 root=$1/root out=$1/out file size mtime
    for file in "${IMAGE_FILES[@]}"; do
        read -r size mtime < <(stat -c '%s %Y' "$out/$file")
        jq -n --arg f "$file" --arg sha256 "$(sha256sum <"$out/$file" | cut -d' ' -f1)" --argjson size "$size" --argjson mtime "$mtime" \
            '{($f): {sha256: $sha256, size: $size, mtime: $mtime}}'
    done | jq -s add >"$build/files.json"
    # shellcheck disable=SC2016 # dpkg-query's own variables
    dpkg-query --admindir="$root/var/lib/dpkg" -W -f='${Package} ${Version}\n' | jq -Rn '[inputs | split(" ") | {(.[0]): .[1]}] | add' >"$build/packages.json"
    jq -n --slurpfile files "$build/files.json" --slurpfile packages "$build/packages.json" --arg recipe "$(basename "$2")" \
        --arg date "$(date -u +%FT%TZ)" --arg size "$DISK_SIZE" --arg cmdline "$(<"$IMAGE_SCRIPTS/recipe/cmdline")" --arg kernel "$(ls "$root/lib/modules")" \
        '{recipe: $recipe, built: $date, digest: ("sha256:" + $files[0]["disk.qcow2"].sha256), suite: "'"$SUITE"'", kernel: $kernel, diskSize: $size,
          cmdline: $cmdline, files: $files[0], packages: $packages[0]}' >"$out/manifest.json"
}

# refuse_for_guests DIRECTORY: their overlays hold what differs from exactly this disk. On another one, of the same name, they would be wreckage.
refuse_for_guests() {
    local directory=$1 guests
    guests=$(grep -lsF -- "$directory/" "$DOMAINS"/*.xml | sed 's|.*/||; s|\.xml$||' | paste -sd' ') || true
    [[ -z $guests ]] || die "guests lie on the image in $directory${2:+, which $2}: $guests. First take them down (scripts/lab down), then build it anew"
}

# make_image WORK DIRECTORY: for build_cached.
make_image() {
    local build=$1 directory=$2 tool
    for tool in "${TOOLS[@]}"; do command -v "$tool" >/dev/null || die "$tool is missing: run scripts/lab doctor"; done
    refuse_for_guests "$directory" "$(image_complete "$directory" || echo 'is missing or damaged')"
    ((${#PACKAGES[@]} == 0)) || add_packages "$build"
    make_contents "$build"
    write_manifest "$build" "$directory"
}

verify_image() {
    local directory=$1
    image_complete "$directory" || die "$directory is missing or incomplete"
    (cd "$directory" && jq -r '.files | to_entries[] | "\(.value.sha256)  \(.key)"' manifest.json | sha256sum --check --quiet >&2) || die "$directory is damaged: run scripts/lab image --force${PACKAGES[*]:+ ${PACKAGES[*]}}"
}

main() {
    local directory whole=image_complete option=''
    case ${1:-} in
        --verify | --force) option=$1 && shift ;;
        -*) die "usage: build.sh [--force | --verify] [PACKAGE…]" ;;
    esac
    PACKAGES=("$@")
    directory=$(image_directory "$@")
    case $option in
        --verify) verify_image "$directory" && echo "$directory" && return ;;
        --force) whole=false ;;
    esac
    build_cached "$directory" .build "$whole" make_image
    echo "$directory"
}

main "$@"
