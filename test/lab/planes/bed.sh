#!/usr/bin/env bash
# In a guest: one segment with real servers that answer, refuse, are silent or say something else, and pairs of directors on it, of which one has
# ldirectord and one keepalived, each in a network namespace of its own and with the unit that the lab gives it.
#
# bed.sh make PAIRS <SERVERS   SERVERS has a line on each address of a server: WHAT ADDRESS; WHAT is good, wrong, error, refused or silent
# bed.sh run HOLD <TAR         each pair N gets the files below N/, starts both daemons and waits until both tables are N/expected, and
#                              again when HOLD seconds have passed; prints what they are then
# bed.sh cost SECONDS          prints for how many of them each daemon keeps a processor busy, with all that it starts
# bed.sh dead WHAT ADDRESS…    these become refused or silent, all at once; prints the seconds until none of them has a weight in a table, of the
#                              slowest daemon, and waits until all are back
# bed.sh end                   ends the daemons that have files
#
# Below N/PLANE/: unit, found (rules of the table that the daemon finds), and what it has below /etc/ha.d, /etc/lvs-dr and as the guest's payload.
set -euo pipefail

readonly BED=/run/planes PLANES="ldirectord keepalived"
# Seconds for a guest without KVM to start daemons and find what is dead.
readonly PATIENCE=300

make() {
  local pairs=$1 plane pair number=130
  mkdir -p "$BED" /usr/local/lib/lvs-dr
  modprobe -a ip_vs ip_vs_rr ip_vs_wrr
  cat >"$BED/servers"
  segment
  servers
  # shellcheck disable=SC2016 # the program expands it
  printf '%s\n' '#!/bin/bash' 'exec 3<>"/dev/tcp/$3/80"' >/usr/local/bin/bed-check
  chmod 0755 /usr/local/bin/bed-check
  for plane in $PLANES; do
    for ((pair = 1; pair <= pairs; pair++)); do
      number=$((number + 1))
      director "$plane-$pair" "$number"
    done
    drop_in "$plane"
  done
}

segment() {
  ip netns add servers
  {
    printf '%s\n' "link set lo up" "link add lan type bridge" "link set lan up"
    awk '{print "addr add " $2 ($2 ~ /:/ ? "/64 nodad" : "/24") " dev lan"}' "$BED/servers"
  } | ip -n servers -batch -
}

# addresses WHAT FAMILY: of all such servers, separated by commas.
addresses() { awk -v what="$1" -v six="$2" '$1 == what && (($2 ~ /:/) == (six == 6)) {printf "%s%s", comma, $2; comma = ","}' "$BED/servers"; }

servers() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=bed -keyout "$BED/key" -out "$BED/certificate" 2>/dev/null
  ip netns exec servers nft -f - <<RULES
table inet bed {
  chain input {
    type filter hook input priority 0
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    ip daddr { $(addresses silent 4) } drop
    ip6 daddr { $(addresses silent 6) } drop
    ip daddr { $(addresses refused 4) } meta l4proto tcp reject with tcp reset
    ip6 daddr { $(addresses refused 6) } meta l4proto tcp reject with tcp reset
  }
}
RULES
  cat >"$BED/nginx.conf" <<CONF
worker_processes 1; pid $BED/nginx.pid; error_log $BED/nginx.log;
events { worker_connections 512; }
http {
  access_log off; default_type text/html;
  map \$server_addr \$what { default good; $(awk '{print $2 " " $1 ";"}' "$BED/servers" | paste -sd ' ') }
  map \$what \$said { default "a test page, v1.5\nand more\n"; wrong "something else\n"; }
  server {
    listen 80; listen [::]:80 ipv6only=on; listen 8080; listen [::]:8080 ipv6only=on;
    listen 443 ssl; listen [::]:443 ssl ipv6only=on;
    ssl_certificate $BED/certificate; ssl_certificate_key $BED/key;
    if (\$what = error) { return 500 \$said; }
    location / { return 200 \$said; }
    location /absent { return 404; }
    location /named {
      if (\$http_host !~ ^www\.example\.com(:|\$)) { return 404; }
      return 200 \$said;
    }
  }
}
CONF
  ip netns exec servers nginx -c "$BED/nginx.conf"
  cat >"$BED/mail.pl" <<'PERL'
use strict;
use Socket qw(:all);
my %what = map { my ($what, $address) = split; ($address => $what) } do { open my $in, '<', $ARGV[0] or die; <$in> };
socket my $server, AF_INET6, SOCK_STREAM, 0 or die $!;
setsockopt $server, SOL_SOCKET, SO_REUSEADDR, 1;
bind $server, pack_sockaddr_in6(25, inet_pton(AF_INET6, '::')) or die $!;
listen $server, 64 or die $!;
$SIG{ALRM} = sub { die };
$SIG{PIPE} = 'IGNORE';
while (1) {
    accept my $peer, $server or next;
    my (undef, $own) = unpack_sockaddr_in6(getsockname $peer);
    (my $address = inet_ntop(AF_INET6, $own)) =~ s/^::ffff://;
    eval {
        alarm 3;
        my $good = $what{$address} eq 'good';
        syswrite $peer, $good ? "220 bed ESMTP\r\n" : "421 not now\r\n";
        while ($good && defined(my $line = <$peer>)) {
            syswrite $peer, $line =~ /^quit/i ? "221 bye\r\n" : "250 bed\r\n";
            last if $line =~ /^quit/i;
        }
    };
    alarm 0;
    close $peer;
}
PERL
  ip netns exec servers setsid perl -w "$BED/mail.pl" "$BED/servers" >/dev/null 2>"$BED/mail.log" </dev/null &
}

# director NAME NUMBER
director() {
  ip netns add "$1"
  ip -n servers -batch - <<LINES
link add p$2 type veth peer name eth0 netns $1
link set p$2 master lan up
LINES
  ip -n "$1" -batch - <<LINES
link set lo up
link set eth0 up
addr add 192.168.31.$2/24 dev eth0
addr add fd00:31::$2/64 dev eth0 nodad
LINES
}

# drop_in PLANE: all that its unit has here that it has not in a lab.
drop_in() {
  local directory=/run/systemd/system/lvs-dr-$1@.service.d files=$BED/%i/$1
  mkdir -p "$directory"
  cat >"$directory/bed.conf" <<DROPIN
[Service]
NetworkNamespacePath=/run/netns/$1-%i
BindPaths=$files/run:/run $files/ha.d:/etc/ha.d $files/lvs-dr:/etc/lvs-dr $files/lvs-dr/payload:/usr/local/sbin/lvs-dr
DROPIN
}

# each COMMAND...: with PLANE and PAIR, for all that have files; in UNIT and FILES what is theirs.
each() {
  local found
  for found in "$BED"/[0-9]*/*/found; do
    FILES=${found%/found}
    PLANE=${FILES##*/} PAIR=${FILES%/*}
    PAIR=${PAIR##*/}
    UNIT=lvs-dr-$PLANE@$PAIR.service
    "$@"
  done
}

inside() { nsenter --net="/run/netns/$PLANE-$PAIR" "$@"; }

# unpack: in the place of the files before, in directories that daemons have mounted.
unpack() {
  rm -f "$BED"/[0-9]*/*/{found,ha.d/*,lvs-dr/*}
  tar -C "$BED" -x
}

prepare() {
  mkdir -p "$FILES/run/lvs-dr" "$FILES/ha.d" "$FILES/lvs-dr"
  cp "$FILES/unit" "/run/systemd/system/$UNIT"
  # As director.sh has it: what has been read is not read again at a reload.
  if [[ $PLANE == ldirectord ]]; then cp "$FILES/ha.d/ldirectord.cf" "$FILES/run/lvs-dr/"; fi
  inside ipvsadm -C
  inside ipvsadm -R <"$FILES/found"
}

# start: a daemon that runs gets its new configuration as director.sh gives it: ldirectord by a reload, keepalived by a restart.
start() {
  each prepare
  systemctl daemon-reload
  each begin
}

begin() {
  local how=reload-or-restart
  [[ $PLANE == ldirectord ]] || how=restart
  systemctl "$how" --no-block "$UNIT"
}

# settled SECONDS: waits so long at most until each table is the expected one; what they are is in FILES/now.
settled() {
  perl -w - "$BED" "$1" <<'PERL'
use strict;
my ($bed, $seconds) = @ARGV;
my @left = glob "$bed/[0-9]*/*/found";
my $deadline = time + $seconds;
while (1) {
    @left = grep { !is_expected($_) } @left;
    last if !@left || time >= $deadline;
    sleep 3;
}

sub is_expected {
    my ($files, $pair, $plane) = $_[0] =~ m{^(.*/(\d+)/(\w+))/found$} or die;
    open my $save, '-|', 'nsenter', "--net=/run/netns/$plane-$pair", 'ipvsadm', '-Sn' or die;
    my $table = join '', sort map { s/ *$//r } <$save>;
    open my $now, '>', "$files/now" or die;
    print $now $table;
    close $now;
    open my $expected, '<', "$bed/$pair/expected" or die;
    return $table eq join '', <$expected>;
}
PERL
}

print() {
  printf '== %s %s %s %s\n' "$PAIR" "$PLANE" "$(systemctl show -P ActiveState "$UNIT")" "$(systemctl show -P NRestarts "$UNIT")"
  cat "$FILES/now"
  cmp -s "$FILES/now" "${FILES%/*}/expected" || journalctl -q -b -u "$UNIT" -n 20 --no-pager -o cat | sed 's/^/# /'
}

cost() {
  local before
  before=$(each used)
  sleep "$1"
  paste -d ' ' <(each used) <(echo "$before") | awk '{printf "%s %s %.3f\n", $1, $2, ($3 - $6) / 1e9}'
}

used() { echo "$PAIR $PLANE $(systemctl show -P CPUUsageNSec "$UNIT")"; }

dead() {
  local verdict=drop began
  [[ $1 != refused ]] || verdict="meta l4proto tcp reject with tcp reset"
  shift
  began=$EPOCHREALTIME
  ip netns exec servers nft "add table inet dead; add chain inet dead input { type filter hook input priority -1; }; add rule inet dead input ip daddr { $(
    IFS=,
    echo "$*"
  ) } $verdict"
  each gone "$@"
  awk -v began="$began" -v now="$EPOCHREALTIME" 'BEGIN {printf "%.2f\n", now - began}'
  ip netns exec servers nft delete table inet dead
  settled 60
}

# gone ADDRESS…: waits until none of them has a weight.
gone() {
  # shellcheck disable=SC2016 # the variables are Perl's
  inside perl -we '
    use strict;
    my $dead = join "|", map { sprintf "%02X%02X%02X%02X", split /\./ } @ARGV;
    while (1) {
      open my $table, "<", "/proc/net/ip_vs" or die $!;
      last unless grep { /^  -> (?:$dead):\S+ +\S+ +[1-9]/ } <$table>;
      select undef, undef, undef, 0.05;
    }' "$@"
}

end() {
  each systemctl_stop
  rm -f "$BED"/[0-9]*/*/found
}

systemctl_stop() { systemctl stop "$UNIT"; }

run() {
  unpack
  start
  settled "$PATIENCE"
  sleep "$1"
  settled 60
  each print
}

"$@"
