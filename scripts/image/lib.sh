# shellcheck shell=bash
# What build.sh, path.sh and measure.sh share. Sourced, never run.

IMAGE_SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
IMAGE_ROOT=${LVS_DR_IMAGE_ROOT:-/var/lib/libvirt/images/lvs-dr}
IMAGE_FILES=(disk.qcow2 vmlinuz initrd.img)
# All that decides what an image holds, but for the mirror's packages and the host's own tools.
IMAGE_RECIPE=(recipe contents.sh debianRoot.sh)

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# The recipe's hash: the first 16 hex digits of the SHA-256 over the lines "<sha256 of the file>  <path below scripts/image/>\n", sorted by path (bytewise).
recipe_hash() {
    cd "$IMAGE_SCRIPTS" && find "${IMAGE_RECIPE[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16
}

# The directory of the current recipe's image, built or not.
image_directory() {
    echo "$IMAGE_ROOT/$(recipe_hash)"
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
