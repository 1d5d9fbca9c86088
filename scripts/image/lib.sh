# shellcheck shell=bash
# What build.sh, path.sh and measure.sh share. Sourced, never run.

IMAGE_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
IMAGE_ROOT=${LVS_DR_IMAGE_ROOT:-/var/lib/libvirt/images/lvs-dr}
IMAGE_FILES=(disk.qcow2 vmlinuz initrd.img)

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# The recipe's hash: the first 16 hex digits of the SHA-256 over the lines "<sha256 of the file>  <path below recipe/>\n", sorted by path (bytewise).
recipe_hash() {
    cd "$IMAGE_SCRIPTS/recipe" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

# The directory of the current recipe's image, built or not.
image_directory() {
    echo "$IMAGE_ROOT/$(recipe_hash)"
}

# Whether DIRECTORY holds a whole image: a manifest, and every file of the size that it names. Cheap, so done at every use;
# `build.sh --verify` reads the files through and compares their SHA-256 too.
image_complete() {
    local directory=$1 file
    [[ -s $directory/manifest.json ]] || return 1
    for file in "${IMAGE_FILES[@]}"; do
        [[ $(stat -c %s "$directory/$file" 2>/dev/null) == $(jq -r --arg f "$file" '.files[$f].size' "$directory/manifest.json") ]] || return 1
    done
}
