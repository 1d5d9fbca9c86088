# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034 # the made-up commands expand what is quoted here; PORT is for the tests
# What the tests of scripts/guest/ share: its functions, run on this host with nothing of it in reach. Sourced by guest*.test.sh.

# guest_text FILE...: scripts of scripts/guest/ with every path of a guest below $T and only the made-up host's commands.
guest_text() {
  local file
  for file in "$@"; do
    sed -E -e '/^dispatch /d' -e "s#PATH=[/a-z:]+#PATH=$BIN#" -e "s#(^|[^A-Za-z0-9_./}])/(run|etc|usr/local|usr/sbin|proc/sys|proc/net|var/lib|var/spool|var/www|srv)/#\1$T/guest/\2/#g" \
      -e "s#/proc/\[0-9\]#$T/guest&#" \
      "$ROOT/scripts/guest/$file"
  done
}

# guest_tools: what every guest has, and not every host.
guest_tools() {
  local name path
  for name in cmp comm perl; do
    path="$(PATH=/usr/bin:/bin command -v "$name")" || skip "$name is not installed"
    ln -sf "$path" "$BIN/$name"
  done
}

# guest FILES SCRIPT [SETTING=VALUE...]: runs SCRIPT behind these files, with settings that are plain but for the given ones; inside of
# $UNDER, if that is set.
guest() {
  local files=${1/common.sh/common.sh addresses.sh} script=$2
  shift 2
  mkdir -p "$T"/guest/{run/lvs-dr,etc/lvs-dr,usr/local/sbin,srv/lvs-dr}
  guest_tools
  # shellcheck disable=SC2086 # files are several words
  { guest_text $files && printf '%s\n' "$script"; } >"$T/script"
  # shellcheck disable=SC2086 # maybe a command with its options
  run ${UNDER:-} env LVS_NODE=node LVS_ROLE=role LVS_VIPS=10.0.0.100/32 LVS_IF=eth0 LVS_MODE=ldirectord LVS_SORRY_PORTS='' LVS_TABLE="" LVS_TABLE_PROGRAM="$(cat "$ROOT/scripts/guest/ipvsTable.pl")" \
    LVS_DRAIN_SECONDS=5 LVS_SETTLE_SECONDS=1 LVS_LDIRECTORD_MODULE=1 LVS_LDIRECTORD_TLS='' LVS_CHECKERS_CONF='' LVS_JUDGED_SECONDS='' LVS_ALERTS='' LVS_MARKS='' LVS_IPVS_TIMEOUTS='300 120 300' "$@" bash "$T/script"
}

# fake_ipvsadm: the stand-in of the services suite, with what director.sh calls beside the changes: -Sn, -R, -Ln. Connections are told by
# lines "SERVER COUNT" in $T/active.
fake_ipvsadm() {
  export LVS_SERVICES_TABLE="$T/table" PERL5LIB="$ROOT/scripts/host/ldirectord-dry-run" STUB="$ROOT/test/services/ipvsadm" T
  guest_tools
  : >"$T/table"
  : >"$T/active"
  fake ipvsadm '
case $1 in
--set) ;;
-Sn)
  cd "$(mktemp -d "$T/save.XXXXXX")"
  perl -MDryRun -e "while (<STDIN>) { chomp; my (undef, @words) = split / /; DryRun::change(@words); } DryRun::save_table()" <"$T/table"
  [[ ! -e table ]] || sed -E "s/ -x [0-9]+ -y [0-9]+$//" table
  ;;
-R) while read -r line; do perl "$STUB" $line || exit; done ;;
-Ln)
  perl "$STUB" -L -n ${2:+"$2"} | awk -v service="${3:-}" -v active="$T/active" '"'"'
    BEGIN { while ((getline line <active) > 0) { split(line, word, " "); count[word[1]] = word[2] } }
    /^(TCP|UDP)/ { shown = service == "" || $2 == service }
    $1 == "->" && NF > 2 { $5 = count[$2] + 0 }
    shown'"'"'
  ;;
*) exec perl "$STUB" "$@" ;;
esac'
}

# shellcheck disable=SC2120 # for the tests
# expected [LINE...]: an expected table as ipvsTable.pl reads it, for a director with ldirectord; the fields of a line are separated by "|".
expected() { printf 'node\tnode\nmode\t%s\n' "${MODE:-ldirectord}" && { (($# == 0)) || printf '%s\n' "$@" | tr '|' '\t'; }; }

# lines LINE...: one below the other.
lines() { printf '%s\n' "$@"; }
# table_holds LINE...: the kernel's table, in any order.
table_holds() { equals "$(ipvsadm -Sn | sort)" "$(lines "$@" | sort)"; }
# fill LINE...: the table is made of these.
fill() { lines "$@" | ipvsadm -R; }
# changes: what was done to the table since `fill`.
changes() { tail -n "+$((${1:-0} + 1))" "$T/table" | cut -d ' ' -f 2-; }

# web PORT [STATUS [BODY [SECONDS]]]: a web server at 127.0.0.1 that answers all requests so, after SECONDS.
web() {
  guest_tools
  perl -MIO::Socket::INET -e 'my ($port, $status, $body, $seconds) = @ARGV;
    my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port, Listen => 5, ReuseAddr => 1) or die;
    $| = 1; print $s->sockport, "\n";
    while (my $c = $s->accept) { while (<$c>) { last if /^\r?$/ } select(undef, undef, undef, $seconds); print $c "HTTP/1.1 $status\r\nServer: x\r\n\r\n$body"; close $c; }' \
    "$1" "${2:-200 OK}" "${3:-test}" "${4:-0}" >"$T/port" &
  WEB=$!
  while [[ ! -s $T/port ]]; do sleep 0.05; done
  PORT="$(cat "$T/port")"
}
clean_up() { [[ -z ${WEB:-} ]] || kill "$WEB"; }

# fake_director: what the scripts of one of two directors call, whoever decides between them.
fake_director() {
  fake ipvsadm 'cat "$T/daemons" 2>/dev/null || true'
  fake ip 'cat "$T/addresses" 2>/dev/null || true'
  fake arping '[[ -e $T/answers ]]'
  fake systemctl 'echo "systemctl $*"'
  fake sleep ''
}
