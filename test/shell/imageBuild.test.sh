# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016 # status, stdout and stderr are set by run (lib.sh); fakes' bodies expand later
# scripts/image/build.sh and path.sh: an image that is not whole, or of another recipe, is never used. With a recipe
# and tools that make a few bytes in no time.

builder() {
  [[ $EUID -eq 0 ]] || skip "not root"
  local name
  for name in tar truncate sync mount umount; do ln -s "$(PATH=/usr/bin:/bin command -v "$name")" "$BIN/$name"; done
  project
  IMAGE="$T/project/scripts/image"
  printf 'mkdir -p "$1/lib/modules/6.1" && echo kernel >"$2/vmlinuz" && echo initrd >"$2/initrd.img"\n' >"$IMAGE/recipe/kernel.sh"
  : >"$IMAGE/recipe/customize.sh"
  fake apt-config ''
  fake dpkg-query 'echo "base-files 12.4"'
  # What it unpacks a system in, and removes at its end.
  fake mmdebstrap 'mktemp -d "${TMPDIR:-/tmp}/mmdebstrap.XXXXXX" >/dev/null; for word in "$@"; do case $word in *.tar) tar -cf "$word" -T /dev/null ;; esac; done'
  fake mkfs.ext4 'echo "ext4 of build $(grep -c ^mmdebstrap "$CALLS")" >"${@: -1}"'
  fake qemu-img 'cp "${@: -2:1}" "${@: -1}"'
  # Guests of this host are no business of these tests.
  export LVS_DR_DOMAINS_DIR="$T/domains" TMPDIR="$T/tmp"
  mkdir "$TMPDIR"
}

build() { run "$IMAGE/build.sh" "$@"; }
builds() { calls mmdebstrap; }
path() { run "$IMAGE/path.sh"; }

# built: builds, and keeps the directory in $directory.
built() {
  build
  exits 0
  directory="$stdout"
  contains "$directory" "$T/images/"
}

# slow_disk SECONDS: a qemu-img that says when half of the disk is there, and then takes its time.
slow_disk() { fake qemu-img "echo half >\"\${@: -1}\"; : >'$T/half'; sleep $1; cp \"\${@: -2:1}\" \"\${@: -1}\""; }
half_done() { for _ in {1..100}; do [[ ! -e $T/half ]] || return 0; sleep 0.1; done && fail "the build never got that far"; }

no_leftovers() { equals "$(find "$T/images" -name '.build.*')$(ls "$TMPDIR")" ""; }

test_a_build_is_used_until_the_recipe_changes() {
  builder
  path
  exits 1
  built
  path
  exits 0
  equals "$stdout" "$directory"
  equals "$(jq -r '.recipe' "$directory/manifest.json")" "$(basename "$directory")"
  equals "$(jq -r '.digest' "$directory/manifest.json")" "sha256:$(sha256sum <"$directory/disk.qcow2" | cut -d ' ' -f 1)"
  build
  equals "$stdout" "$directory"
  equals "$(builds)" 1
  no_leftovers
}

test_every_part_of_the_recipe_counts() {
  local part first number=1
  builder
  built
  first="$directory"
  for part in recipe/packages recipe/customize.sh recipe/rootfs/etc/new contents.sh debianRoot.sh; do
    echo '# another' >>"$IMAGE/$part"
    path
    exits 1
    built
    number=$((number + 1))
    equals "$(builds)" "$number"
  done
  # Overlays may lie on the older ones.
  equals "$(find "$T/images" -name disk.qcow2 | wc -l)" "$number"
  [[ -s $first/disk.qcow2 ]]
  # How it is kept is no part of it.
  echo '# another' >>"$IMAGE/build.sh"
  path
  equals "$stdout" "$directory"
}

test_a_killed_build_leaves_nothing_that_is_used() {
  local signal
  builder
  slow_disk 20
  for signal in TERM KILL; do
    rm -f "$T/half"
    # In a process group of its own, to be killed with all that it has started.
    setsid "$IMAGE/build.sh" >/dev/null 2>&1 &
    half_done
    kill "-$signal" -- "-$!"
    wait "$!" || true
    path
    exits 1
    [[ $signal != TERM ]] || no_leftovers
  done
  equals "$(ls "$TMPDIR")" ""
  contains "$(find "$T/images" -name disk.qcow2)" "/.build."
  fake qemu-img 'cp "${@: -2:1}" "${@: -1}"'
  built
  no_leftovers
  equals "$(cat "$directory/disk.qcow2")" "ext4 of build 3"
}

# shellcheck disable=SC2317
clean_up() { { grep -o " $T/images/[^ ]*" /proc/self/mounts || true; } | xargs -r umount; }

test_what_a_killed_build_had_mounted_is_unmounted() {
  builder
  mkdir "$T/mounted"
  mount -t tmpfs none "$T/mounted" 2>/dev/null || skip "may not mount"
  umount "$T/mounted"
  fake mmdebstrap 'mkdir "$TMPDIR/sys" && mount -t tmpfs none "$TMPDIR/sys" && : >"$TMPDIR/sys/file" && : >'"'$T/half'"' && sleep 20'
  setsid "$IMAGE/build.sh" >/dev/null 2>&1 &
  half_done
  kill -KILL -- "-$!"
  wait "$!" || true
  contains "$(cat /proc/self/mounts)" " $T/images/.build."
  fake mmdebstrap 'for word in "$@"; do case $word in *.tar) tar -cf "$word" -T /dev/null ;; esac; done'
  built
  no_leftovers
  lacks "$(cat /proc/self/mounts)" " $T/images/"
}

test_a_narrow_umask_narrows_no_image() {
  builder
  rm -r "$T/images"
  printf '%s\n' 'mkdir "$1/made" && : >"$1/made/file"' >"$IMAGE/recipe/customize.sh"
  fake mkfs.ext4 'for word in "$@"; do case $word in */root) stat -c %a "$word/made" "$word/made/file" | paste -sd " " ;; esac; done >"${@: -1}"'
  umask 077
  built
  equals "$(stat -c %a "$T/images" "$directory" "$directory"/* | paste -sd ' ')" "755 755 644 644 644 644"
  equals "$(cat "$directory/disk.qcow2")" "755 644"
}

test_a_checkout_that_others_may_not_read_makes_the_same_image() {
  builder
  cp "$ROOT/scripts/image/recipe/customize.sh" "$IMAGE/recipe/"
  chmod -R go= "$IMAGE/recipe/rootfs"
  mkdir -p "$T/root/etc/ssh" "$T/root"/{var/lib/dbus,var/lib/systemd}
  (umask 022 && bash "$IMAGE/recipe/customize.sh" "$T/root")
  equals "$(stat -c %a "$T/root/etc/modprobe.d" "$T/root/etc/ssh/sshd_config" "$T/root/etc/acpi/PWRF/00000080" | paste -sd ' ')" "755 644 755"
}

test_a_failed_build_leaves_nothing_that_is_used() {
  builder
  fake mkfs.ext4 'echo "mkfs.ext4: no space left" >&2; exit 1'
  build
  exits 1
  equals "$stdout" ""
  contains "$stderr" "no space left"
  no_leftovers
  path
  exits 1
}

test_a_damaged_image_is_built_anew() {
  local damage number=1
  builder
  built
  for damage in 'truncate -s 3 disk.qcow2' 'rm vmlinuz' ': >initrd.img' 'rm manifest.json' 'echo "{" >manifest.json' \
    'echo "ext4 of build X" >disk.qcow2; touch -d 2030-01-01 disk.qcow2'; do
    (cd "$directory" && eval "$damage")
    path
    exits 1
    built
    number=$((number + 1))
    equals "$(cat "$directory/disk.qcow2")" "ext4 of build $number"
  done
}

test_a_copy_is_as_good_as_the_image() {
  builder
  built
  touch "$directory"/*
  build
  exits 0
  equals "$(builds)" 1
}

test_verify_reads_every_byte() {
  builder
  build --verify
  exits 1
  contains "$stderr" "is missing or incomplete"
  built
  build --verify
  exits 0
  local time
  time="$(stat -c @%Y "$directory/vmlinuz")"
  echo KERNEL >"$directory/vmlinuz"
  touch -d "$time" "$directory/vmlinuz"
  build --verify
  exits 1
  contains "$stderr" "vmlinuz: FAILED"
  contains "$stderr" "scripts/lab image --force"
}

test_two_builds_at_once_are_one() {
  builder
  slow_disk 1
  "$IMAGE/build.sh" >"$T/first" 2>/dev/null &
  half_done
  build
  wait "$!"
  exits 0
  contains "$stderr" "another build is running"
  equals "$stdout" "$(cat "$T/first")"
  equals "$(builds)" 1
}

test_force_builds_anew() {
  builder
  built
  build --force
  exits 0
  equals "$stdout" "$directory"
  equals "$(cat "$directory/disk.qcow2")" "ext4 of build 2"
  no_leftovers
}

test_no_other_disk_is_put_under_guests() {
  builder
  built
  mkdir "$LVS_DR_DOMAINS_DIR"
  echo "<kernel>$directory/vmlinuz</kernel>" >"$LVS_DR_DOMAINS_DIR/lvs-dr-dev-rs1.xml"
  echo "<kernel>/elsewhere/vmlinuz</kernel>" >"$LVS_DR_DOMAINS_DIR/other.xml"
  build --force
  exits 1
  contains "$stderr" "guests lie on the image in $directory: lvs-dr-dev-rs1. First take them down"
  build
  exits 0
  rm "$directory/initrd.img"
  build
  exits 1
  contains "$stderr" "which is missing or damaged: lvs-dr-dev-rs1."
  equals "$(builds)" 1
  rm "$LVS_DR_DOMAINS_DIR/lvs-dr-dev-rs1.xml"
  built
}

test_the_tests_images_are_built_alike() {
  local script first
  builder
  ln -s "$(PATH=/usr/bin:/bin command -v dd)" "$BIN/dd"
  mkdir -p "$T/project/test/lab" "$T/project/test/services" "$T/system"/{etc/ssh,boot/grub,usr/lib/grub/i386-pc,var/lib/dbus}
  cp -R "$ROOT/test/lab/cloudImage" "$T/project/test/lab/"
  cp -R "$ROOT/test/services/rootfs" "$T/project/test/services/"
  truncate -s 512 "$T/system/usr/lib/grub/i386-pc/boot.img"
  fake mkfs.ext4 ''
  fake chroot ': >"$1/boot/grub/core.img"'
  fake mmdebstrap 'mktemp -d >/dev/null; for word in "$@"; do case $word in *.tar) tar -C "'"$T/system"'" -cf "$word" . ;; esac; done'
  umask 077
  for script in lab/cloudImage services/rootfs; do
    rm -rf "$T/images"
    : >"$CALLS"
    run "$T/project/test/$script/build.sh"
    exits 0
    first="$stdout"
    [[ -e $first ]]
    equals "$(stat -c %a "$T/images" "$(dirname "$first")" | paste -sd ' ')" "755 755"
    run "$T/project/test/$script/build.sh"
    equals "$stdout" "$first"
    equals "$(builds)" 1
    equals "$(find "$T/images" -name '.[cs]*')$(ls "$TMPDIR")" ""
  done
}

test_further_packages_make_an_image_of_their_own() {
  local plain
  builder
  # What customizePackages.sh asks of the packages.
  printf 'mkdir -p "$1/etc/systemd/system/multi-user.target.wants" && cd "$1/etc/systemd/system/multi-user.target.wants" && ln -s x ssh.service && ln -s x vsftpd.service\n' \
    >"$IMAGE/recipe/customize.sh"
  fake dpkg-query 'case "$*" in *-S*vsftpd.service*) echo "vsftpd: x" ;; *-S*) echo "openssh-server: x" ;; *) echo "vsftpd 3.0" ;; esac'
  fake mkfs.ext4 'root=${*: -2:1}; echo "$(ls "$root"/etc/systemd/system/*.wants | paste -sd " ")" >"${@: -1}"'
  built
  plain="$directory"
  build vsftpd slapd
  exits 0
  [[ $stdout != "$plain" ]] || fail "it is the same image"
  directory="$stdout"
  equals "$(cat "$directory/disk.qcow2")" "ssh.service"
  equals "$(cat "$plain/disk.qcow2")" "ssh.service vsftpd.service"
  equals "$(jq -r '.recipe' "$directory/manifest.json")" "$(basename "$directory")"
  contains "$(grep ^mmdebstrap "$CALLS" | tail -n 1)" ",vsftpd,slapd"
  # Their order, and one that is named twice, make no difference.
  build slapd vsftpd slapd
  equals "$stdout" "$directory"
  equals "$(builds)" 2
  run "$IMAGE/path.sh" slapd vsftpd
  equals "$stdout" "$directory"
  path
  equals "$stdout" "$plain"
  run "$IMAGE/path.sh" vsftpd
  contains "$stderr" "run scripts/lab image vsftpd"
  build 'vsftpd=3.0'
  exits 1
  contains "$stderr" "'vsftpd=3.0' is not the name of a Debian package"
}
