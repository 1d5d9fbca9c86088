# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/director.sh: what it refuses before anything is changed, in which order it changes, and the unit's reload.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

# director SCRIPT [SETTING=VALUE...]
director() { guest "common.sh pages.sh files.sh directorFiles.sh alerts.sh declaredVips.sh keepalived.sh holders/fixed.sh planes/static.sh planes/ldirectord.sh planes/keepalived.sh director.sh" "$@"; }

# The steps of role_start that touch the guest, each by its name.
readonly STEPS='
step() { eval "$1() { echo \"$1 \${*:1:1}\" | sed \"s/ *\$//\"; }"; }
for name in load_ipvs table_unit sysctls serve_pages add_vips drop_vips declare_vips daemon_unit alerts_unit reload_units systemctl; do step "$name"; done
table() { if [[ $1 == rules ]]; then echo "-A x"; else echo "table $1"; fi; }
'

test_a_refused_configuration_touches_nothing() {
  fake ldirectord 'echo "Error [1] reading file $2 at line 1: Unknown command" >&2; exit 1'
  director "$STEPS"'role_start' LVS_LDIRECTORD_CF="frobnicate=yes" LVS_DRY_RUN="$(lines '#!/bin/bash' 'echo "Unknown command" >&2; exit 2')" LVS_DRY_RUN_MODULE=x
  exits 1
  equals "$stdout" ""
  contains "$stderr" "ldirectord refuses the new configuration, the old one still serves: Unknown command"
  [[ ! -e $T/guest/etc/ha.d/ldirectord.cf && ! -e $T/guest/etc/lvs-dr/ipvs.rules ]] || fail "something was written"
}

# accepted CF [SCRIPT]: role_start with a dry run that counts and accepts all.
accepted() {
  local dry
  dry="$(lines '#!/bin/bash' "cat >>'$T/read'; echo '-A x'")"
  director "$STEPS${2:-}"'role_start' LVS_LDIRECTORD_CF="$1" LVS_DRY_RUN="$dry" LVS_DRY_RUN_MODULE=x
}

test_a_leaving_vip_goes_and_the_rules_are_written_when_all_is_done() {
  mkdir -p "$T/guest/etc/ha.d"
  fake_ipvsadm
  fill "-A -t 10.0.0.100:80 -s wrr"
  accepted "virtual=new"
  exits 0
  equals "$stdout" "$(lines "load_ipvs -A x" table_unit "sysctls net.ipv4.vs.expire_nodest_conn=1" "table prefill" "add_vips eth0" daemon_unit alerts_unit "table drain" \
    reload_units "systemctl is-active" "systemctl restart" "systemctl is-active" "table settle" "drop_vips eth0" declare_vips)"
  equals "$(cat "$T/guest/etc/lvs-dr/ipvs.rules")" "-A x"
  # The daemon runs with what it has now, and is not started again.
  touch "$T/guest/run/lvs-dr-started"
  accepted "virtual=newest"
  contains "$stdout" "systemctl reload"
  lacks "$stdout" restart
  accepted "virtual=newer" 'table() { [[ $1 != settle ]] || die "it differs"; }; drop_vips() { echo dropped; }; '
  exits 1
  lacks "$stdout" dropped
}

test_the_other_control_plane_leaves_before_the_chosen_one_runs() {
  fake_ipvsadm
  director "$STEPS"'role_start; echo "${ROLE_NEEDS[*]}"' LVS_MODE=static
  exits 0
  contains "$stdout" "$(lines "add_vips eth0" "systemctl -q" "table drain" "drop_vips eth0")"
  lacks "$stdout" ldirectord:ldirectord
}

test_what_was_read_before_is_not_read_again() {
  mkdir -p "$T/guest/etc/ha.d"
  fake_ipvsadm
  accepted "virtual=one"
  accepted "virtual=two"
  equals "$(cat "$T/read")" "virtual=onevirtual=two"
  # Back, after a failure; and validated by `install` a moment ago.
  accepted "virtual=one"
  accepted "virtual=one"
  accepted "virtual=three" 'put() { cat >/dev/null; return 2; }; '
  exits 1
  equals "$(cat "$T/read")" "virtual=onevirtual=twovirtual=three"
}

# reload FILE_TEXT: the lines of the unit's reload, as systemd runs them, but for what concerns the daemon's process.
reload() {
  local line
  director 'unit() { cat; }; systemctl() { :; }; ln() { :; }; daemon_unit; dry_run_installed' \
    LVS_DRY_RUN="$(cat "$ROOT/scripts/host/ldirectord-dry-run.sh")" LVS_DRY_RUN_MODULE="$(cat "$ROOT/scripts/host/ldirectord-dry-run/DryRun.pm")"
  exits 0
  mkdir -p "$T/guest/etc/ha.d"
  printf '%s' "$1" >"$T/guest/etc/ha.d/ldirectord.cf"
  status=0
  while IFS= read -r line; do
    (PATH=/usr/sbin:/usr/bin:/sbin:/bin && eval "${line//\/run /$T/guest/run }") 2>"$T/stderr" || { status=1 && break; }
  done < <(sed -n 's/^ExecReload=//p' <<<"$stdout" | grep -v MAINPID)
}

good() { lines "checktimeout=3" "fork=yes" "virtual=10.0.0.100:80" "    real=192.168.7.10:80 gate ${1:-1}" "    scheduler=${2:-wrr}" "    protocol=tcp"; }

test_a_reload_refuses_what_ldirectord_or_ipvsadm_would_not_take() {
  local bad
  [[ -x /usr/sbin/ldirectord ]] || skip "ldirectord is not installed"
  reload "$(good)"
  equals "$status" 0
  for bad in "" "frobnicate=yes"$'\n'"$(good)" "$(good 70000)" "$(good 1 none)" "$(good)"$'\n'"$(good)"; do
    reload "$bad"
    equals "$status" 1
  done
}

test_a_reload_of_what_the_lab_has_read_is_not_read_again() {
  mkdir -p "$T/guest/run/lvs-dr"
  printf 'virtual=nonsense' >"$T/guest/run/lvs-dr/ldirectord.cf"
  reload 'virtual=nonsense'
  equals "$status" 0
}

# looks TABLE [SETTING=VALUE...]: what a look at a table finds where that one is restored at boot.
looks() {
  mkdir -p "$T/guest/etc/lvs-dr"
  lines "-A $KEY -s wrr" "-a $KEY -r 192.168.7.10:80 -g -w 1" >"$T/guest/etc/lvs-dr/ipvs.rules"
  : >"$T/table"
  fill "-A $KEY -s wrr" "$1"
  director 'table() { printf "weight-differs\t\tx\tcompared\n== table\n" && ipvsadm -Sn; }; look_at_table; report || true; role_details' LVS_CONFIG_HASH=x LVS_TABLE="$(expected "service|$KEY|-s wrr|0|" \
    "server|$KEY|rs1|192.168.7.10:80|1|${2:-}")"
}

test_a_table_that_is_as_expected_is_not_compared() {
  local KEY="-t 10.0.0.100:80" rs1="-a -t 10.0.0.100:80 -r 192.168.7.10:80 -g -w"
  fake_ipvsadm
  looks "$rs1 1"
  lacks "$stdout" compared
  contains "$stdout" "$(lines "== ipvsadm-save" "-A $KEY -s wrr" "$rs1 1" "== ipvsadm-list")"
  looks "$rs1 2"
  contains "$stdout" "$(printf 'problem=weight-differs\t\tx\tcompared')"
  contains "$stdout" "$(lines "== ipvsadm-save" "-A $KEY -s wrr" "$rs1 2" "== ipvsadm-list")"
  # Of thresholds the table's text says nothing.
  looks "$rs1 1" "10 5"
  contains "$stdout" compared
}

test_marks_are_loaded_before_the_vip_is_there_and_once() {
  fake nft 'case "$*" in *list*) cat "$T/loaded" ;; *-f*) cp "${@: -1}" "$T/loaded"; echo "marks loaded" ;; esac'
  fake_ipvsadm
  director "$STEPS"'role_start' LVS_MODE=static LVS_MARKS="table inet lvs_dr {}"
  exits 0
  contains "$stdout" "$(lines "table prefill" "marks loaded" "add_vips eth0")"
  director "$STEPS"'role_start' LVS_MODE=static LVS_MARKS="table inet lvs_dr {}"
  contains "$stdout" "$(lines "table prefill" "add_vips eth0")"
  lacks "$stdout" "marks loaded"
  contains "$(cat "$T/guest/etc/systemd/system/nftables.service.d/lvs-dr.conf")" "marks.nft) | "
  # Somebody has flushed them.
  echo other >"$T/loaded"
  director "$STEPS"'look_at_table() { :; }; role_check; printf "%s\n" "${PROBLEMS[@]}"' LVS_MODE=static LVS_MARKS="table inet lvs_dr {}"
  contains "$stdout" "marks-differ"
  director "$STEPS"'role_start' LVS_MODE=static LVS_MARKS="table inet lvs_dr {}"
  contains "$stdout" "$(lines "table prefill" "marks loaded" "add_vips eth0")"
  # No group is left.
  director "$STEPS"'role_start' LVS_MODE=static
  [[ ! -e $T/guest/etc/lvs-dr/marks.nft && ! -e $T/guest/etc/systemd/system/nftables.service.d/lvs-dr.conf ]] || fail "marks are left"
}

# boot_unit [SETTING=VALUE...]: the unit that fills the kernel at boot.
boot_unit() {
  director 'unit() { cat; }; table_unit' "$@"
  exits 0
  stdout=${stdout//"$T/guest"/}
}

test_marks_and_table_are_loaded_at_boot_before_the_network() {
  local kind
  boot_unit LVS_MARKS="table inet lvs_dr {}"
  # It must not wait for what itself comes after the network, and a failed command ends it: the order of the two is that of the text.
  for kind in DefaultDependencies=no "Before=network-pre.target systemd-networkd.service" Wants=network-pre.target Type=oneshot; do
    contains $'\n'"$stdout"$'\n' $'\n'"$kind"$'\n'
  done
  lacks "$(grep ^After= <<<"$stdout")" network
  equals "$(grep ^ExecStart= <<<"$stdout")" "$(lines \
    "ExecStart=/bin/sh -c 'modprobe ip_vs && ipvsadm -R </etc/lvs-dr/ipvs.rules'" \
    "ExecStart=/usr/sbin/nft -f /etc/lvs-dr/marks.nft")"
  boot_unit
  lacks "$stdout" nft
}
