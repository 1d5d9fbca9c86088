#!/usr/bin/env bash
# Build a stand-in for a vendor's cloud image, from the Debian mirror that this host's apt uses: one qcow2 with a partition table, GRUB for BIOS, an
# initrd, systemd, D-Bus, netplan and cloud-init, as Debian's genericcloud has them, and the packages that docs/howto/image.md asks for. It holds no identity.
# Without loop devices, which containers lack. Cached as $LVS_DR_IMAGE_ROOT/cloud-test-<hash of this directory and of debianRoot.sh>/disk.qcow2.
# Prints the image's path on stdout, progress on stderr. usage: build.sh
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../../scripts/image/lib.sh
source "$HERE/../../../scripts/image/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../../scripts/image/debianRoot.sh
source "$IMAGE_SCRIPTS/debianRoot.sh"

readonly DISK_MIB=2048 FIRST_SECTOR=2048
# All that GRUB needs to read the kernel, so that it looks for no module on the disk.
readonly GRUB_MODULES=(biosdisk part_msdos ext2 normal configfile linux)
# Those that GRUB 2.06 reads, whatever this host's mke2fs would choose.
readonly EXT4_FEATURES=none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize

# The files that the image is made of; build.sh among them, as it makes the disk.
hash_of_recipe() {
    { (cd "$HERE" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum) && sha256sum <"$IMAGE_SCRIPTS/debianRoot.sh"; } |
        sha256sum | cut -c1-16
}

customize() {
    local root=$1
    cp -r --no-preserve=mode,ownership "$HERE/rootfs/." "$root/"
    systemctl --quiet --root "$root" enable systemd-networkd systemd-resolved
    # An image for everyone: cloud-init brings host keys and name, the first boot a machine id.
    rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
    : >"$root/etc/machine-id"
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
}

# little_endian NUMBER: its four bytes, as printf escapes.
little_endian() {
    local i
    for i in 0 8 16 24; do printf '\\x%02x' "$((($1 >> i) & 255))"; done
}

# GRUB's first sector with a partition table of one active Linux partition, and GRUB's core in the sectors behind it, where the first one expects it.
write_boot_loader() {
    local root=$1 disk=$2 sectors
    # From inside: the host need not have GRUB.
    chroot "$root" grub-mkimage -O i386-pc -o /boot/grub/core.img -p '(hd0,msdos1)/boot/grub' "${GRUB_MODULES[@]}"
    (($(stat -c %s "$root/boot/grub/core.img") < (FIRST_SECTOR - 1) * 512)) || die "GRUB's core does not fit before the first partition"
    dd if="$root/usr/lib/grub/i386-pc/boot.img" of="$disk" bs=446 count=1 conv=notrunc status=none
    sectors=$((DISK_MIB * 2048 - FIRST_SECTOR))
    # shellcheck disable=SC2059 # the format is the bytes
    printf "\x80\xfe\xff\xff\x83\xfe\xff\xff$(little_endian "$FIRST_SECTOR")$(little_endian "$sectors")" |
        dd of="$disk" bs=1 seek=446 conv=notrunc status=none
    printf '\x55\xaa' | dd of="$disk" bs=1 seek=510 conv=notrunc status=none
    dd if="$root/boot/grub/core.img" of="$disk" bs=512 seek=1 conv=notrunc status=none
}

make_disk() {
    local root=$1 disk=$2
    truncate -s "${DISK_MIB}M" "$disk"
    write_boot_loader "$root" "$disk"
    mkfs.ext4 -q -F -L cloud-root -m 0 -O "$EXT4_FEATURES" -J size=16 -E "offset=$((FIRST_SECTOR * 512)),lazy_itable_init=0,lazy_journal_init=0" \
        -d "$root" "$disk" "$((DISK_MIB - FIRST_SECTOR / 2048))M"
}

# make_image WORK: for build_cached.
make_image() {
    local build=$1
    mkdir "$build/root" "$build/out"
    say "installing Debian $SUITE with cloud-init (about two minutes)"
    # An initrd with the drivers of any machine costs an emulated CPU seconds at every boot.
    # shellcheck disable=SC2016 # $1 is for the hook to expand
    make_root "$build/root.tar" "$build/log" "$HERE/packages" --setup-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" &&
        echo MODULES=list >"$1/etc/initramfs-tools/conf.d/modules" && printf "%s\n" virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"'
    tar -C "$build/root" -xf "$build/root.tar"
    customize "$build/root"
    make_disk "$build/root" "$build/disk.raw"
    qemu-img convert -O qcow2 "$build/disk.raw" "$build/out/disk.qcow2"
}

is_whole() { [[ -s $1/disk.qcow2 ]]; }

main() {
    local directory
    directory=$IMAGE_ROOT/cloud-test-$(hash_of_recipe)
    build_cached "$directory" .cloud-test is_whole make_image
    echo "$directory/disk.qcow2"
}

main "$@"
