# shellcheck shell=bash
# What the image is made of, with recipe/ and debianRoot.sh: a change to any of them is another image. Sourced by build.sh, never run; needs lib.sh
# and debianRoot.sh.

readonly DISK_SIZE=2G

# One ext4 file system without a partition table, its features chosen for an emulated CPU (no checksums to compute, nothing to initialize
# lazily in every overlay), then qcow2, so that overlays can lie on it.
make_disk() {
    local root=$1 raw=$2 out=$3
    truncate -s "$DISK_SIZE" "$raw"
    mkfs.ext4 -q -F -L lvs-dr -m 0 -O ^metadata_csum,^64bit -J size=16 -E lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$raw"
    qemu-img convert -O qcow2 "$raw" "$out"
}

# make_contents WORK: the image's files in WORK/out, from the root file system in WORK/root.
make_contents() {
    local work=$1
    mkdir -m 0755 "$work/root" "$work/out"
    say "installing Debian $SUITE (about a minute)"
    # The kernel package would make an initrd of its own at length: the image needs none.
    # shellcheck disable=SC2016 # $1 is for the hook to expand
    make_root "$work/root.tar" "$work/log" "$IMAGE_SCRIPTS/recipe/packages" \
        --setup-hook='mkdir -p "$1/etc/initramfs-tools" && echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"'
    tar -C "$work/root" -xf "$work/root.tar"
    say "kernel and initrd"
    bash "$IMAGE_SCRIPTS/recipe/kernel.sh" "$work/root" "$work/out"
    bash "$IMAGE_SCRIPTS/recipe/customize.sh" "$work/root"
    say "disk"
    make_disk "$work/root" "$work/disk.raw" "$work/out/disk.qcow2"
}
