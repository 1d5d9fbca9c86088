#!/usr/bin/env bash
# seed.sh tar|iso FILE: packs the files described on stdin (one a line: MODE PATH BASE64) into a guest's seed disk:
# an uncompressed tar for the project's image, a NoCloud ISO (label cidata) for a cloud image. It holds the guest's SSH
# host key: FILE is 0600 in a 0700 directory, written beside and renamed.
# seed.sh remove FILE: removes it, and the directories it leaves empty.
set -euo pipefail
umask 077

pack() {
  local format=$1 file=$2 mode path content
  mkdir -p "$(dirname "$file")"
  work=$(realpath "$(mktemp -d "$(dirname "$file")/.seed.XXXXXX")")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/root"
  while read -r mode path content; do
    mkdir -p "$work/root/$(dirname "$path")"
    base64 -d <<<"$content" >"$work/root/$path"
    chmod "$mode" "$work/root/$path"
  done
  case $format in
  tar)
    # Reproducible, so that the same identity is the same disk.
    find "$work/root" -type d -exec chmod 0700 {} +
    chmod 0755 "$work/root"
    (cd "$work/root" && find . -type f -printf '%P\n' | sort |
      tar --format=ustar --owner=0 --group=0 --mtime=@0 --no-recursion -cf "$work/disk" -T -)
    ;;
  iso) xorriso -as genisoimage -quiet -output "$work/disk" -volid cidata -joliet -rock "$work/root" >&2 ;;
  *) echo "seed.sh: format '$format' is neither tar nor iso" >&2 && exit 2 ;;
  esac
  mv -f "$work/disk" "$file"
}

main() {
  case ${1:-} in
  remove) rm -f "${2:?file}" && { rmdir -p --ignore-fail-on-non-empty "$(dirname "$2")" 2>/dev/null || true; } ;;
  *) pack "${1:?format}" "${2:?file}" ;;
  esac
}

main "$@"
