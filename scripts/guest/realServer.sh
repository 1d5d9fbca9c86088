#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034,SC2153
# A real server: pages by nginx, the VIP /32 on lo so that replies leave with the VIP as source, and one of three ways
# of keeping quiet when someone asks who has the VIP. The way is in force before the address is.
# For a VIP of IPv6 there is no such way, and none is needed: a node advertises the addresses of the NIC that is asked, not those of lo.
# Settings: LVS_IF, LVS_RIP, maybe LVS_RIP6, LVS_PORTS, LVS_ARP_STRATEGY (sysctl | arptables | static), LVS_INDEX_PAGE, LVS_TEST_PAGE; with other
# pages for health checks LVS_CHECK_PAGES, LVS_CHECK_PAGE_0 and so on. Needs pages.sh, workloads.sh and guard.sh.

ARP_QUIET=(net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.lo.arp_ignore=1
  net.ipv4.conf.all.arp_announce=2 net.ipv4.conf.lo.arp_announce=2)
ARP_OPEN=(net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.lo.arp_ignore=0
  net.ipv4.conf.all.arp_announce=0 net.ipv4.conf.lo.arp_announce=0)

if [[ $LVS_VIPS == *:* ]]; then
  # A proxy would answer for what it has on lo.
  NDP_QUIET=(net.ipv6.conf.all.proxy_ndp=0 "net.ipv6.conf.${LVS_IF//.//}.proxy_ndp=0")
  ARP_QUIET+=("${NDP_QUIET[@]}")
  ARP_OPEN+=("${NDP_QUIET[@]}")
fi

by_arptables() { [[ $LVS_ARP_STRATEGY != sysctl ]]; }

# There while this boot's kernel may have rules of ours.
readonly ARPTABLES_USED=/run/lvs-dr/arptables
# VIPs, ports and workloads that left the configuration: the director, which is changed after its real servers, still forwards to them.
readonly LEAVING=/run/lvs-dr/leaving
# Seconds that they stay at least; then until nobody uses them.
readonly LEAVING_SECONDS=30
LEAVING_VIPS='' LEAVING_PORTS='' LEAVING_WORKLOADS=''

ROLE_NEEDS=(nginx:nginx-light perl:perl-base)
if by_arptables; then ROLE_NEEDS+=(arptables:arptables); fi
if [[ -n ${LVS_WORKLOADS:-} ]]; then ROLE_NEEDS+=(nft:nftables); fi

# arp_rules: the expected rules, one a line, as arguments of `arptables -A`.
arp_rules() {
  local vip
  for vip in $LVS_VIPS $LEAVING_VIPS; do
    [[ $vip != *:* ]] || continue
    echo "LVS-DR-IN -d ${vip%/*} -j DROP"
    echo "LVS-DR-OUT -s ${vip%/*} -j mangle --mangle-ip-s $LVS_RIP"
  done
}

# arp_rules_now: the rules in force, each with its chain in front and a blank behind.
arp_rules_now() {
  local chain='' line
  while read -r line; do
    case $line in
    "Chain "*) line=${line#Chain } && chain=${line%% *} ;;
    ?*) echo "$chain $line " ;;
    esac
  done < <(arptables -n -L 2>/dev/null)
}

# has_rule CHAIN PART...: among $RULES_NOW is one of CHAIN with all these parts, in whatever order arptables lists them.
has_rule() {
  local line part
  while read -r line; do
    [[ $line == "$1 "* ]] || continue
    for part in "${@:2}"; do [[ "$line " == *" $part "* ]] || continue 2; done
    return 0
  done <<<"$RULES_NOW"
  return 1
}

# expect_arp_rules VIPS
expect_arp_rules() {
  local vip RULES_NOW
  RULES_NOW=$(arp_rules_now)
  for vip in $1; do
    [[ $vip != *:* ]] || continue
    vip=${vip%/*}
    has_rule LVS-DR-IN "-d $vip" "-j DROP" || problem arp-rule-missing "LVS-DR-IN $vip" "arptables does not drop requests for $vip"
    has_rule LVS-DR-OUT "-s $vip" "--mangle-ip-s $LVS_RIP" || problem arp-rule-missing "LVS-DR-OUT $vip" "arptables does not rewrite the source of ARP from $vip"
  done
  has_rule INPUT "-j LVS-DR-IN" || problem arp-rule-missing INPUT "arptables chain LVS-DR-IN is not hooked"
  has_rule OUTPUT "-j LVS-DR-OUT" || problem arp-rule-missing OUTPUT "arptables chain LVS-DR-OUT is not hooked"
}

# arp_rules_right: the rules in force are the expected ones, and no others are in our chains.
arp_rules_right() (
  PROBLEMS=()
  expect_arp_rules "$LVS_VIPS $LEAVING_VIPS"
  ((${#PROBLEMS[@]} == 0)) && [[ $(arp_rules_now | grep -c '^LVS-DR-') == "$(arp_rules | grep -c .)" ]]
)

# Nothing to do where no rules were made since the boot: to ask the kernel would load its modules.
arptables_off() {
  local pair
  [[ -e $ARPTABLES_USED ]] || return 0
  for pair in INPUT:LVS-DR-IN OUTPUT:LVS-DR-OUT; do
    arptables -D "${pair%%:*}" -j "${pair#*:}" 2>/dev/null || true
    arptables -F "${pair#*:}" 2>/dev/null || true
    arptables -X "${pair#*:}" 2>/dev/null || true
  done
  rm -f "$ARPTABLES_USED"
}

# arptables_on: rules that are right are not touched. While others are made anew the sysctls keep this server quiet; the caller
# opens them.
arptables_on() {
  local pair rule
  [[ -d ${ARPTABLES_USED%/*} ]] || mkdir -p "${ARPTABLES_USED%/*}"
  : >"$ARPTABLES_USED"
  ! arp_rules_right || return 0
  sysctls_now "${ARP_QUIET[@]}"
  for pair in INPUT:LVS-DR-IN OUTPUT:LVS-DR-OUT; do
    arptables -N "${pair#*:}" 2>/dev/null || arptables -F "${pair#*:}"
    arptables -C "${pair%%:*}" -j "${pair#*:}" 2>/dev/null ||
      { arptables -D "${pair%%:*}" -j "${pair#*:}" 2>/dev/null || true; arptables -A "${pair%%:*}" -j "${pair#*:}"; }
  done
  while read -r rule; do
    # shellcheck disable=SC2086 # a rule is several words
    arptables -A $rule
  done < <(arp_rules)
}

expect_arp_sysctls() { if by_arptables; then expect_sysctls "${ARP_OPEN[@]}"; else expect_sysctls "${ARP_QUIET[@]}"; fi; }

# leave: notes what left the configuration, and is still there, in LEAVING_VIPS, LEAVING_PORTS and LEAVING_WORKLOADS and for the guard.
leave() {
  local old word port kind
  release_workloads
  for old in $(labelled lo lo:vip); do
    [[ " $LVS_VIPS " == *" $old "* ]] || LEAVING_VIPS+=" $old"
  done
  if [[ -e $NGINX_CONF ]] && read -r word <"$NGINX_CONF" && [[ $word == "$OUR_NGINX_CONF"* ]]; then
    while read -r word port kind; do
      port=${port%;}
      [[ $word != listen || ! $port =~ ^[0-9]+$ || " $LVS_PORTS$LEAVING_PORTS " == *" $port "* || -n $(owner_of "$port") ]] || {
        LEAVING_PORTS+=" $port"
        # With the certificate that is there.
        [[ $kind != ssl* ]] || TLS_PORTS+=" $port"
      }
    done <"$NGINX_CONF"
  fi
  if [[ -z $LEAVING_VIPS$LEAVING_PORTS$LEAVING_WORKLOADS ]]; then
    [[ ! -e $LEAVING ]] || rm -f "$LEAVING"
    return
  fi
  log "stays until it is no longer used:${LEAVING_VIPS:+ VIP$LEAVING_VIPS}${LEAVING_PORTS:+ port$LEAVING_PORTS}${LEAVING_WORKLOADS:+ workload$LEAVING_WORKLOADS}"
  mkdir -p "${LEAVING%/*}"
  printf '%s\n' "$EPOCHSECONDS" "$LEAVING_VIPS" "$LEAVING_PORTS" "$LEAVING_WORKLOADS" >"$LEAVING"
}

# still_used VIPS PORTS: there are connections to one of them, TIME-WAIT among them (a minute of memory; at a port the health
# checks of a director that still has it count too), or the director still has one of the VIPs.
still_used() {
  local state here vip port
  while read -r state _ _ here _; do
    [[ $state != LISTEN ]] || continue
    for vip in $1; do [[ $here != "${vip%/*}:"* && $here != "[${vip%/*}]:"* ]] || return 0; done
    for port in $2; do [[ $here != *":$port" ]] || return 0; done
  done < <(ss -Htan)
  command -v arping >/dev/null || return 1
  # -s: it would ask in the name of the VIP itself.
  for vip in $1; do [[ $vip == *:* ]] || ! arping -q -c 1 -w 1 -I "$LVS_IF" -s "$LVS_RIP" "${vip%/*}" >/dev/null 2>&1 || return 0; done
  return 1
}

# let_go: takes away what has left.
let_go() {
  local since vips ports workloads='' lock each used
  { read -r since && read -r vips && read -r ports && { read -r workloads || true; }; } <"$LEAVING" || return 0
  ((EPOCHSECONDS - since >= LEAVING_SECONDS)) || return 0
  used=$ports
  for each in $workloads; do used+=" $(ports_of "$each")"; done
  ! still_used "$vips" "$used" || return 0
  exec {lock}>/run/lvs-dr.lock
  if flock -n "$lock"; then
    for each in $workloads; do (remove_workload "$each") || true; done
    drop_vips lo lo:vip "$LVS_VIPS"
    # An nginx that somebody has stopped stays so.
    configure_pages "$LVS_PORTS" "$LVS_RIP" "${LVS_RIP6:-}"
    if by_arptables; then
      arptables_on
      sysctls_now "${ARP_OPEN[@]}"
    fi
    rm -f "$LEAVING"
    log "nobody used it any more:${vips:+ VIP $vips}${ports:+ port $ports}${workloads:+ workload $workloads}"
  fi
  exec {lock}>&-
}

# certificate_installed: where there is none any more, the former goes when nothing that leaves shows it.
certificate_installed() {
  if [[ -n ${LVS_CERTIFICATE:-} ]]; then
    printf '%s' "$LVS_KEY" | put "$TLS/key.pem" 0600 || written $?
    if printf '%s' "$LVS_CERTIFICATE" | put "$TLS/certificate.pem"; then TLS_CHANGED=1; else written $?; fi
  elif [[ -z ${TLS_PORTS// /} ]]; then
    rm -rf "${TLS:?}"
  fi
}

# keep_off_nics: of IPv6 a VIP that is on a NIC is advertised there.
keep_off_nics() {
  local vip device address
  for vip in $LVS_VIPS; do
    [[ $vip == *:* ]] || continue
    while read -r _ device _ address _; do
      [[ $device == lo ]] || ip addr del "$address" dev "$device"
    done < <(ip -6 -o addr show to "${vip%/*}")
  done
}

role_start() {
  printf '%s' "$LVS_INDEX_PAGE" | put /srv/lvs-dr/index.html || written $?
  printf '%s' "$LVS_TEST_PAGE" | put /srv/lvs-dr/test.html || written $?
  leave
  certificate_installed
  check_pages
  serve_pages "$LVS_PORTS$LEAVING_PORTS" "$LVS_RIP" "${LVS_RIP6:-}"
  guard_installed
  # When the way changes, the new one is in force before the old one goes.
  if by_arptables; then
    arptables_on
    add_vips lo lo:vip "$LVS_VIPS"
    sysctls "${ARP_OPEN[@]}"
  else
    sysctls "${ARP_QUIET[@]}"
    add_vips lo lo:vip "$LVS_VIPS"
    arptables_off
  fi
  keep_off_nics
  # Last: no check finds them up before the VIP is there.
  start_workloads
}

# Not waited for: at boot the guard comes after the unit that this runs in.
role_started() { systemctl -q --no-block restart "$GUARD"; }

role_validate() { need_packages; }

role_stop() {
  systemctl -q disable --now "$GUARD" 2>/dev/null || true
  rm -f "/etc/systemd/system/$GUARD" "$GUARD_AT_BOOT" "$LEAVING"
  # The next `start` ends that, or a boot, after which nobody withdraws this server: nginx is not to answer its check then.
  withdraw "lvs-dr is stopped here"
  rm -f /etc/systemd/system/multi-user.target.wants/nginx.service
  stop_workloads
  drop_vips lo lo:vip ""
  arptables_off
  sysctls_now "${ARP_OPEN[@]}"
}

# expect_quiet_vip: this server accepts what the director passes on, and says nothing about the VIP.
expect_quiet_vip() {
  local vip
  expect_vips_on lo
  for vip in $LVS_VIPS; do
    [[ $vip != *:* || ! ${ADDRESSES-} =~ [0-9]:\ +("$LVS_IF"|eth[0-9]+)\ +inet6\ +"${vip%/*}"/ ]] ||
      problem vip-on-nic "${vip%/*}" "VIP $vip is on ${BASH_REMATCH[1]} too, where this server advertises it"
  done
  expect_arp_sysctls
  ! by_arptables || expect_arp_rules "$LVS_VIPS"
}

role_check() {
  expect_quiet_vip
  expect_listening "$LVS_PORTS"
  expect_workloads
}

role_details() {
  local reason
  is_active "$GUARD" || problem unit-inactive "$GUARD" "unit $GUARD does not run"
  if read -r reason 2>/dev/null <"$UNFIT"; then problem withdrawn "" "withdrawn from its health check: $reason"; fi
}

dispatch "$@"
