#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The client: reaches everything through the router; of the cluster it knows the certificate authority, if there is one.
# Settings: LVS_GATEWAY, LVS_CA (PEM of the authority that it trusts; absent: none of the lab's). On the server segment, where it asks for the VIP
# itself, those of neighbours.sh.

readonly CA_FILE=/usr/local/share/ca-certificates/lvs-dr.crt
ROLE_NEEDS=(curl:curl ping:iputils-ping)
if [[ -n ${LVS_CA:-} ]]; then ROLE_NEEDS+=(update-ca-certificates:ca-certificates); fi
readonly SERVER_IF=${LVS_SERVER_IF:-}
# As of the router: who answers for the VIP is asked from here, too.
if [[ -n $SERVER_IF && -n ${LVS_MACHINE:-} ]]; then ROLE_NEEDS+=(arping:iputils-arping); fi

role_start() {
  if [[ -n ${LVS_CA:-} ]]; then
    if printf '%s' "$LVS_CA" | put "$CA_FILE"; then update-ca-certificates >/dev/null; else written $?; fi
  elif [[ -e $CA_FILE ]]; then
    rm -f "$CA_FILE"
    update-ca-certificates >/dev/null
  fi
  [[ -z $SERVER_IF ]] || bind_vips
}

role_stop() { [[ -z $SERVER_IF ]] || release_vips; }

role_check() {
  [[ -z $LVS_GATEWAY || $(ip -4 route show default) == "default via $LVS_GATEWAY "* ]] || problem route-differs default "default route does not go through $LVS_GATEWAY"
  [[ -z ${LVS_CA:-} ]] || holds "$CA_FILE" "$LVS_CA" || problem file-differs "$CA_FILE" "$CA_FILE is not the lab's authority"
  [[ -z $SERVER_IF ]] || expect_bound
}

dispatch "$@"
