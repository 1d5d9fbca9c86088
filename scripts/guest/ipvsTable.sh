#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154
# The kernel's IPVS table as director.sh changes it: additions, edits and deletions, never a flush; weight 0 and time before an
# entry goes; and a comparison with what is meant.
# Settings: LVS_IPVS_RULES (`ipvsadm -R` lines, and notes as comments: model/guestSettings.ts), LVS_MODE, LVS_DRAIN_SECONDS,
# LVS_SETTLE_SECONDS.

# What the last runs drained; away when one has brought its change to an end.
readonly DRAINED=/run/lvs-dr/drained

table() { ipvsadm -Sn; }

# What follows is read by builtins: a process costs a guest without KVM 25 to 100 ms, and awk for each look would be most of a run.

# services: "-t 10.0.0.100:80" for each service in rules read on stdin.
services() {
  local words
  while read -ra words; do [[ ${words[0]-} != -A ]] || echo "${words[*]:1:2}"; done
}
# servers: "-t 10.0.0.100:80 -r 192.168.7.10:80" for each real server in rules read on stdin.
servers() {
  local words
  while read -ra words; do [[ ${words[0]-} != -a ]] || echo "${words[*]:1:4}"; done
}

# without NAMES: the lines of stdin that NAMES (a list in $1) does not have.
without() {
  local line
  while read -r line; do [[ $'\n'$1$'\n' == *$'\n'"$line"$'\n'* ]] || printf '%s\n' "$line"; done
}

# active_connections SERVICE SERVER: ActiveConn of one entry; 0 when it is not there.
active_connections() {
  # shellcheck disable=SC2086 # the service is a flag and an address
  ipvsadm -Ln $1 2>/dev/null | awk -v rs="${2}" '$1 == "->" && $2 == rs {n = $5} END {print n + 0}'
}

# drain_gone RULES: entries that RULES no longer have get weight 0 and time for their connections to end.
drain_gone() {
  local gone entry deadline left=0
  gone=$(table | servers | without "$(servers <<<"$1")" | without "$(sorry_entries)")
  [[ -n $gone ]] || return 0
  mkdir -p "${DRAINED%/*}"
  printf '%s\n' "$gone" >>"$DRAINED"
  while read -r entry; do
    # shellcheck disable=SC2086
    if ipvsadm -e $entry -g -w 0; then log "draining ${entry##* }"; fi
  done <<<"$gone"
  deadline=$((SECONDS + LVS_DRAIN_SECONDS))
  while ((SECONDS < deadline)); do
    left=0
    while read -r entry; do
      left=$((left + $(active_connections "${entry% -r *}" "${entry##* }")))
    done <<<"$gone"
    ((left == 0)) && return 0
    sleep 0.5
  done
  log "drain: $left connections still open after ${LVS_DRAIN_SECONDS} s"
}

# undrain FORMER: servers that FORMER, the rules until now, or a change that was not brought to its end had drained, and that
# are to serve again, get their weight before ldirectord reads of it: it takes whatever has weight 0 for dead, and would delete
# the entry, its open connections with it, until the next check. One that fails that check (without a note: does not accept a
# connection) is left to it.
undrain() {
  local former=$1 rule address port entry
  [[ -e $DRAINED || $former == *" -w 0"* ]] || return 0
  while read -r rule; do
    address=${rule#* -r } && address=${address%% *}
    port=${address##*:} && address=${address%:*}
    entry=${rule#-a } && entry=${entry%% -g *}
    if [[ $'\n'$LVS_IPVS_RULES == *$'\n# check: '"$entry "* ]]; then
      passes "$entry" || continue
    elif [[ $rule == "-a -t "* ]]; then
      timeout 1 bash -c "exec 3<>/dev/tcp/${address//[\[\]]/}/$port" 2>/dev/null || continue
    fi
    # shellcheck disable=SC2086 # a rule is several words
    if ipvsadm -e ${rule#-a }; then log "serving again: $address:$port"; fi
  done < <({
    printf '%s\n' "$former"
    [[ ! -e $DRAINED ]] || sed 's/.*/-a & -g -w 0/' "$DRAINED"
    echo "== table" && table && echo "== meant" && meant_rules
  } | awk '
    BEGIN { part = 0 }
    /^==/ { part++; next }
    $1 != "-a" { next }
    { key = $2 " " $3 " " $5; zero = / -w 0( |$)/ }
    part < 2 && zero { drained[key, part] = 1 }
    part == 2 && !zero && (key, 0) in drained && (key, 1) in drained')
}

# sorry_entries: the sorry servers' entries, which only ldirectord adds and removes.
sorry_entries() {
  local line
  while read -r line; do [[ $line != "# sorry: "* ]] || echo "${line#\# sorry: }"; done <<<"$LVS_IPVS_RULES"
}

meant_rules() {
  local line
  while read -r line; do [[ -z $line || $line == \#* ]] || printf '%s\n' "$line"; done <<<"$LVS_IPVS_RULES"
}

# edit_table RULES: makes the kernel's table equal to RULES by additions, edits and deletions.
edit_table() {
  local rules=$1 now line key
  now=$(table)
  while read -r line; do
    [[ -n $line ]] || continue
    case $line in
    -A*) key=$(services <<<"$line") && if [[ -z $(without "$(services <<<"$now")" <<<"$key") ]]; then line="-E ${line#-A }"; fi ;;
    -a*) key=$(servers <<<"$line") && if [[ -z $(without "$(servers <<<"$now")" <<<"$key") ]]; then line="-e ${line#-a }"; fi ;;
    esac
    # shellcheck disable=SC2086 # a rule is several words
    ipvsadm $line || die "$LVS_NODE: ipvsadm refused: $line"
  done <<<"$rules"
  while read -r line; do
    # shellcheck disable=SC2086
    [[ -z $line ]] || ipvsadm -d $line
  done < <(table | servers | without "$(servers <<<"$rules")")
  drop_services "$rules"
}

# drop_services RULES: takes away services that RULES no longer have.
drop_services() {
  local service
  while read -r service; do
    # shellcheck disable=SC2086
    [[ -z $service ]] || ipvsadm -D $service
  done < <(table | services | without "$(services <<<"$1")")
}

# prefill: a service that is not in the table yet (a director that boots) starts with all its servers. ldirectord would
# begin with the sorry server and swap it for each real one in turn; now it finds the table as it should be, and its
# first check takes the dead ones out.
prefill() {
  local service rule
  while read -r service; do
    while read -r rule; do
      [[ "${rule#* } " != "$service "* ]] || echo "$rule"
    done < <(meant_rules) | ipvsadm -R
  done < <(meant_rules | services | without "$(table | services)")
}

# differences: what the table on stdin holds that the configuration does not explain, one a line. Under ldirectord a
# real server may be absent (found dead), or have weight 0 in a service that is quiescent (`# quiescent: -t VIP:port`),
# and a sorry server may stand in for all of them (`# sorry: -t VIP:port -r ADDRESS:port`); anything else is as meant or wrong.
# What `scripts/lab verify diagnosis` has put there for some seconds is left out: firewall marks 27000 to 27099 (DIAGNOSIS_MARKS in
# model/ipvs.ts).
differences() {
  local now
  IFS= read -rd '' now || true
  awk -v mode="$LVS_MODE" '
    { sub(/ +$/, "") }
    /^== table$/ { intable = 1; next }
    intable && / -f 270[0-9][0-9] -[sr] / { next }
    !intable && $1 == "-A" { service[$0] = 1 }
    !intable && $1 == "-a" { server[$0] = 1; line = $0; sub(/ -w .*/, "", line); base[line] = 1 }
    !intable && $2 == "sorry:" { server["-a " $3 " " $4 " " $5 " " $6 " -g -w 1"] = 2 }
    !intable && $2 == "quiescent:" { quiescent[$3 " " $4] = 1 }
    intable && $1 == "-A" { if ($0 in service) delete service[$0]; else print "service not meant so: " $0 }
    intable && $1 == "-a" {
      line = $0; sub(/ -w .*/, "", line)
      if ($0 in server) seen[$0] = 1
      else if (!(($2 " " $3) in quiescent && line in base && / -w 0$/)) print "real server not meant so: " $0
      if (server[$0] == 2) sorry[$2 " " $3] = $0
      else if (!/ -w 0$/) live[$2 " " $3] = 1
    }
    END {
      for (line in service) print "service missing: " line
      for (key in sorry) if (key in live) print "sorry server beside live ones: " sorry[key]
      if (mode == "static") for (line in server) if (server[line] && !(line in seen)) print "real server missing: " line
    }' <<<"$LVS_IPVS_RULES"$'\n== table\n'"$now"
}

# limits: connection thresholds that the kernel holds otherwise than meant (`# thresholds: -t VIP:port -r RIP:port UPPER LOWER`),
# by the table on stdin those of servers that get connections: a quiescent one has lost them.
limits() {
  [[ $LVS_IPVS_RULES == *'# thresholds: '* ]] || return 0
  { cat && grep '^# thresholds: ' <<<"$LVS_IPVS_RULES" && ipvsadm -Ln --thresholds; } | awk '
    $1 == "-a" && !/ -w 0 *$/ { live[$2 " " $3 " -r " $5] = 1 }
    $2 == "thresholds:" { meant[$3 " " $4 " -r " $6] = $7 " " $8 }
    $1 == "TCP" || $1 == "UDP" { service = ($1 == "TCP" ? "-t " : "-u ") $2 }
    $1 == "->" {
      key = service " -r " $2
      if (key in live && key in meant && meant[key] != $3 " " $4)
        print "thresholds of " key " are " $3 " and " $4 ", meant " meant[key]
    }'
}

# absent: servers that are to get connections and by the table on stdin get none, each as "-t VIP:port -r RIP:port".
absent() {
  local words entries=''
  while read -ra words; do
    [[ ${words[0]-} != -a || "${words[*]} " == *" -w 0 "* ]] || entries+="${words[*]:1:4}"$'\n'
  done
  while read -ra words; do
    [[ ${words[0]-} != -a || "${words[*]} " == *" -w 0 "* ]] || echo "${words[*]:1:4}"
  done < <(meant_rules) | without "$entries"
}

# passes ENTRY: whether that real server gives now what ldirectord asks of it, by its note `# check: ENTRY on`, `… connect PORT` or
# `… http PORT SECONDS HOST PATH [RECEIVE]`; without a note nobody knows, and ldirectord is believed.
passes() {
  local address=${1##* } kind port seconds host path receive
  address=${address%:*}
  [[ $'\n'$LVS_IPVS_RULES$'\n' =~ $'\n# check: '"$1 "([^$'\n']*) ]] || return 1
  read -r kind port seconds host path receive <<<"${BASH_REMATCH[1]}"
  # shellcheck disable=SC2016 # the inner shell and perl expand these
  case $kind in
  on) ;;
  connect) timeout 1 bash -c "exec 3<>/dev/tcp/$address/$port" 2>/dev/null ;;
  http)
    timeout "$seconds" bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" "$4" "$3" >&3 && cat <&3' \
      bash "$address" "$port" "$host" "$path" 2>/dev/null |
      RECEIVE=$receive perl -0777 -e '$_ = <STDIN> // ""; exit !(m{^HTTP/\S+ 2} && s/^.*?\r?\n\r?\n//s && m{(?:$ENV{RECEIVE})})'
    ;;
  *) return 1 ;;
  esac
}

# withheld: absent servers, by the table on stdin, that pass their check: a change that the kernel refused, for ldirectord only
# writes that into its log, or one that is still to come. A host that is off costs a second: all are asked at once.
withheld() {
  local entry
  while read -r entry; do
    { ! passes "$entry" || echo "real server missing though it passes its check: $entry"; } &
  done < <(absent)
  wait
}

# settle MORE: waits until ldirectord has made the table what is meant, LVS_SETTLE_SECONDS and MORE at most. A server that is
# missing must fail a check: who does not is waited for.
settle() {
  local limit=$((LVS_SETTLE_SECONDS + $1)) now wrong deadline
  deadline=$((SECONDS + limit))
  while true; do
    now=$(table)
    wrong=$(differences <<<"$now" && limits <<<"$now")
    [[ -n $wrong ]] || wrong=$(withheld <<<"$now")
    [[ -n $wrong ]] || break
    ((SECONDS < deadline)) || die "$LVS_NODE: after $limit s the kernel's table is not what was meant: $wrong"
    sleep 0.3
  done
  while read -r wrong; do log "taken for dead: $wrong"; done < <(absent <<<"$now")
}
