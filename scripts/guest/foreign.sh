#!/usr/bin/env bash
# shellcheck disable=SC2154
# What a machine that exists has of its own, asked before anything is put there. Settings: LVS_MACHINE (the stack's name, with its project's), LVS_VIPS,
# LVS_ADDRESSES ("ADDRESS/LENGTH ..."), and what the role listens on: LVS_PORTS, LVS_SORRY_PORTS, LVS_WORKLOADS.

# What the roles put on a machine is listed here; the directory goes when all of it is gone.
readonly STATE=/var/lib/lvs-dr
# Directories that are ours as a whole.
readonly OWN_DIRECTORIES=(/etc/lvs-dr /usr/local/lib/lvs-dr /srv/lvs-dr /srv/lvs-dr.checks /var/spool/lvs-dr)

# installed: packages; loaded: modules of the kernel.
installed() { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^ii  *//p' | sort; }
loaded() { cut -d ' ' -f 1 /proc/modules 2>/dev/null || true; }

# units_of PACKAGE...: what of them could start at a boot.
units_of() { dpkg-query -L "$@" | sed -nE 's#^(/usr)?/lib/systemd/system/([^/]+\.(service|socket|timer|path))$#\2#p; s#^/etc/init\.d/([^/]+)$#\1.service#p' | sort -u; }

# process NAME: the ID of one that runs under that name.
process() {
  local each name
  for each in /proc/[0-9]*/comm; do
    read -r name 2>/dev/null <"$each" || continue
    [[ $name != "$1" ]] || { each=${each%/comm} && echo "${each##*/}" && return; }
  done
  return 1
}

# listened: what the role listens on, as PROTOCOL=PORT.
listened() {
  local place each name ports="${LVS_PORTS:-} ${LVS_SORRY_PORTS:-}"
  local -a workloads
  read -ra workloads <<<"${LVS_WORKLOADS:-}"
  for place in "${!workloads[@]}"; do
    name=LVS_WORKLOAD_${place}_PORTS
    ports+=" ${!name:-}"
    name=LVS_WORKLOAD_${place}_LISTENS
    for each in ${!name:-}; do echo "$each"; done
  done
  for each in $ports; do echo "tcp=$each"; done
}

# refusals: a line for each reason why this machine cannot have its role; nothing where it can.
refusals() {
  local id version name owner='' table pid port ports protocol line each
  # shellcheck source=/dev/null
  read -r id version name < <(. /etc/os-release && echo "${ID:-} ${VERSION_ID:-none} ${PRETTY_NAME:-}") || true
  [[ "$id $version" =~ ^debian\ 1[23]$ ]] || echo "refused=runs ${name:-no Debian}: Debian 12 or 13 is required"
  [[ -d /run/systemd/system ]] || echo "refused=is not run by systemd"
  if ((EUID == 0)); then
    for each in /etc /usr/local/sbin /var/lib; do [[ -w $each ]] || echo "refused=cannot write to $each: its file system is read-only"; done
  else
    echo "refused=user $(id -un) is not root"
  fi
  [[ ! -e $STATE/owner ]] || read -r owner <"$STATE/owner"
  # What is there is ours, or was put there since by somebody who knows that.
  [[ $owner != "$LVS_MACHINE" ]] || return 0
  [[ -z $owner ]] || echo "refused=has a role of stack $owner: end that first"
  table=$(tail -n +4 /proc/net/ip_vs 2>/dev/null || true)
  [[ -z $table ]] || echo "refused=has an IPVS table that is not the lab's (ipvsadm -Ln)"
  for name in ldirectord keepalived; do
    ! pid=$(process "$name") || echo "refused=runs a $name that is not the lab's (process $pid)"
  done
  for each in /etc/ha.d/ldirectord.cf /etc/ldirectord.cf /etc/keepalived/keepalived.conf; do
    [[ ! -e $each ]] || echo "refused=has a configuration that is not the lab's: $each"
  done
  for each in /usr/local/sbin/lvs-dr "${OWN_DIRECTORIES[@]}"; do
    [[ ! -e $each ]] || echo "refused=has $each, which no stack knows of"
  done
  ! process nginx >/dev/null || [[ -z ${LVS_PORTS:-}${LVS_SORRY_PORTS:-} ]] ||
    echo "refused=runs an nginx that is not the lab's: its configuration would be replaced"
  ports=$(listened | sort -u)
  while read -r protocol _ _ _ line _ each; do
    for port in $ports; do
      [[ $protocol=${line##*:} != "$port" ]] ||
        echo "refused=$([[ $protocol == tcp ]] || echo "$protocol ")port ${port#*=} is somebody else's: ${each:-a process without a name}"
    done
  done < <(ss -Hltunp)
  for each in $LVS_VIPS; do
    [[ -z $(ip -o addr show to "${each%/*}") ]] || echo "refused=has the VIP ${each%/*} already"
  done
}

# nics: the NIC of each address, with its MAC address; one that no NIC has is a reason not to go on.
nics() {
  local wanted device address mac all=''
  local -A devices=()
  while read -r _ device _ address _; do
    devices[$address]=$device
    [[ $device == lo ]] || all+=", $address on $device"
  done < <(ip -o addr show)
  for wanted in $LVS_ADDRESSES; do
    device=${devices[$wanted]:-}
    if [[ -n $device ]]; then
      # Of two directors keepalived knows which VIPs are its own.
      ((${#device} < 15)) || [[ ${LVS_ROLE:-} != director || -n ${LVS_KEEPALIVED_CONF:-} ]] ||
        echo "refused=has $wanted on $device: a name of 15 characters leaves no room to mark the VIP's address by"
      read -r mac <"/sys/class/net/$device/address"
      echo "nic=$wanted $device $mac"
    else
      echo "refused=does not have the address $wanted, but ${all#, }"
    fi
  done
}
