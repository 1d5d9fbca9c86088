# shellcheck shell=bash
# What build.sh, path.sh, measure.sh and the builders of the tests' images share. Sourced, never run. No part of the recipe.

IMAGE_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
IMAGE_ROOT=${LVS_DR_IMAGE_ROOT:-/var/lib/libvirt/images/lvs-dr}
IMAGE_FILES=(disk.qcow2 vmlinuz initrd.img)
# All that decides what an image holds, but for the mirror's packages and the host's own tools.
IMAGE_RECIPE=(recipe contents.sh debianRoot.sh)

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

build_work=''

# remove_builds DIRECTORY…: of builds, with what a killed mmdebstrap has left mounted in the system that it unpacked: /proc, /sys, devices.
remove_builds() {
    local directory path
    for directory in "$@"; do
        [[ -d $directory ]] || continue
        path=$(readlink -e "$directory") && [[ -n $path ]] || return 1
        awk -v below="$path/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | LC_ALL=C sort -r | xargs -r umount --lazy
        rm -rf --one-file-system "$directory"
    done
}

# build_cached DIRECTORY PREFIX WHOLE FUNCTION: makes DIRECTORY in $IMAGE_ROOT unless the command WHOLE, called with it, says that it is there. FUNCTION,
# called with an empty directory and DIRECTORY, makes what it is to hold in out/ below the former, which is moved into place when whole. One build at a time;
# whatever a killed one left in $IMAGE_ROOT under PREFIX, the next one removes.
build_cached() {
    local directory=$1 prefix=$2 whole=$3 make=$4
    ! "$whole" "$directory" || return 0
    ((EUID == 0)) || die "building $directory needs root"
    # The caller's may keep QEMU's user out of the directory, and the guests' services out of their files.
    umask 022
    install -d -m 0755 "$IMAGE_ROOT"
    exec 9>"$IMAGE_ROOT/.lock"
    flock -n 9 || { echo "image: another build is running; waiting for it" >&2 && flock 9; }
    ! "$whole" "$directory" || return 0
    # Under the lock, so none of these belongs to a build that still runs.
    remove_builds "$IMAGE_ROOT/$prefix".??????
    trap 'remove_builds "$build_work"' EXIT
    build_work=$(mktemp -d "$IMAGE_ROOT/$prefix.XXXXXX")
    # apt's own user must be able to pass.
    chmod 0711 "$build_work"
    # mmdebstrap unpacks a whole system there.
    mkdir "$build_work/tmp"
    TMPDIR="$build_work/tmp" "$make" "$build_work" "$directory"
    sync -f "$build_work/out"
    [[ ! -e $directory ]] || mv -T "$directory" "$build_work/old"
    mv -T "$build_work/out" "$directory"
}

# recipe_hash [PACKAGE…]: the first 16 hex digits of the SHA-256 over the lines "<sha256 of the file>  <path below scripts/image/>\n", sorted by path
# (bytewise); with further packages, a last line "<their names, sorted>  packages\n".
recipe_hash() {
    {
        cd "$IMAGE_SCRIPTS" && find "${IMAGE_RECIPE[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
        (($# == 0)) || echo "$(package_names "$@")  packages"
    } | sha256sum | cut -c1-16
}

# package_names PACKAGE…: each once, sorted; refuses what is not the name of one.
package_names() {
    local name
    for name in "$@"; do [[ $name =~ ^[a-z0-9][a-z0-9+.-]+$ ]] || die "'$name' is not the name of a Debian package"; done
    printf '%s\n' "$@" | LC_ALL=C sort -u | paste -sd' '
}

# image_directory [PACKAGE…]: where the image of the current recipe, with these packages, is, built or not.
image_directory() {
    local hash
    [[ $# == 0 || -n $(package_names "$@") ]] || exit 1
    hash=$(recipe_hash "$@")
    echo "$IMAGE_ROOT/$hash"
}

# Whether DIRECTORY holds a whole image: a manifest, and every file as it was when the manifest was written. Done at every use, so cheap: of a file
# of the right size, whose time of modification is the recorded one too, nothing is read. Only where that differs does the SHA-256 decide: the file
# was written to, or merely copied.
image_complete() {
    local directory=$1 file size mtime sha256 found
    [[ -s $directory/manifest.json ]] || return 1
    for file in "${IMAGE_FILES[@]}"; do
        read -r size mtime sha256 < <(jq -r --arg f "$file" '.files[$f] | "\(.size) \(.mtime) \(.sha256)"' "$directory/manifest.json" 2>/dev/null) || return 1
        found=$(stat -c '%s %Y' "$directory/$file" 2>/dev/null) || return 1
        [[ $found != "$size $mtime" ]] || continue
        [[ ${found% *} == "$size" && $(sha256sum <"$directory/$file") == "$sha256 "* ]] || return 1
    done
}
