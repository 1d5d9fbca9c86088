#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# One of two directors holds the VIPs: Pacemaker decides which, on what Corosync says of who is there. One that is lost is powered off and on by
# fence_virtd of the host before the other one takes the VIPs. Settings: LVS_CLUSTER_CONF (corosync.conf), LVS_CLUSTER_KEY, LVS_FENCE_KEY, LVS_CIB_PROPERTIES,
# LVS_CIB_RESOURCES and LVS_CIB_CONSTRAINTS (sections of the CIB, as `cibadmin --query` prints them), LVS_ADDRESS (this director's), LVS_ROUTER,
# LVS_FENCE ("ADDRESS PORT", where fence_virtd is), LVS_SETTLED ("ATTRIBUTE SECONDS", where the preferred director takes the VIPs back), and those of sync.sh. Needs declaredVips.sh, keepalived.sh and sync.sh;
# what a holder is, says director.sh.

readonly COROSYNC=corosync.service PACEMAKER=pacemaker.service
readonly COROSYNC_CONF=/etc/corosync/corosync.conf COROSYNC_KEY=/etc/corosync/authkey FENCE_KEY=/etc/lvs-dr/fence.key
# As old as what the cluster was last told to read, and as the keys and units that it started with.
readonly CLUSTER_TOLD=/run/lvs-dr/cluster.told CLUSTER_STARTED=/run/lvs-dr/cluster.started
readonly CLUSTER_STATE=/usr/local/lib/lvs-dr/cluster-state
# Seconds for the other director, which is configured at the same time, and for Pacemaker to decide: a first election takes 20 s on any host, and without KVM each
# of its agents' looks some seconds.
readonly CLUSTER_SECONDS=200
# Not empty: the other director has never been there, and it is too early for anything but waiting.
ALONE=''

HOLDER_NEEDS=(corosync:corosync pacemakerd:pacemaker cibadmin:pacemaker-cli-utils fence_virt:fence-virt arping:iputils-arping)

holder_validate() {
  [[ -x /usr/lib/ocf/resource.d/heartbeat/IPaddr2 ]] || die "$LVS_NODE: the image lacks ocf:heartbeat:IPaddr2 (Debian package resource-agents)"
}

# cluster_programs: what the cluster calls, or the host.
cluster_programs() {
  # Whoever does not reach the router has nobody powered off: it is the one that is cut off. And a domain that is not defined has no power.
  put /usr/sbin/fence_lvs_dr 0755 <<FENCE || written $?
#!/bin/bash
input=\$(cat) action='' domain=''
[[ ! \$input =~ (^|\$'\n')action=([a-z-]+) ]] || action=\${BASH_REMATCH[2]}
[[ ! \$input =~ (^|\$'\n')(plug|port)=([^\$'\n']+) ]] || domain=\${BASH_REMATCH[3]}
case \$action in
off | reboot)
  arping -q -f -c 2 -w 2 -I $LVS_IF $LVS_ROUTER >/dev/null || { echo "this director does not reach the router $LVS_ROUTER" >&2 && exit 1; }
  known=\$(/usr/sbin/fence_virt <<<"\${input/action=\$action/action=list}") || exit 1
  [[ \$'\n'\$known =~ \$'\n'"\$domain"[[:space:]] ]] || exit 0
  ;;
esac
exec /usr/sbin/fence_virt <<<"\$input"
FENCE
  put /usr/local/lib/lvs-dr/ldirectord-unit 0755 <<'UNIT' || written $?
#!/bin/bash
# Stands for ldirectord in its resource agent, CONFIGURATION start|stop|status: the daemon runs under the lab's unit, with what that gives it.
unit=lvs-dr-ldirectord.service
case ${!#} in
start | stop) exec systemctl "${!#}" "$unit" ;;
status)
  # While it is started again it is not gone.
  case $(systemctl is-active "$unit") in active | activating | reloading | deactivating) exit 0 ;; *) exit 3 ;; esac
  ;;
esac
exit 2
UNIT
  put "$CLUSTER_STATE" 0755 <<STATE || written $?
#!/bin/bash
# What Pacemaker has made of this director, and since when: MASTER, BACKUP or FAULT. Fails while it has not decided.
cib=\$(cibadmin --query --local 2>/dev/null) || exit 1
name='uname="$LVS_NODE"'
[[ \$cib == *"<node_state "*"\$name"* ]] || exit 1
node=\${cib#*"<node_state "*"\$name"}
node=\${node%%</node_state>*}
[[ \$node == *'<lrm_rsc_op id="vip-1_last_0"'* ]] || exit 1
op=\${node#*'<lrm_rsc_op id="vip-1_last_0"'}
op=\${op%%>*}
[[ \$op =~ \ last-rc-change=\"([0-9]+)\" ]] && since=\${BASH_REMATCH[1]}
if [[ \$op == *' operation="start"'*' rc-code="0"'* || \$op == *' operation="monitor"'*' rc-code="0"'* ]]; then
  state=MASTER
elif [[ \${node%%>*} == *' crmd="online"'* && \${node%%>*} == *' join="member"'* && \${cib%%>*} == *' have-quorum="1"'* && \$node =~ \ name=\"router\"\ value=\"[1-9] ]]; then
  state=BACKUP
else
  state=FAULT
fi
echo "\$state \$since"
STATE
}

# cluster_units: Debian's, with what the lab needs of them. Corosync does not start without its address.
cluster_units() {
  local settled='' each
  [[ -z $LVS_SETTLED ]] || settled="ExecStartPost=/bin/sh -c '{ sleep ${LVS_SETTLED#* }; attrd_updater -n ${LVS_SETTLED% *} -U 1; } >/dev/null 2>&1 &'"
  if put /etc/systemd/system/$COROSYNC.d/lvs-dr.conf <<COROSYNC; then UNITS_CHANGED=1; else written $?; fi
[Unit]
After=systemd-networkd.service $TABLE_UNIT

[Service]
ExecStartPre=/bin/sh -c 'for i in \$\$(seq 300); do ip -o addr show | grep -q " $LVS_ADDRESS/" && break; sleep 0.1; done'
ExecStartPre=/bin/sh -c 'mkdir -p /run/lvs-dr && modprobe ip_vs && sysctl -q -p $SYSCTL_FILE && $SYNC_DAEMONS && touch $CLUSTER_STARTED $CLUSTER_TOLD'
Restart=on-failure
RestartSec=1
COROSYNC
  if put /etc/systemd/system/$PACEMAKER.d/lvs-dr.conf <<PACEMAKER; then UNITS_CHANGED=1; else written $?; fi
[Service]
$settled
# Else one that is told to end waits for half an hour.
TimeoutStopSec=60
PACEMAKER
  for each in "$COROSYNC" "$PACEMAKER"; do enabled "/lib/systemd/system/$each"; done
}

# cluster_daemons: both run, with their present configuration.
cluster_daemons() {
  if ! is_active "$PACEMAKER"; then
    systemctl start "$PACEMAKER" || die "$LVS_NODE: Pacemaker does not start: journalctl -u $COROSYNC -u $PACEMAKER"
  elif [[ $COROSYNC_KEY -nt $CLUSTER_STARTED || /etc/systemd/system/$COROSYNC.d/lvs-dr.conf -nt $CLUSTER_STARTED ]]; then
    systemctl stop "$PACEMAKER" "$COROSYNC"
    systemctl start "$PACEMAKER"
  elif [[ $COROSYNC_CONF -nt $CLUSTER_TOLD ]]; then
    corosync-cfgtool -R >/dev/null || die "$LVS_NODE: Corosync was not told of its new configuration; the old one is in force"
  fi
  : >"$CLUSTER_TOLD"
}

# cluster_state: MASTER, BACKUP or FAULT; nothing while Pacemaker has not decided.
cluster_state() {
  local state=''
  read -r state _ < <("$CLUSTER_STATE") || true
  echo "$state"
}

# is_told CIB: the cluster's configuration is the lab's.
is_told() {
  [[ $1 == *$'\n'"$LVS_CIB_PROPERTIES"$'\n'* && $1 == *$'\n'"$LVS_CIB_RESOURCES"$'\n'* && $1 == *$'\n'"$LVS_CIB_CONSTRAINTS"$'\n'* ]]
}

# replaced CONFIGURATION NAME SECTION: with that section in the place of its own of that name.
replaced() {
  local end="</$2>"
  [[ $1 != *"<$2/>"* ]] || end="<$2/>"
  printf '%s\n%s%s' "${1%%$'\n'*([ ])"<$2"[/>]*}" "$3" "${1#*"$end"}"
}

# told CIB: the whole configuration as it is to be, in one step: the cluster never sees half of it.
told() {
  local set='<cluster_property_set id="lvs-dr"' configuration=${1#*"<configuration>"}
  shopt -s extglob
  configuration="<configuration>${configuration%%"</configuration>"*}</configuration>"
  [[ $configuration != *"$set"* ]] ||
    configuration="${configuration%%"$set"*}${configuration#*"$set"*"</cluster_property_set>"}"
  configuration=${configuration/"<crm_config/>"/"<crm_config></crm_config>"}
  configuration="${configuration%%"</crm_config>"*}$LVS_CIB_PROPERTIES</crm_config>${configuration#*"</crm_config>"}"
  configuration=$(replaced "$configuration" resources "$LVS_CIB_RESOURCES")
  replaced "$configuration" constraints "$LVS_CIB_CONSTRAINTS"
}

# tell_cluster: nothing moves where nothing differs. Both directors may be at it at once, and tell the same.
tell_cluster() {
  local cib
  cib=$(cibadmin --query) || die "$LVS_NODE: Pacemaker cannot be asked for its configuration"
  ! is_told "$cib" || return 0
  told "$cib" | cibadmin --replace --scope configuration --xml-pipe >/dev/null || die "$LVS_NODE: Pacemaker does not take its configuration"
}

# has_quorum: it has heard the other director since it started, and somebody coordinates.
has_quorum() {
  local cib
  cib=$(cibadmin --query --local 2>/dev/null) || return 1
  [[ ${cib%%>*} == *' have-quorum="1"'* && ${cib%%>*} == *' dc-uuid="'* ]] && crm_node --quorum 2>/dev/null | grep -q 1
}

hold_vips() {
  local deadline=$((SECONDS + CLUSTER_SECONDS))
  # Of another manager's, or of the one director.
  [[ ! -e $KEEPALIVED_CONF || $(<"$KEEPALIVED_CONF") != *vrrp_instance* ]] || keepalived_ends
  sync_daemons
  cluster_programs
  keep "$COROSYNC_CONF" "$LVS_CLUSTER_CONF"
  keep "$COROSYNC_KEY" "$LVS_CLUSTER_KEY" 0400
  keep "$FENCE_KEY" "$LVS_FENCE_KEY" 0400
  cluster_units
  keep_addresses
  reload_units
  is_active "$PACEMAKER" || will_be_told
  cluster_daemons
  "$SYNC_DAEMONS"
  until has_quorum; do
    # The other one comes later, and both decide then.
    if ((SECONDS >= deadline)) || ! peer_answers; then ALONE=yes && return; fi
    sleep 0.5
  done
  tell_cluster
  until [[ $(cluster_state) == [MB]* ]] || ((SECONDS >= deadline)); do sleep 0.5; done
}

# yield_vips: before a change of this director. The other one, if it is there, has been changed before.
yield_vips() {
  local deadline=$((SECONDS + 30))
  [[ -x $CLUSTER_STATE && $(cluster_state) == MASTER ]] && peer_answers || return 0
  log "$LVS_NODE: the other director takes the VIPs over"
  crm_resource --quiet --resource vips --ban --node "$LVS_NODE" --lifetime PT1M 2>/dev/null
  until [[ $(cluster_state) == B* ]] || ((SECONDS >= deadline)); do sleep 0.2; done
  crm_resource --quiet --resource vips --clear
}

# release_vips: the other director takes over.
release_vips() {
  systemctl -q disable --now "$PACEMAKER" "$COROSYNC" 2>/dev/null || true
  rm -rf /etc/systemd/system/{$COROSYNC,$PACEMAKER}.d/lvs-dr.conf "$COROSYNC_KEY" "$FENCE_KEY" /usr/sbin/fence_lvs_dr
  release_pair
}

# can_power_off: fence_virtd answers this director, and takes its key.
can_power_off() { timeout 5 fence_virt -T "${LVS_FENCE% *}" -p "${LVS_FENCE#* }" -k "$FENCE_KEY" -o list >/dev/null 2>&1; }

check_vips() {
  local pair cib since
  expect_active "$COROSYNC"
  expect_active "$PACEMAKER"
  for pair in "$COROSYNC_CONF=$LVS_CLUSTER_CONF" "$COROSYNC_KEY=$LVS_CLUSTER_KEY" "$FENCE_KEY=$LVS_FENCE_KEY"; do
    holds "${pair%%=*}" "${pair#*=}" || problem file-differs "${pair%%=*}" "${pair%%=*} is not the lab's"
  done
  read -r VRRP since < <("$CLUSTER_STATE") || true
  CLUSTER_SINCE=${since:-}
  check_pair "${VRRP:-}" Pacemaker "$COROSYNC"
  [[ -z $ALONE ]] || return 0
  case $VRRP in
  MASTER | BACKUP)
    cib=$(cibadmin --query --local 2>/dev/null) || true
    is_told "$cib" || problem file-differs CIB "the cluster's configuration (cibadmin --query) is not the lab's"
    [[ $VRRP == MASTER ]] || can_power_off ||
      problem director-fault "" "could not take over: fence_virtd of the host does not answer at ${LVS_FENCE/ /:}, and nobody else can power the other director off: scripts/lab up starts it"
    ;;
  FAULT) problem director-fault "" "could not take over: it does not reach the router, or is not one of the cluster (crm_mon -1)" ;;
  *) problem director-fault "" "could not take over: Pacemaker has not decided yet (crm_mon -1): it waits for the other director" ;;
  esac
}

holder_details() { pair_details "$CLUSTER_SINCE"; }
