#!/usr/bin/env bash
# Build the disk of a Debian machine that has nothing of ours: ifupdown (or, of a release after bookworm, systemd-networkd) for its network, and a
# package mirror of its own in /srv/mirror, since machines of the tests reach no other. Who it is, tells the kernel's command line:
# rootfs/usr/local/sbin/machine-identity. With it come kernel, initrd, and the keys `login` (which opens root and the user `admin`, who has sudo) and `host`.
# Cached as $LVS_DR_IMAGE_ROOT/machine-<RELEASE>-<hash of this directory>/. Prints that path on stdout, progress on stderr. usage: build.sh RELEASE
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../../scripts/image/lib.sh
source "$HERE/../../../scripts/image/lib.sh"
# shellcheck source-path=SCRIPTDIR source=../../../scripts/image/debianRoot.sh
source "$IMAGE_SCRIPTS/debianRoot.sh"

readonly RELEASE=${1:?usage: build.sh RELEASE} DISK_MIB=2048
readonly FILES=(disk.qcow2 vmlinuz initrd.img login login.pub host.pub)

hash_of_recipe() { (cd "$HERE" && find . -type f ! -name '*.ts' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c1-16; }

names_in() { grep -v '^#' "$HERE/$1"; }

# sources: Debian's mirror of this host, whatever release the host is of.
sources() {
    # shellcheck disable=SC2016 # the fields are apt's
    apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(REPO_URI)' 'Created-By: Packages' |
        sed -nE "s/^Debian\|$SUITE\|(.*)/deb \1 $RELEASE main/p" | LC_ALL=C sort -u
}

# index DIRECTORY: of the packages in it, as apt reads it.
index() {
    local file
    for file in "$1"/*.deb; do
        dpkg-deb -f "$file"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "${file##*/}" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d' ' -f1)"
    done >"$1/Packages"
}

customize() {
    local root=$1 out=$2 name
    cp -r --no-preserve=mode,ownership "$HERE/rootfs/." "$root/"
    chmod 0755 "$root/usr/local/sbin/machine-identity"
    mkdir -p "$root/srv/mirror"
    mv "$root"/var/cache/apt/archives/*.deb "$root/srv/mirror/"
    index "$root/srv/mirror"
    rm -f "$root"/etc/apt/sources.list.d/*
    echo 'deb [trusted=yes] file:/srv/mirror ./' >"$root/etc/apt/sources.list"
    systemctl --quiet --root "$root" enable machine-identity.service
    if [[ $RELEASE == bookworm ]]; then rm -rf "$root/etc/systemd/network"; else
        rm -f "$root/etc/network/interfaces"
        systemctl --quiet --root "$root" enable systemd-networkd.service
    fi
    rm -f "$root"/etc/ssh/ssh_host_*
    for name in login host; do ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$out/$name"; done
    install -m 0600 "$out/host" "$root/etc/ssh/ssh_host_ed25519_key"
    install -m 0644 "$out/host.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
    chroot "$root" useradd --create-home --shell /bin/bash admin
    echo 'admin ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/admin"
    for name in root home/admin; do
        install -d -m 0700 "$root/$name/.ssh"
        install -m 0600 "$out/login.pub" "$root/$name/.ssh/authorized_keys"
    done
    chroot "$root" chown -R admin:admin /home/admin/.ssh
    : >"$root/etc/machine-id"
    rm -f "$root/etc/hostname" "$root/etc/resolv.conf"
    rm -rf "$root"/var/lib/apt/lists/*
}

# make_image WORK: for build_cached.
make_image() {
    local build=$1 lines
    local -a options
    mkdir "$build/root" "$build/out"
    say "installing Debian $RELEASE as a server (about two minutes)"
    lines=$(sources)
    mapfile -t options < <(host_apt_options)
    # shellcheck disable=SC2016 # $1 is for the hook to expand
    mmdebstrap --mode=root --variant=essential --include="$(names_in packages | paste -sd,)" "${options[@]}" \
        --aptopt='Apt::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --setup-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" && echo MODULES=list >"$1/etc/initramfs-tools/conf.d/modules" &&
            printf "%s\n" virtio_pci virtio_blk ext4 >"$1/etc/initramfs-tools/modules"' \
        --skip=cleanup/apt \
        --customize-hook="APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get clean &&
            APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get -y --download-only install $(names_in role-packages | paste -sd' ')" \
        "$RELEASE" "$build/root.tar" - <<<"$lines" >"$build/log" 2>&1 || { tail -n 20 "$build/log" >&2 && die "mmdebstrap failed"; }
    tar -C "$build/root" -xf "$build/root.tar"
    customize "$build/root" "$build/out"
    cp "$build"/root/boot/vmlinuz-* "$build/out/vmlinuz"
    cp "$build"/root/boot/initrd.img-* "$build/out/initrd.img"
    truncate -s "${DISK_MIB}M" "$build/disk.raw"
    mkfs.ext4 -q -F -m 0 -J size=16 -E lazy_itable_init=0,lazy_journal_init=0 -d "$build/root" "$build/disk.raw"
    qemu-img convert -O qcow2 "$build/disk.raw" "$build/out/disk.qcow2"
    rm "$build/out/host"
    chmod 0644 "$build"/out/*
    chmod 0600 "$build/out/login"
}

is_whole() {
    local file
    for file in "${FILES[@]}"; do [[ -s $1/$file ]] || return 1; done
}

main() {
    local directory
    directory=$IMAGE_ROOT/machine-$RELEASE-$(hash_of_recipe)
    build_cached "$directory" ".machine-$RELEASE" is_whole make_image
    echo "$directory"
}

main "$@"
