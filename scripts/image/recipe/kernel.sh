#!/usr/bin/env bash
# Take kernel and initrd out of ROOT into OUT: the uncompressed ELF kernel, which QEMU boots through its PVH entry (no decompression on an
# emulated CPU), and an initrd of busybox, the virtio drivers and initrd/init.
# usage: kernel.sh ROOT OUT
set -euo pipefail

readonly MODULES=(virtio_pci virtio_blk virtio_net virtio_rng button evdev)

# Little-endian number of COUNT bytes at OFFSET of FILE.
number_at() {
    local file=$1 offset=$2 count=$3
    od -A n -t "u$count" -j "$((offset))" -N "$count" "$file" | tr -d ' '
}

# bzImage → ELF. Offsets: Documentation/x86/boot.rst (setup_sects, payload_offset, payload_length).
extract_vmlinux() {
    local image=$1 out=$2 start length magic
    start=$((($(number_at "$image" 0x1f1 1) + 1) * 512 + $(number_at "$image" 0x248 4)))
    length=$(number_at "$image" 0x24c 4)
    magic=$(od -A n -t x1 -j "$start" -N 4 "$image" | tr -d ' ')
    local -a decompress
    case $magic in
        fd377a58) decompress=(xz -dc --single-stream) ;;
        28b52ffd) decompress=(zstd -dcq) ;;
        02214c18) decompress=(lz4 -dc) ;;
        1f8b*) decompress=(gzip -dc) ;;
        *) echo "kernel.sh: $image: unknown compression (magic $magic)" >&2 && return 1 ;;
    esac
    # The last four bytes of the payload are its uncompressed size, no part of the stream.
    { tail -c "+$((start + 1))" "$image" || true; } | head -c "$((length - 4))" | "${decompress[@]}" >"$out"
    [[ $(od -A n -t x1 -N 4 "$out" | tr -d ' ') == 7f454c46 ]] || { echo "kernel.sh: $image holds no ELF kernel" >&2 && return 1; }
}

# Without its appended signature the kernel need not check it (RSA-4096 on an emulated CPU, once a module). Trailer: struct module_signature
# (12 bytes, the length of the signature big-endian in the last four), then a 28-byte marker.
strip_signature() {
    local file=$1 size
    size=$(stat -c %s "$file")
    [[ $(tail -c 28 "$file" | tr -d '\n\0') == '~Module signature appended~' ]] || return 0
    local -a b
    read -ra b < <(od -A n -t u1 -j "$((size - 32))" -N 4 "$file")
    truncate -s "$((size - 40 - ((b[0] << 24) + (b[1] << 16) + (b[2] << 8) + b[3])))" "$file"
}

make_initrd() {
    local root=$1 version=$2 out=$3 here stage name path
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    stage=$(mktemp -d)
    mkdir -p "$stage"/{bin,dev,proc,sys,run,root,modules}
    install -m 0755 "$root/bin/busybox" "$stage/bin/busybox"
    install -m 0755 "$here/initrd/init" "$stage/init"
    ln -s busybox "$stage/bin/sh"
    for name in "${MODULES[@]}"; do
        while read -r _ path _; do
            [[ $path == /* && ! -e $stage/modules/${path##*/} ]] || continue
            install -m 0644 "$root$path" "$stage/modules/"
            echo "${path##*/}" >>"$stage/modules/order"
        done < <(chroot "$root" modprobe -S "$version" --show-depends "$name")
    done
    mknod -m 0600 "$stage/dev/console" c 5 1
    (cd "$stage" && find . | LC_ALL=C sort | "$root/bin/busybox" cpio -o -H newc --quiet 2>/dev/null) >"$out"
    rm -rf "$stage"
}

main() {
    local root=$1 out=$2 version module
    version=$(ls "$root/lib/modules")
    while IFS= read -r -d '' module; do strip_signature "$module"; done < <(find "$root/lib/modules" -name '*.ko' -print0)
    extract_vmlinux "$root/boot/vmlinuz-$version" "$out/vmlinuz"
    make_initrd "$root" "$version" "$out/initrd.img"
}

main "$@"
