#!/usr/bin/env bash
# Stands for recipe/customize.sh in an image with further packages, and runs that (customizeOwn.sh) first. What those packages and
# the ones they depend on would start at boot is disabled: workloads decide. Their lines for systemd-tmpfiles, which make directories below
# /run, are kept.
# usage: customizePackages.sh ROOT
set -euo pipefail

# owner ROOT FILE: the package that FILE is of; nothing for a file of none.
owner() { dpkg-query --admindir="$1/var/lib/dpkg" -S "${2#"$1"}" 2>/dev/null | sed -n '1s/[:,].*//p' || true; }

main() {
    local root=${1:?usage: customizePackages.sh ROOT} here link unit file
    local -A recipe=()
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    while read -r unit; do recipe[$unit]=yes; done < <(grep -v '^#' "$here/packagesOwn")
    bash "$here/customizeOwn.sh" "$root"
    for link in "$root"/etc/systemd/system/*.wants/*; do
        unit=${link##*/}
        [[ -L $link ]] || continue
        file=$(owner "$root" "$root/lib/systemd/system/${unit/@*./@.}")
        [[ -z $file || $file == systemd || -n ${recipe[$file]:-} ]] || rm -f "$link"
    done
    for file in "$root"/usr/lib/tmpfiles.d/*.conf; do
        unit=$(owner "$root" "$file")
        [[ $unit == systemd || -n ${recipe[$unit]:-} || ! -L $root/etc/tmpfiles.d/${file##*/} ]] || rm -f "$root/etc/tmpfiles.d/${file##*/}"
    done
}

main "$@"
