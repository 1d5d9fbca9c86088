#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154
# VIPs that are bound to their MAC, with arpStrategy `static`: by permanent entries of whoever asks for them on the server segment. Settings:
# LVS_SERVER_IF, LVS_NEIGHBOURS ("VIP MAC" a line; empty with another strategy).

# has_line TEXT LINE. Not by a pipe into grep -q, whose writer dies of a line too many.
has_line() { [[ $'\n'$1$'\n' == *$'\n'"$2"$'\n'* ]]; }

static_entries() {
  local vip mac
  while read -r vip _ mac _; do echo "$vip $mac"; done < <(ip neigh show dev "$LVS_SERVER_IF" nud permanent)
}

bind_vips() {
  local vip mac old
  while read -r old _; do
    [[ -n $old ]] || continue
    [[ $'\n'$LVS_NEIGHBOURS == *$'\n'"$old "* ]] || ip neigh del "$old" dev "$LVS_SERVER_IF"
  done < <(static_entries)
  while read -r vip mac; do
    [[ -z $vip ]] || ip neigh replace "$vip" lladdr "$mac" dev "$LVS_SERVER_IF" nud permanent
  done <<<"$LVS_NEIGHBOURS"
}

release_vips() {
  local old
  while read -r old _; do
    [[ -z $old ]] || ip neigh del "$old" dev "$LVS_SERVER_IF"
  done < <(static_entries)
}

expect_bound() {
  local vip mac entries
  entries=$(static_entries)
  while read -r vip mac; do
    [[ -z $vip ]] || has_line "$entries" "$vip $mac" ||
      problem neighbour-differs "$vip" "no permanent neighbour entry $vip -> $mac"
  done <<<"$LVS_NEIGHBOURS"
  [[ -z $entries || -n $LVS_NEIGHBOURS ]] ||
    problem neighbour-differs "" "permanent neighbour entries left: ${entries//$'\n'/; }"
}
