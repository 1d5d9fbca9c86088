#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154
# On a machine that exists: everything that is put there is listed, with what was there before, and `remove` takes all of it away again. Comes after
# what it changes of common.sh and others, and before the role. Settings: LVS_MACHINE (whose the machine is), LVS_SELF (which role it has, by
# which login), maybe LVS_PACKAGES (beside what has the role's commands). Needs foreign.sh.

# Below $STATE: paths that were written, most recent last; what they held before, below originals/; KEY=VALUE of sysctls before their first change;
# packages that were installed; and the kernel's modules before.
readonly FILES=$STATE/files ORIGINALS=$STATE/originals SYSCTLS=$STATE/sysctls PACKAGES=$STATE/packages MODULES=$STATE/modules
# Written, but not by `put`; the last two by nginx's package, which leaves it, and by keepalived 2.3 when it runs.
readonly WRITTEN=("$PAYLOAD" /etc/systemd/system/ldirectord.service /etc/ha.d/ldirectord.cf.former /etc/nginx/nginx.conf
  /etc/systemd/system/multi-user.target.wants/nginx.service /var/www/html/index.nginx-debian.html
  /etc/iproute2/rt_addrprotos.d/keepalived.conf)
# What packages ask before they start something, and the file by which ours answers no; that is gone after a boot.
readonly POLICY=/usr/sbin/policy-rc.d INSTALLING=/run/lvs-dr/installing
# What an installation says; on a full disk too.
readonly SAID=/run/lvs-dr-said
# Seconds for apt, on a machine without much of a processor.
readonly APT_SECONDS=900

# renamed FUNCTION: the one of common.sh, under another name.
renamed() { eval "plain_$(declare -f "$1")"; }
for each in put enabled sysctls_now need dispatch; do renamed "$each"; done

# listed FILE LINE
listed() { [[ -e $1 && $'\n'$(<"$1")$'\n' == *$'\n'"$2"$'\n'* ]]; }

# claim PATH: lists it before it is first written, with the directories that it needs, and keeps what is there. Fails where that cannot be
# written, as on a full disk: then PATH must stay as it is.
claim() {
  local directory=${1%/*} made=''
  [[ $1 != /run/* ]] && ! listed "$FILES" "$1" || return 0
  mkdir -p "$STATE" || return
  # The outermost first.
  while [[ ! -d $directory ]]; do
    ! listed "$FILES" "$directory/" || break
    made=$directory/$'\n'$made
    directory=${directory%/*}
  done
  [[ ! -e $1 && ! -L $1 ]] || { mkdir -p "$ORIGINALS${1%/*}" && cp -a "$1" "$ORIGINALS$1"; } || return
  printf '%s%s\n' "$made" "$1" >>"$FILES"
}

put() {
  claim "$1" || return 2
  plain_put "$@"
}

enabled() {
  claim "/etc/systemd/system/multi-user.target.wants/${1##*/}"
  plain_enabled "$@"
}

# remember KEY: that sysctl's value, before its first change.
remember() {
  local value FILE
  sysctl_file "$1"
  [[ -e $SYSCTLS && $'\n'$(<"$SYSCTLS") == *$'\n'"$1="* ]] || ! read -r value 2>/dev/null <"$FILE" ||
    printf '%s=%s\n' "$1" "$value" >>"$SYSCTLS"
}

# remember_forwarding FAMILY: of every device.
remember_forwarding() {
  local device
  for device in /proc/sys/net/"$1"/conf/*; do
    device=${device##*/}
    remember "net.$1.conf.${device//.//}.forwarding"
  done
}

# sysctls_now KEY=VALUE...
sysctls_now() {
  local pair
  for pair in "$@"; do
    remember "${pair%%=*}"
    # The kernel changes the others with the one.
    case $pair in
    net.ipv4.ip_forward=*) remember_forwarding ipv4 && remember net.ipv4.conf.all.accept_redirects ;;
    net.ipv6.conf.all.forwarding=*) remember_forwarding ipv6 ;;
    esac
  done
  plain_sysctls_now "$@"
}

# A machine's own, as is what its network configuration says. (An addition to a profile of NetworkManager's would change a file of somebody else's.)
idle_rarely() { :; }
sysctl() { :; }
declare_to_networkmanager() { :; }

# give_back PATH: what was there before is there again.
give_back() {
  rm -f "$1"
  [[ ! -e $ORIGINALS$1 && ! -L $ORIGINALS$1 ]] || cp -a "$ORIGINALS$1" "$1"
}

# install_packages NAME...: nothing in them, nor in what they depend on, starts by itself, now or at a boot: the role decides.
install_packages() {
  local before output status=0 added units unit
  log "$LVS_NODE: installing $*"
  before=$(installed)
  mkdir -p "${INSTALLING%/*}"
  : >"$INSTALLING"
  put "$POLICY" 0755 <<<$'#!/bin/sh\n'"[ ! -e $INSTALLING ] || exit 101" || written $?
  output=$(export DEBIAN_FRONTEND=noninteractive && exec 2>&1 </dev/null 8>&- 9>&- &&
    { apt-get -qq -o DPkg::Lock::Timeout=120 update || true; } &&
    timeout -k 10 "$APT_SECONDS" apt-get -qq -y -o DPkg::Lock::Timeout=120 --no-install-recommends install "$@") || status=$?
  give_back "$POLICY"
  rm -f "$INSTALLING"
  mapfile -t added < <(comm -13 <(echo "$before") <(installed))
  if ((${#added[@]} > 0)); then
    printf '%s\n' "${added[@]}" >>"$PACKAGES"
    mapfile -t units < <(units_of "${added[@]}")
    # At once, since each call has systemd read every unit again; a unit that cannot be disabled ends such a call.
    ((${#units[@]} == 0)) || systemctl -q disable "${units[@]}" 2>/dev/null ||
      for unit in "${units[@]}"; do systemctl -q disable "$unit" 2>/dev/null || true; done
  fi
  ((status == 0)) || die "$LVS_NODE: apt-get install $*: $(grep '^E: ' <<<"$output" || echo "ended with status $status")"
}

need() {
  local each missing=()
  for each in "$@"; do command -v "${each%%:*}" >/dev/null || missing+=("${each#*:}"); done
  for each in ${LVS_PACKAGES:-}; do
    # shellcheck disable=SC2016 # dpkg-query's own variable
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$each" 2>/dev/null) == installed ]] || missing+=("$each")
  done
  ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
  hash -r
  plain_need "$@"
}

# ipvsadm -C: of the table our own services alone.
ipvsadm() {
  local line
  [[ $* == -C ]] || { command ipvsadm "$@" && return || return $?; }
  while read -r line; do
    # shellcheck disable=SC2086 # an option and its value
    [[ ! $line =~ ^-A\ (-[tuf]\ [^ ]+( -6)?) ]] || command ipvsadm -D ${BASH_REMATCH[1]} 2>/dev/null || true
  done < <(table rules)
}

# unlisted: nothing can be listed, as on a full disk, and so nothing is changed.
unlisted() {
  rm -rf "$STATE"
  die "$LVS_NODE: $STATE could not be written; nothing was changed"
}

# begin: the machine is ours from here on. A list without an owner is of one that did not get here.
begin() {
  local path
  [[ ! -e $STATE/owner ]] || return 0
  rm -rf "$STATE"
  { install -d -m 0700 "$STATE" && loaded >"$MODULES"; } || unlisted
  for path in "${WRITTEN[@]}"; do claim "$path" || unlisted; done
  { printf '%s\n' "$LVS_MACHINE" >"$STATE/owner.new" && mv "$STATE/owner.new" "$STATE/owner"; } || unlisted
}

# install_apart: goes on to its end, or back to what was there before, should the connection be lost meanwhile.
install_apart() {
  local status=0 said
  said=$(refusals)
  [[ $said != *refused=* ]] || die "$LVS_NODE: ${said//$'\n'/; }"
  begin
  : >"$SAID"
  # Also where it is taken away with all the rest.
  exec 7<"$SAID"
  setsid bash "$1" apply >"$SAID" 2>&1 </dev/null 7<&- &
  wait "$!" || status=$?
  cat <&7 >&2 2>/dev/null || true
  exit "$status"
}

# apply: in the end, no further line of the file is read: it may be another one by now.
apply() {
  local status=0 first=1 text
  if [[ -e $PAYLOAD ]]; then
    first=0
    if [[ $'\n'$(<"$PAYLOAD") != *$'\n'"readonly LVS_ROLE='$LVS_ROLE'"$'\n'* ]]; then
      # Another role ends first, which takes this file with it too.
      text=$(<"$0")
      "$PAYLOAD" remove all
      begin
      install -m 0700 /dev/stdin "$0" <<<"$text"
      first=1
    fi
  fi
  bash "$0" swap || status=$?
  # What came to nothing is no resource: nobody would ask for it later.
  ((status == 0 || first == 0)) || (remove all) || true
  exit "$status"
}

# leftovers: a line for each thing of ours that is still there.
leftovers() {
  local line key value vip FILE
  while read -r line; do
    if [[ $line == */ ]]; then
      [[ ! -d $line || -n $(find "$line" -mindepth 1 -print -quit) ]] || echo "directory $line"
    elif [[ -e $ORIGINALS$line || -L $ORIGINALS$line ]]; then
      [[ $(stat -c '%f %u %g' "$line" 2>&1) == "$(stat -c '%f %u %g' "$ORIGINALS$line")" ]] &&
        { [[ ! -f $line ]] || cmp -s "$line" "$ORIGINALS$line"; } || echo "$line is not as it was"
    else
      [[ ! -e $line && ! -L $line || $line == "$PAYLOAD" ]] || echo "file $line"
    fi
  done <"$FILES"
  for line in "${OWN_DIRECTORIES[@]}"; do [[ ! -e $line ]] || echo "directory $line"; done
  while IFS='=' read -r key value; do
    line=$value
    sysctl_file "$key"
    read -r line 2>/dev/null <"$FILE" || true
    [[ $line == "$value" ]] || echo "sysctl $key is $line, and was $value"
  done < <(cat "$SYSCTLS" 2>/dev/null)
  for vip in $LVS_VIPS; do
    [[ -z $(ip -o addr show to "${vip%/*}") ]] || echo "VIP ${vip%/*}"
  done
}

# restore_files: what was there before is there again, the last written first.
restore_files() {
  local line
  while read -r line; do
    [[ $line == "$PAYLOAD" || $line == */ ]] || give_back "$line"
  done < <(tac "$FILES")
}

# remove_directories: those that were made here, and are empty now.
remove_directories() {
  local line
  while read -r line; do [[ $line != */ ]] || rmdir "$line" 2>/dev/null || true; done < <(tac "$FILES")
}

# purge_packages: those that were installed here, but for what somebody else has come to need since.
purge_packages() {
  local names path
  [[ -s $PACKAGES ]] || return 0
  mapfile -t names < <(sort -u "$PACKAGES")
  # shellcheck disable=SC2016
  mapfile -t names < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${names[@]}" 2>/dev/null | sed -n 's/^\(installed\|config-files\) //p')
  ((${#names[@]} > 0)) || return 0
  # Their own files go with them.
  while read -r path; do [[ ! -f $ORIGINALS$path ]] || printf '%s\n' "$path"; done < <(dpkg-query -L "${names[@]}") >"$STATE/purged"
  if [[ -z $(apt-get -s purge "${names[@]}" | sed -n 's/^Purg \([^ ]*\) .*/\1/p' | sort | comm -23 - <(printf '%s\n' "${names[@]}" | sort)) ]]; then
    DEBIAN_FRONTEND=noninteractive timeout -k 10 "$APT_SECONDS" apt-get -qq -y -o DPkg::Lock::Timeout=120 purge "${names[@]}" >/dev/null 2>&1 </dev/null || log "$LVS_NODE: apt-get purge ${names[*]} failed"
    while read -r path; do rm -f "$ORIGINALS$path"; done <"$STATE/purged"
  else
    log "$LVS_NODE: these packages stay, since others need one of them now: ${names[*]}"
  fi
}

# unload_modules: of IPVS and netfilter, those that the kernel did not have before and nobody uses now; their sysctls go with them.
unload_modules() {
  local module
  [[ -z $(tail -n +4 /proc/net/ip_vs 2>/dev/null) ]] || return 0
  # The newest first, which use the others.
  while read -r module; do
    [[ ! $module =~ ^(ip_vs|nf_|nft_|arp|xt?_|libcrc32c) ]] || listed "$MODULES" "$module" || rmmod "$module" 2>/dev/null || true
  done < <(loaded)
}

# remove ROLE|all: the role ends, and everything of it goes; another one than ROLE stays. What is left in spite of that is a failure, and stays listed.
remove() {
  local left key value first FILE
  [[ -e $STATE && ($1 == all || $1 == "$LVS_SELF") ]] || return 0
  exec 9>/run/lvs-dr.lock
  flock -w "$RUN_LIMIT" 9 || die "$LVS_NODE: another 'lvs-dr' still runs"
  (role_stop) || log "$LVS_NODE: not all of the role could be ended in order"
  ! read -r first 2>/dev/null </etc/nginx/nginx.conf || [[ $first != "# Written by lvs-dr"* ]] || systemctl stop nginx.service || true
  ! command -v nft >/dev/null || nft delete table inet lvs_dr_unfit 2>/dev/null || true
  systemctl -q stop 'lvs-dr*' 2>/dev/null || true
  while IFS='=' read -r key value; do
    sysctl_file "$key"
    { printf '%s\n' "$value" >"$FILE"; } 2>/dev/null || true
  done < <(cat "$SYSCTLS" 2>/dev/null)
  unload_modules
  restore_files
  ! listed "$FILES" /usr/local/share/ca-certificates/lvs-dr.crt || update-ca-certificates --fresh >/dev/null || true
  systemctl daemon-reload
  systemctl -q reset-failed 'lvs-dr*' 2>/dev/null || true
  purge_packages
  rm -rf "${OWN_DIRECTORIES[@]}"
  remove_directories
  left=$(leftovers)
  [[ -z $left ]] || die "$LVS_NODE: left on the machine, and listed in $STATE: ${left//$'\n'/; }"
  rm -rf "$STATE" /run/lvs-dr /run/lvs-dr-* "$PAYLOAD" "$PAYLOAD".*
  rm -f /run/lvs-dr.lock
}

# dispatch ARGS
dispatch() {
  case ${1:-} in
  install) install_apart "$0" ;;
  apply) apply ;;
  swap) plain_dispatch install ;;
  remove) remove "${2:-}" ;;
  *) plain_dispatch "$@" ;;
  esac
}
