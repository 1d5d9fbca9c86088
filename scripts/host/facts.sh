#!/usr/bin/env bash
# Prints what validation must know of this host, as one JSON object on stdout. Reads only, never fails, takes well
# under a second. What could not be asked or read (no root, no libvirt) is null or left out: an empty list means that
# there is none.
#
#   interfaces       of the network namespace where the lab's networks are or will be, as are routes and forwardPolicy; as `ip -j address` prints it
#   routes           as `ip -j -4 route` prints it
#   libvirt          error: null, or why libvirt does not answer, and start: the command that starts it;
#                    qemuUser: who QEMU runs as; domains: name, owner ("PROJECT/STACK" by its title, null where it has none such);
#                    networks, pools: the XML of each below a line "@NAME", as one text; activePools: their names, a line each;
#                    missingDirectory: one that it needs for its networks
#   memory           availableMiB
#   disk             path, availableMiB: where the images are
#   bridgeNetfilter  frames between bridge ports pass iptables
#   forwardPolicy    iptables' FORWARD policy ("DROP" where Docker runs), null where not root
#   kvm              /dev/kvm exists (which proves nothing)
#   kvmProbe         "works" or "fails" under KVM when accelerator.sh has tried; else null
#   versions         of libvirt and qemu
#   missingImage     where the project's own guest image (with the packages LVS_DR_IMAGE_PACKAGES) would be, if it is not built
#   image            only with LVS_DR_IMAGE=PATH (and LVS_DR_IMAGE_SHA256, any text, where its digest is wanted): the
#                    user's own image
#   privateKey       only with LVS_DR_PRIVATE_KEY=PATH: the user's key for another libvirt host
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"

readonly LIST_DEADLINE=10

# ask_virsh SCRIPT: what virsh answers to these commands, in one connection. Fails where it could not ask them all,
# which is not the same as an empty answer. Not quietly (-q): its `echo` would leave out the newline.
ask_virsh() {
  local answer
  answer="$(timeout -k 1 "$LIST_DEADLINE" virsh -c "$LIBVIRT_URI" "$1 echo @end" 2>/dev/null </dev/null)" || true
  [[ $'\n'$answer == *$'\n@end' ]] || return 1
  printf '%s\n' "${answer%@end}"
}

# libvirt_names: lines "KIND NAME" of all that is there; of `version`, its whole output. `pool-list` pads its names.
libvirt_names() {
  ask_virsh 'echo @domain; list --all --name; echo @network; net-list --all --name; echo @pool; pool-list --all --name; echo @activepool; pool-list --name; echo @version; version;' |
    awk '/^@/ { kind = substr($0, 2); next } { sub(/ +$/, "") } NF { print kind, $0 }'
}

# nullable TEXT: a JSON string, or null when empty.
nullable() { if [[ -n $1 ]]; then json_string "$1"; else printf null; fi; }

# ask_about KIND NAMES COMMAND OPTION…: what COMMAND says of each thing of that KIND, under a line "@NAME".
ask_about() {
  local name script=""
  while IFS= read -r name; do
    [[ -z $name || $name == *\'* ]] || script+="echo '@$name'; $3 '$name' ${*:4}; "
  done < <(sed -n "s/^$1 //p" <<<"$2")
  [[ -z $script ]] || ask_virsh "$script"
}

# described KIND NAMES COMMAND: the answers, XML under a line "@NAME" each, as one JSON string.
described() {
  local answer
  if answer="$(ask_about "$@")"; then json_string "$answer"; else printf null; fi
}

# domains NAMES: each with its owner, whom the title names that the project gives its guests.
domains() {
  local answer name owner separator=""
  answer="$(ask_about domain "$1" desc --title)" || { printf null && return 0; }
  printf '['
  while IFS=$'\x1f' read -r name owner; do
    printf '%s{"name":%s,"owner":%s}' "$separator" "$(json_string "$name")" "$(nullable "$owner")"
    separator=","
  done < <(awk '
    function flush() { if (name != "") print name "\037" owner; name = "" }
    /^@/ { flush(); name = substr($0, 2); owner = ""; next }
    # "lvs-dr dev: realServer rs1"; "No title for domain: NAME" has more words before its colon.
    $2 ~ /:$/ && NF == 4 { owner = $1 "/" substr($2, 1, length($2) - 1) }
    END { flush() }' <<<"$answer")
  printf ']'
}

# qemu_user: as qemu.conf says where we may read it, else as the distribution has it.
qemu_user() {
  local user
  user="$(sed -n 's/^ *user *= *"\{0,1\}+\{0,1\}\([^"]*\)"\{0,1\} *$/\1/p' /etc/libvirt/qemu.conf 2>/dev/null | tail -n 1)" || true
  if [[ -n $user ]]; then echo "$user"; else getent passwd libvirt-qemu qemu | head -n 1 | cut -d : -f 1 || true; fi
}

# missing_directory: of a libvirt on this host.
missing_directory() { [[ $LIBVIRT_URI == *+ssh://* || -d $DNSMASQ_DIR ]] || echo "$DNSMASQ_DIR"; }

# libvirt_json ERROR NAMES
libvirt_json() {
  local start=""
  if [[ -n $1 ]]; then
    [[ $LIBVIRT_URI == *+ssh://* ]] || ! have virsh || start="$(libvirt_start_command)"
    printf '{"error":%s,"start":%s}' "$(json_string "$1")" "$(nullable "$start")"
    return 0
  fi
  printf '{"error":null,"qemuUser":%s,"domains":%s,"networks":%s,"pools":%s,"activePools":%s,"missingDirectory":%s}' \
    "$(nullable "$(qemu_user)")" "$(domains "$2")" "$(described network "$2" net-dumpxml)" "$(described pool "$2" pool-dumpxml)" \
    "$(json_string "$(sed -n 's/^activepool //p' <<<"$2")")" "$(nullable "$(missing_directory)")"
}

# version_of HEADING NAMES: out of what `virsh version` says.
version_of() { sed -n "s/^version $1 //p" <<<"$2" | head -n 1; }

kvm_probe() {
  [[ -e $KVM_DEVICE ]] && have qemu-system-x86_64 || return 0
  case "$("$HERE/accelerator.sh" --cached 2>/dev/null)" in kvm) echo works ;; qemu) echo fails ;; esac
}

# ip_json NAMESPACE ARGUMENTS…: `ip -j`, in the namespace where that is not ours; [] where it does not exist yet, null
# where it may not be entered.
ip_json() {
  local command=(ip)
  case "$1" in
    here) ;;
    planned) printf '[]' && return 0 ;;
    *) command+=(-n "$1") ;;
  esac
  "${command[@]}" -j "${@:2}" 2>/dev/null || printf null
}

forward_policy() {
  local command=(iptables -w 1 -S FORWARD)
  case "$1" in
    here) ;;
    planned) return 0 ;;
    *) command=(ip netns exec "$1" "${command[@]}") ;;
  esac
  is_root && have iptables || return 0
  timeout -k 1 2 "${command[@]}" 2>/dev/null | sed -n 's/^-P FORWARD //p' || true
}

# missing_image: where the project's own would be, if it is not built.
missing_image() {
  local packages
  read -ra packages <<<"${LVS_DR_IMAGE_PACKAGES:-}"
  "$HERE/../image/path.sh" "${packages[@]}" >/dev/null 2>&1 ||
    bash -c '. "$1/../image/lib.sh" && image_directory "${@:2}"' - "$HERE" "${packages[@]}"
}

# image_json PATH SHA256: what is at the user's own image's PATH. It is read through only where a SHA256 is to be compared.
image_json() {
  local path="$1" kind=missing format="" sha256="" blocked=""
  if [[ -f $path ]]; then kind="file"; elif [[ -d $path ]]; then kind=directory; elif [[ -e $path ]]; then kind=other; fi
  if [[ $kind == file ]]; then
    # Without a lock (-U): a guest may be using it.
    have qemu-img && format="$(qemu-img info -U --output=json "$path" 2>/dev/null | sed -n 's/^    "format": "\(.*\)",*$/\1/p')"
    [[ -z $2 ]] || sha256="$(sha256sum <"$path" 2>/dev/null | cut -d ' ' -f 1)" || true
    blocked="$(untraversable "$path" "$(qemu_user)")"
  fi
  printf '{"path":%s,"kind":"%s","format":%s,"sha256":%s,"untraversable":%s}' \
    "$(json_string "$path")" "$kind" "$(nullable "$format")" "$(nullable "$sha256")" "$(nullable "$blocked")"
}

# untraversable PATH USER: the first directory on the way to PATH that USER may not enter; nothing where we cannot try.
untraversable() {
  local directory parts=() user="$2"
  is_root && [[ -n $user ]] && have setpriv || return 0
  directory="$(dirname "$(realpath "$1")")"
  while [[ $directory != / ]]; do
    parts=("$directory" "${parts[@]}")
    directory="$(dirname "$directory")"
  done
  for directory in "${parts[@]}"; do
    setpriv --reuid="$user" --clear-groups -- test -x "$directory" 2>/dev/null || { echo "$directory" && return 0; }
  done
}

# private_key_json PATH: what is there, as far as ssh could use it unattended.
private_key_json() {
  local path="$1" kind=other mode=""
  if [[ ! -e $path ]]; then
    kind=missing
  elif [[ -f $path ]]; then
    mode="$(stat -L -c %04a "$path")"
    # Through a pipe: of a file that others can read, ssh-keygen would say only that.
    # shellcheck disable=SC2002
    if cat "$path" 2>/dev/null | ssh-keygen -y -P "" -f /dev/stdin >/dev/null 2>&1; then
      kind=private
    elif grep -qs -e '-----BEGIN .*PRIVATE KEY-----' "$path"; then
      kind=encrypted
    elif ssh-keygen -l -f "$path" >/dev/null 2>&1; then
      kind=public
    fi
  fi
  printf '{"path":%s,"kind":"%s","mode":%s}' "$(json_string "$path")" "$kind" "$(nullable "$mode")"
}

existing_parent() {
  local path="$1"
  until [[ -e $path ]]; do path="$(dirname "$path")"; done
  echo "$path"
}

main() {
  local where bridge_netfilter=null kvm=false available disk error names=""
  where="$(lab_namespace 2>/dev/null)" || where=here
  case "$where" in none) where=here ;; lost) where=planned ;; esac
  # We may have been started inside it. A namespace of ours has the switch turned off, whatever the host's says (daemons.sh).
  if [[ $where != here || "$(netns_of self)" == "$(netns_inode)" ]]; then
    bridge_netfilter=false
  elif [[ -r /proc/sys/net/bridge/bridge-nf-call-iptables ]]; then
    bridge_netfilter=false
    [[ "$(cat /proc/sys/net/bridge/bridge-nf-call-iptables)" == 0 ]] || bridge_netfilter=true
  fi
  [[ ! -e $KVM_DEVICE ]] || kvm=true
  available="$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)" || available=""
  disk="$(df -P -k "$(existing_parent "$IMAGE_ROOT")" 2>/dev/null | awk 'END { print int($4 / 1024) }')" || disk=""
  error="$(libvirt_error)"
  [[ -n $error ]] || names="$(libvirt_names)" || error="it did not list what it has within $LIST_DEADLINE s"
  printf '{"interfaces":%s,"routes":%s,"libvirt":%s,"memory":{"availableMiB":%s},"disk":{"path":%s,"availableMiB":%s},"bridgeNetfilter":%s,"forwardPolicy":%s,"kvm":%s,"kvmProbe":%s,"versions":{"libvirt":%s,"qemu":%s},"missingImage":%s%s%s}\n' \
    "$(ip_json "$where" address)" "$(ip_json "$where" -4 route)" "$(libvirt_json "$error" "$names")" \
    "${available:-null}" "$(json_string "$IMAGE_ROOT")" "${disk:-null}" \
    "$bridge_netfilter" "$(nullable "$(forward_policy "$where")")" "$kvm" \
    "$(nullable "$(kvm_probe)")" "$(nullable "$(version_of "Using library: libvirt" "$names")")" \
    "$(nullable "$(version_of "Running hypervisor: QEMU" "$names")")" "$(nullable "$(missing_image)")" \
    "${LVS_DR_IMAGE:+,\"image\":$(image_json "$LVS_DR_IMAGE" "${LVS_DR_IMAGE_SHA256:-}")}" \
    "${LVS_DR_PRIVATE_KEY:+,\"privateKey\":$(private_key_json "$LVS_DR_PRIVATE_KEY")}"
}
main "$@"
