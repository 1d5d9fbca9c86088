#!/usr/bin/env bash
# Turn Debian's packages into the lab's guest: lay the files of rootfs/ over ROOT, enable what the lab runs, take away what only costs boot time.
# usage: customize.sh ROOT
set -euo pipefail

# Started at boot; everything else that the packages enabled is disabled (the roles start nginx, ldirectord and keepalived themselves).
readonly ENABLE=(ssh systemd-networkd lvs-dr-power)
readonly DISABLE=(nginx keepalived systemd-pstore dpkg-db-backup.timer fstrim.timer getty@tty1 remote-fs.target)

# Pulled in by static wants, and of no use in a guest with one ext4 disk, static addresses and no user but root: masked, and no longer wanted.
readonly MASK=(
    systemd-networkd-wait-online.service systemd-logind.service systemd-user-sessions.service getty.target getty-static.service
    systemd-ask-password-wall.path systemd-ask-password-console.path systemd-update-utmp.service systemd-update-utmp-runlevel.service
    systemd-random-seed.service systemd-firstboot.service systemd-repart.service systemd-sysusers.service systemd-binfmt.service
    proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount
    sys-kernel-debug.mount sys-kernel-tracing.mount cryptsetup.target integritysetup.target veritysetup.target kmod-static-nodes.service
    systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-journal-flush.service systemd-initctl.socket
    systemd-journald-audit.socket systemd-tmpfiles-clean.timer systemd-remount-fs.service systemd-fsck-root.service
    systemd-tmpfiles-setup-dev.service systemd-network-generator.service
    # The director has a unit of its own, and two daemons would fight over the table.
    ldirectord.service
)

# What is left of udev's rules and of tmpfiles' lines: interfaces' names, module loading, /run/lock.
readonly KEEP_UDEV_RULES=(50-udev-default.rules 75-net-description.rules 80-drivers.rules 80-net-setup-link.rules 99-systemd.rules)
readonly KEEP_TMPFILES=(debian.conf legacy.conf tmp.conf var.conf)

# Hide every file of DIRECTORY but those named, by a link of the same name in /etc.
hide_all_but() {
    local root=$1 directory=$2 file
    shift 2
    mkdir -p "$root/etc/${directory##usr/lib/}"
    for file in "$root/$directory"/*; do
        [[ " $* " == *" ${file##*/} "* ]] || ln -sf /dev/null "$root/etc/${directory##usr/lib/}/${file##*/}"
    done
}

main() {
    local root=${1:?usage: customize.sh ROOT} here unit
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    # Of a checkout that others may not read, the guest's services still must.
    cp -r --no-preserve=mode,ownership "$here/rootfs/." "$root/"
    chmod 0755 "$root/etc/acpi/PWRF/00000080"
    systemctl --quiet --root "$root" disable "${DISABLE[@]}"
    systemctl --quiet --root "$root" enable "${ENABLE[@]}"
    systemctl --quiet --root "$root" mask "${MASK[@]}"
    systemctl --quiet --root "$root" set-default multi-user.target
    for unit in "${MASK[@]}"; do rm -f "$root"/usr/lib/systemd/system/*.wants/"$unit"; done
    for unit in systemd-journald systemd-udevd systemd-networkd; do
        install -D -m 0644 "$here/unsandboxed.conf" "$root/etc/systemd/system/$unit.service.d/lvs-dr.conf"
    done
    hide_all_but "$root" usr/lib/systemd/system-generators
    hide_all_but "$root" usr/lib/udev/rules.d "${KEEP_UDEV_RULES[@]}"
    hide_all_but "$root" usr/lib/tmpfiles.d "${KEEP_TMPFILES[@]}"
    # Empty, so that systemd-modules-load and systemd-sysctl run only in guests whose role has put something there.
    rm -f "$root"/etc/modules-load.d/* "$root"/etc/sysctl.d/*
    # No two guests may share a host key or a machine id: the seed brings the one, the first boot makes the other.
    rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"
    : >"$root/etc/machine-id"
    install -d -m 0700 "$root/root/.ssh"
    # Kernel and initrd lie beside the disk; the package caches are of no use in a guest without a package mirror.
    rm -rf "${root:?}"/boot/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/log/apt
    rm -f "$root"/usr/lib/udev/hwdb.bin "$root/etc/resolv.conf"
}

main "$@"
