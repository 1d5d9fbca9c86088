# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# scripts/guest/holders/pacemaker.sh: one of two directors in a cluster, what it tells that, and whom it has powered off.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

readonly PROPERTIES='      <cluster_property_set id="lvs-dr">
        <nvpair id="a" name="stonith-enabled" value="true"/>
      </cluster_property_set>'
readonly RESOURCES='    <resources>
      <group id="vips"/>
    </resources>'
readonly CONSTRAINTS='    <constraints>
      <rsc_location id="vips-router"/>
    </constraints>'

# holder SCRIPT [SETTING=VALUE...]
holder() {
  fake_director
  fake cibadmin 'if [[ $1 == --query ]]; then [[ -e $T/cib ]] && cat "$T/cib"; else cat >"$T/replaced"; fi'
  fake crm_node 'echo 1'
  [[ -e $BIN/fence_virt ]] || fake fence_virt '[[ ! -e $T/silent ]]'
  fake crm_resource 'echo "crm_resource $*"; sed -i "s/start/stop/" "$T/cib"'
  export T
  mkdir -p "$T"/guest/usr/{sbin,local/lib/lvs-dr}
  guest "common.sh files.sh directorFiles.sh declaredVips.sh keepalived.sh holders/sync.sh holders/pacemaker.sh" "TABLE_UNIT=table.service; keep() { :; }
    expect_active() { :; }; $1" LVS_HELD=eth0=10.0.0.100/32 LVS_SYNC_ID=51 LVS_PEER=192.168.7.29 LVS_HA_SYSCTLS=a=1 LVS_ROUTER=192.168.7.200 \
    LVS_ADDRESS=192.168.7.30 LVS_CLUSTER_CONF=conf LVS_CLUSTER_KEY=key LVS_FENCE_KEY=fence LVS_CIB_PROPERTIES="$PROPERTIES" LVS_CIB_RESOURCES="$RESOURCES" \
    LVS_CIB_CONSTRAINTS="$CONSTRAINTS" LVS_FENCE="192.168.7.1 1229" LVS_SETTLED='' "${@:2}"
}

# cib OPERATION [ROUTER [QUORUM [SECTIONS]]]: what `cibadmin --query` prints. OPERATION is the last of the VIP on this node, empty: none.
cib() {
  local sections=${4-$'    <crm_config>\n'"$PROPERTIES"$'\n    </crm_config>\n    <nodes/>\n'"$RESOURCES"$'\n'"$CONSTRAINTS"}
  cat >"$T/cib" <<CIB
<cib have-quorum="${3:-1}" dc-uuid="1">
  <configuration>
$sections
  </configuration>
  <status>
    <node_state id="2" uname="other" crmd="online" join="member">
      <lrm_rsc_op id="vip-1_last_0" operation="start" rc-code="0" last-rc-change="1"/>
    </node_state>
    <node_state id="1" uname="node" in_ccm="true" crmd="online" join="member" expected="member">
      <nvpair id="status-1-router" name="router" value="${2:-1}"/>
      ${1:+<lrm_rsc_op id=\"vip-1_last_0\" operation=\"${1% *}\" op-status=\"0\" rc-code=\"${1#* }\" last-rc-change=\"1764381600\"/>}
    </node_state>
  </status>
</cib>
CIB
  printf 'conf' | tee "$T/guest/etc/corosync/corosync.conf" >/dev/null
}
readonly BOTH='master sync daemon (mcast=eth0) backup sync daemon (mcast=eth0)'
readonly VIP='2: eth0    inet 10.0.0.100/32 scope global eth0'
readonly STATUS='cluster_programs; check_vips; holder_details; report || true'

# seen ADDRESSES: what the guest is like beside its cluster.
seen() {
  mkdir -p "$T"/guest/etc/{corosync,lvs-dr}
  printf '%s\n' "$1" >"$T/addresses"
  printf '%s\n' "$BOTH" >"$T/daemons"
  printf 'key' >"$T/guest/etc/corosync/authkey"
  printf 'fence' >"$T/guest/etc/lvs-dr/fence.key"
}

test_both_roles_are_told() {
  seen "$VIP"
  cib "start 0"
  holder "$STATUS"
  equals "$stdout" "$(lines vrrp=MASTER vrrpSince=1764381600 holdsVip=yes sync=both)"
  seen ""
  cib "stop 0"
  holder "$STATUS"
  equals "$stdout" "$(lines vrrp=BACKUP vrrpSince=1764381600 holdsVip=no sync=both)"
  # Where it was looked for when the director came up, and was not there.
  cib "monitor 7"
  holder "$STATUS"
  contains "$stdout" vrrp=BACKUP
}

test_whoever_could_not_take_over_says_so() {
  seen ""
  for args in '"stop 0" 0' '"stop 0" 1 0' '""'; do
    eval "cib $args"
    holder "$STATUS"
    contains "$stdout" $'problem=director-fault\t\t\t'
  done
  rm "$T/cib"
  holder "$STATUS"
  contains "$stdout" "Pacemaker has not decided yet"
  # Until the other director has been there once, an `up` has nothing to wait for.
  holder "ALONE=yes; $STATUS"
  lacks "$stdout" problem=
}

test_a_standby_that_could_power_nobody_off_says_so() {
  : >"$T/silent"
  seen ""
  cib "stop 0"
  holder "$STATUS"
  contains "$stdout" $'problem=director-fault\t\t\tcould not take over: fence_virtd of the host does not answer at 192.168.7.1:1229'
  seen "$VIP"
  cib "start 0"
  holder "$STATUS"
  lacks "$stdout" problem=
}

test_the_cluster_is_told_only_what_differs() {
  seen ""
  cib "stop 0"
  holder tell_cluster
  exits 0
  [[ ! -e $T/replaced ]] || fail "it was told again"
  cib "stop 0" 1 1 $'    <crm_config>\n      <cluster_property_set id="lvs-dr">\n        <nvpair id="b"/>\n      </cluster_property_set>\n      <cluster_property_set id="own"/>\n    </crm_config>\n    <nodes>\n      <node id="1"/>\n    </nodes>\n    <resources/>\n    <constraints>\n      <rsc_location id="cli-ban"/>\n    </constraints>'
  holder "$STATUS"
  contains "$stdout" $'problem=file-differs\t\tCIB\t'
  holder tell_cluster
  exits 0
  contains "$(cat "$T/replaced")" "$PROPERTIES"
  contains "$(cat "$T/replaced")" $'\n'"$RESOURCES"$'\n'
  contains "$(cat "$T/replaced")" '<node id="1"/>'
  contains "$(cat "$T/replaced")" '<cluster_property_set id="own"/>'
  lacks "$(cat "$T/replaced")" 'id="b"'
  lacks "$(cat "$T/replaced")" cli-ban
  # A cluster that has just begun has nothing.
  cib "" 1 1 $'    <crm_config/>\n    <nodes/>\n    <resources/>\n    <constraints/>'
  holder tell_cluster
  contains "$(cat "$T/replaced")" "<crm_config>$PROPERTIES</crm_config>"
}

test_the_active_director_gives_the_vips_up_before_a_change_and_only_to_one_that_is_there() {
  seen "$VIP"
  cib "start 0"
  holder "cluster_programs; yield_vips"
  equals "$stdout" ""
  : >"$T/answers"
  holder "cluster_programs; yield_vips"
  equals "$stdout" "$(lines "crm_resource --quiet --resource vips --ban --node node --lifetime PT1M" "crm_resource --quiet --resource vips --clear")"
  holder "cluster_programs; yield_vips"
  equals "$stdout" ""
}

# fence ACTION DOMAIN: the agent, as Pacemaker calls it.
fence() {
  fake fence_virt 'input=$(cat); case $input in *=list*) [[ ! -e $T/silent ]] || exit 1; printf "lvs-dr-dev-director1   1 on\n" ;; *) echo "asked: ${input//$'"'\\\\n'"'/ }" ;; esac'
  ln -sf "$BIN/fence_virt" "$T/guest/usr/sbin/fence_virt"
  holder "cluster_programs; printf 'action=$1\nnodename=x\nplug=$2\n' | $T/guest/usr/sbin/fence_lvs_dr"
}

test_whoever_does_not_reach_the_router_has_nobody_powered_off() {
  mkdir -p "$T/guest/usr/sbin"
  fence reboot lvs-dr-dev-director1
  exits 1
  contains "$stderr" "does not reach the router 192.168.7.200"
  lacks "$stdout" asked
  fence monitor ""
  contains "$stdout" "action=monitor"
  : >"$T/answers"
  fence reboot lvs-dr-dev-director1
  contains "$stdout" "action=reboot"
  # One that is being made anew has no power.
  fence reboot lvs-dr-dev-director2
  exits 0
  lacks "$stdout" asked
  # Nor is that taken for granted where the host does not answer.
  : >"$T/silent"
  fence reboot lvs-dr-dev-director2
  exits 1
}

test_ldirectord_s_agent_asks_for_the_lab_s_unit() {
  holder 'cluster_programs; for word in start stop status; do '"$T"'/guest/usr/local/lib/lvs-dr/ldirectord-unit /etc/ha.d/ldirectord.cf $word && echo 0 || echo $?; done'
  equals "$stdout" "$(lines "systemctl start lvs-dr-ldirectord.service" 0 "systemctl stop lvs-dr-ldirectord.service" 0 3)"
  fake systemctl 'echo activating'
  run "$T/guest/usr/local/lib/lvs-dr/ldirectord-unit" /etc/ha.d/ldirectord.cf status
  exits 0
}
