# shellcheck shell=bash
# The guest image by itself, under plain QEMU: what must be in it, how it boots, and at what cost (image.sh). That a broken
# one is never used is shown by imageBuild.test.sh.

test_the_image_boots_holds_what_the_lab_needs_reboots_and_powers_off() {
  # The real host's commands and image, not those of the made-up one.
  local host=(env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$T/home" TMPDIR="${TMPDIR:-/tmp}")
  "${host[@]}" "$ROOT/scripts/image/path.sh" >/dev/null 2>&1 || skip "no guest image yet: scripts/lab image"
  "${host[@]}" bash "$ROOT/test/shell/image.sh"
}
