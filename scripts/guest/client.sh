#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154,SC2034
# The client: reaches everything through the router; it knows nothing of the cluster.
# Settings: LVS_GATEWAY.

ROLE_NEEDS=(curl:curl ping:iputils-ping)

role_start() { :; }

role_stop() { :; }

role_check() {
  [[ $(ip -4 route show default) == "default via $LVS_GATEWAY "* ]] || problem route-differs default "default route does not go through $LVS_GATEWAY"
}

dispatch "$@"
