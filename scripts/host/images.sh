# shellcheck shell=bash disable=SC2153
# Which images a command needs, and how they are built. Sourced by scripts/lab, whose ROOT, HOST, STACK, OWN_IMAGE and PACKAGES these are.

image_is_built() { "$ROOT/scripts/image/path.sh" "${PACKAGES[@]}" >/dev/null 2>&1; }

# build_machines [SUITE NAME…]: the disks of the machines that examples/existing.yaml is tried on, where it is among the named.
build_machines() {
  local release
  (($# == 1)) || [[ " $* " == *" existing "* ]] || return 0
  for release in bookworm trixie; do as_root "$ROOT/test/lab/machines/build.sh" "$release" >/dev/null; done
}

# find_image_source ARGUMENT…: the project's own image is built only for a stack that boots from it, with the packages of its
# workloads. Where it is not there yet, the program is asked: it refuses a configuration that cannot work before anything is
# installed or built for it.
find_image_source() {
  local source file
  file="$(option_of config-file - "$ROOT/Pulumi.$STACK.yaml" up "$@")"
  if [[ -n $OWN_IMAGE ]] || { image_is_built && ! needs_packages "$file"; }; then return 0; fi
  source="$(program image-source "$@")" || exit 1
  read -ra PACKAGES <<<"$source"
  [[ ${PACKAGES[0]} != own ]] || OWN_IMAGE=yes
  PACKAGES=("${PACKAGES[@]:1}")
}

# needs_packages FILE: its stack's image may have some beside its own.
needs_packages() { grep -qsE "packages|pacemaker" "$1"; }

# has_fencing: the image's directors ask the host to power one another off.
has_fencing() { [[ " ${PACKAGES[*]} " == *" fence-virt "* ]]; }

# build_images SUITE [NAME…]: of the stacks that it builds, where those have packages of their own.
build_images() {
  local file name files=()
  if [[ $1 == operations ]]; then
    files=("$ROOT/test/lab/operations/stack.yaml")
  else
    for name in "${@:2}"; do files+=("$ROOT/examples/$name.yaml"); done
    ((${#files[@]} > 0)) || files=("$ROOT"/examples/*.yaml)
  fi
  for file in "${files[@]}"; do
    needs_packages "$file" || continue
    find_image_source --stack images --config-file "$file"
    ! has_fencing || "$HOST/prepare.sh" packages fencing
    build_image
    PACKAGES=()
  done
}

# build_image: as root, since the guests' files belong to root. At once when it is there.
build_image() { [[ -n $OWN_IMAGE ]] || image_is_built || as_root "$ROOT/scripts/image/build.sh" "${PACKAGES[@]}" >/dev/null; }
