# shellcheck shell=bash
# shellcheck disable=SC2154 # status, stdout and stderr are set by run (lib.sh)
# scripts/host/facts.sh: always one JSON object, whatever the host lacks.

# shellcheck disable=SC2034
facts() {
  run "$ROOT/scripts/host/facts.sh"
  exits 0
  equals "$(jq -s length <<<"$stdout")" 1
}
fact() { jq -c "$1" <<<"$stdout"; }

test_without_virsh() {
  rm "$BIN/virsh"
  facts
  equals "$(fact .libvirt.error)" '"virsh is not installed"'
  equals "$(fact '.libvirt | has("domains")')" false
  # Nothing runs libvirtd: the lab's networks will be in a namespace of their own, where there is nothing yet.
  equals "$(fact '[.interfaces, .routes, .bridgeNetfilter]')" "[[],[],false]"
}

test_what_libvirt_has() {
  # shellcheck disable=SC2016
  fake virsh 'case "$*" in
    *" uri") echo qemu:///system && exit ;;
    *"@network"*) printf "@domain\na\nodd \"name\"\n\n@network\nn\n@pool\np   \n@activepool\np   \n@version\nUsing library: libvirt 9.0.0\nRunning hypervisor: QEMU 7.2.22\n" ;;
    *"desc "*) printf "@a\nlvs-dr dev: realServer rs1\n@odd \"name\"\nNo title for domain: odd \"name\"\n" ;;
    *net-dumpxml*) printf "@n\n<network>\n  <bridge name=\047br-n\047/>\n</network>\n" ;;
    *pool-dumpxml*) printf "@p\n<pool/>\n" ;;
  esac
  echo @end'
  facts
  equals "$(fact .libvirt.domains)" '[{"name":"a","owner":"lvs-dr/dev"},{"name":"odd \"name\"","owner":null}]'
  equals "$(fact '.libvirt | [.networks, .pools, .activePools]')" "[\"@n\\n<network>\\n  <bridge name='br-n'/>\\n</network>\",\"@p\\n<pool/>\",\"p\"]"
  equals "$(fact .versions)" '{"libvirt":"9.0.0","qemu":"7.2.22"}'
  equals "$(fact '[.libvirt.error, .libvirt.missingDirectory]')" '[null,null]'
  rm -r "$LVS_DR_DNSMASQ_DIR"
  facts
  equals "$(fact .libvirt.missingDirectory)" "\"$LVS_DR_DNSMASQ_DIR\""
  # Of another host nothing but what its libvirt tells is known.
  LVS_DR_LIBVIRT_URI=qemu+ssh://far/system facts
  equals "$(fact .libvirt.missingDirectory)" null
}

test_a_private_key() {
  local kind
  # The real one judges; see lib.sh for the others.
  rm "$BIN/ssh-keygen" && ln -s "$(PATH=/usr/bin:/bin command -v ssh-keygen)" "$BIN/ssh-keygen"
  ssh-keygen -q -t ed25519 -N "" -f "$T/private" && ssh-keygen -q -t ed25519 -N secret -f "$T/encrypted"
  mv "$T/private.pub" "$T/public" && echo text >"$T/other" && chmod 0644 "$T/public" "$T/other"
  for kind in private encrypted public other missing; do
    LVS_DR_PRIVATE_KEY="$T/$kind" facts
    equals "$(fact .privateKey.kind)" "\"$kind\""
  done
  chmod 0644 "$T/private"
  LVS_DR_PRIVATE_KEY="$T/private" facts
  equals "$(fact .privateKey)" "{\"path\":\"$T/private\",\"kind\":\"private\",\"mode\":\"0644\"}"
}

test_nothing_is_not_the_same_as_no_answer() {
  fake virsh 'case "$*" in *" uri") ;; *) echo @end ;; esac'
  facts
  equals "$(fact '.libvirt | [.error, .domains, .networks, .pools]')" '[null,[],"",""]'
  # It breaks off when it comes to the networks' descriptions.
  # shellcheck disable=SC2016
  fake virsh 'case "$*" in
    *" uri") ;;
    *@version*) printf "@domain\na\n@network\nn\n@pool\n@end\n" ;;
    *dumpxml*) printf "@n\n<network>\n"; exit 1 ;;
    *) printf "@a\n\n@end\n" ;;
  esac'
  facts
  equals "$(fact '.libvirt | [.error, .domains, .networks, .pools]')" '[null,[{"name":"a","owner":null}],null,""]'
  # It answers, and then lists half of what it has.
  fake virsh 'case "$*" in *" uri") ;; *) printf "@domain\na\n"; exit 1 ;; esac'
  facts
  equals "$(fact '.libvirt | [.error, .domains, .networks]')" '["it did not list what it has within 10 s",null,null]'
  # Nothing may be concluded from a namespace that nobody may look into, either.
  rm "$BIN/ip" && fake ip 'exit 1'
  facts
  equals "$(fact '[.interfaces, .routes]')" '[null,null]'
}

test_a_stopped_libvirt_and_what_starts_it() {
  fake virsh 'echo "error: Failed to connect socket" >&2; exit 1'
  facts
  equals "$(fact '.libvirt | [.error, .start, .networks]')" '["Failed to connect socket","scripts/host/prepare.sh daemons",null]'
  mkdir "$LVS_DR_SYSTEMD_DIR"
  facts
  contains "$(fact .libvirt.start)" "systemctl enable --now libvirtd"
  LVS_DR_LIBVIRT_URI=qemu+ssh://far/system facts
  equals "$(fact .libvirt.start)" null
}

test_the_image_that_is_not_built() {
  facts
  contains "$(fact .missingImage)" "\"$LVS_DR_IMAGE_ROOT/"
  local directory
  directory="$(fact .missingImage)"
  directory="${directory//\"/}"
  mkdir -p "$directory"
  touch -d @1 "$directory"/{disk.qcow2,vmlinuz,initrd.img}
  jq -n '[{key: ("disk.qcow2", "vmlinuz", "initrd.img"), value: {size: 0, mtime: 1, sha256: ""}}] | {files: from_entries}' \
    >"$directory/manifest.json"
  facts
  equals "$(fact .missingImage)" null
}

test_a_denied_user() {
  fake virsh 'echo "error: Permission denied" >&2; exit 1'
  mkdir "$LVS_DR_SYSTEMD_DIR"
  facts
  equals "$(fact .libvirt.error)" '"Permission denied"'
}

test_numbers() {
  facts
  equals "$(fact '.memory.availableMiB > 0 and .disk.availableMiB >= 0')" true
}

test_any_text_is_json() {
  local code char text
  for code in {1..127}; do
    printf -v char '%b' "\\x$(printf '%02x' "$code")"
    text+="$char"
  done
  for text in "$text" plain 'a "quoted\\ name' "ä€"; do
    # shellcheck disable=SC2016 # the inner shell expands it
    run bash -c 'source "$1" && json_string "$2"' - "$ROOT/scripts/host/lib.sh" "$text"
    equals "$(jq -j . <<<"$stdout")" "$text"
  done
}
