#!/usr/bin/perl -w
# The kernel's IPVS table on a director: compared with the expected one, and changed by additions, edits and deletions, never by
# a flush, so that connections live on.
#
# usage: ipvsTable.pl ACTION [ARGUMENT...] [+ ACTION [ARGUMENT...]]... <EXPECTED     (director.sh; rendered by model/guest/settings.ts)
#
# Several actions share one start of Perl, which costs an emulated guest 0.15 s.
#
# EXPECTED has one object a line, its fields separated by tabs. KEY is the service as ipvsadm names it: "-t 10.0.0.100:80".
#   node     NAME
#   mode     static | ldirectord | keepalived
#   service  KEY OPTIONS QUIESCENT SORRY    options of `ipvsadm -A`; 1 where a server of weight 0 stays in the table; ADDRESS:PORT
#   server   KEY NAME ADDRESS:PORT WEIGHT LIMITS CHECK...
# LIMITS is "UPPER LOWER", the connection thresholds, or empty where none are configured. CHECK is what ldirectord asks, as far as
# this program can ask it too: on | connect PORT | http PORT SECONDS HOST PATH RECEIVE. Without one, ldirectord is believed.
#
# No modules but Socket, and that only to ask a server: an emulated guest needs 50 ms to load `warnings`, for which -w stands in.
use strict;

my $node = '?';
my $mode = 'static';
my @services;
my %service;

my %ACTION = (
    rules    => sub { print map { "$_\n" } rules() },
    prefill  => \&prefill,
    edit     => \&edit,
    withhold => \&withhold,
    drop     => \&drop_services,
    drain    => \&drain,
    undrain  => \&undrain,
    compare  => \&compare,
    pending  => sub { exit !(my @found = unsettled(table())) },
    settle   => \&settle,
);

# Firewall marks of the services that `scripts/lab verify diagnosis` adds for some seconds: DIAGNOSIS_MARKS in model/director/ipvs/table.ts.
sub of_diagnosis { $_[0] =~ /^-f 27[0-2]\d\d(?: -6)?$/ }

sub note { print STDERR "lvs-dr: @_\n" }
sub fail { note("$node: @_"); exit 1 }
sub nap  { select undef, undef, undef, shift }

# "tcp 10.0.0.100:80": the service as people read it.
sub title {
    my ($option, $target) = split ' ', shift, 2;
    return { -t => 'tcp', -u => 'udp', -f => 'fwm' }->{$option} . " $target";
}

# "rs1 192.168.7.10:80": a real server as people read it.
sub called {
    my ($owner, $address) = @_;
    my ($known) = grep { $_->{address} eq $address } @{ $owner->{servers} };
    return $known ? "$known->{name} $address" : $address;
}

sub read_expected {
    while (my $line = <STDIN>) {
        chomp $line;
        my ($kind, @fields) = split /\t/, $line, -1;
        next if !defined $kind;
        if    ($kind eq 'node') { $node = $fields[0] }
        elsif ($kind eq 'mode') { $mode = $fields[0] }
        elsif ($kind eq 'service') {
            my %new = (servers => []);
            @new{qw(key options quiescent sorry)} = @fields;
            push @services, $service{ $new{key} } = \%new;
        }
        elsif ($kind eq 'server') {
            my %new;
            (my $key, @new{qw(name address weight limits)}, my @check) = @fields;
            $new{check} = \@check;
            push @{ $service{$key}{servers} }, \%new;
        }
    }
}

sub rules {
    return map {
        my $each = $_;
        "-A $each->{key} $each->{options}", map { "-a $each->{key} -r $_->{address} -g -w $_->{weight}" } @{ $each->{servers} };
    } @services;
}

# The kernel's table: KEY => { options, servers => { ADDRESS:PORT => { flag, weight } } }.
sub table {
    my ($text) = @_ ? @_ : save();
    my %now;
    for (split /\n/, $text) {
        s/\s+$//;
        if (/^-A (\S+ \S+(?: -6)?)(?: (.*))?$/) { $now{$1} = { options => $2 // '', servers => {} } }
        elsif (/^-a (\S+ \S+(?: -6)?) -r (\S+) (-[gim]) -w (\d+)/) { $now{$1}{servers}{$2} = { flag => $3, weight => $4 } }
    }
    return \%now;
}

sub entry {
    my ($now, $key, $address) = @_;
    return $now->{$key} && $now->{$key}{servers}{$address};
}

sub save {
    my $text = qx(ipvsadm -Sn);
    fail("ipvsadm -Sn failed with status " . ($? >> 8)) if $?;
    return $text;
}

# ipvsadm LINE: one change; false when the kernel refuses it.
sub ipvsadm { return system('ipvsadm', map { split ' ' } @_) == 0 }

# prefill: a service that is not in the table yet (a director that boots) starts with all its servers. ldirectord would begin with
# the sorry server and swap it for each real one in turn; so it finds the table as it should be, and takes the dead ones out.
sub prefill {
    my $now = table();
    my @missing = grep { !$now->{$_} } map { $_->{key} } @services;
    return if !@missing;
    open my $restore, '|-', 'ipvsadm', '-R' or fail("cannot run ipvsadm: $!");
    my %missing = map { $_ => 1 } @missing;
    for my $rule (rules()) { print $restore "$rule\n" if $rule =~ /^-[Aa] (\S+ \S+(?: -6)?) / && $missing{$1} }
    close $restore or fail('ipvsadm refused the services that were missing');
}

# edit [present]: makes the kernel's table equal to the expected one; with `present` only as far as it can without giving connections to a
# server that has none now: those are for who checks them.
sub edit {
    my $present = shift;
    my $now = table();
    for my $each (@services) {
        my ($key, $found) = ($each->{key}, $now->{ $each->{key} });
        change(($found ? '-E' : '-A') . " $key $each->{options}") if !$found || $found->{options} ne $each->{options};
        for my $server (@{ $each->{servers} }) {
            my $entry = $found && $found->{servers}{ $server->{address} };
            next if $entry && $entry->{flag} eq '-g' && $entry->{weight} == $server->{weight};
            next if $present && (!$entry || !$entry->{weight});
            change(($entry ? '-e' : '-a') . " $key -r $server->{address} -g -w $server->{weight}");
        }
        my %wanted = map { $_->{address} => 1 } @{ $each->{servers} };
        for my $address (sort keys %{ $found ? $found->{servers} : {} }) {
            change("-d $key -r $address") if !$wanted{$address} && !($present && $address eq $each->{sorry});
        }
    }
    drop_services();
}

# withhold FILE: prints keepalived.conf with weight 0 for real servers that have no connections to expect from the present table.
sub withhold {
    my %absent = map { ("$_->[0]{key} $_->[1]{address}" => 1) } absent(table());
    my ($key, $server);
    for (lines_of(shift)) {
        if    (/^virtual_server fwmark (\d+)/) { $key = "-f $1" }
        elsif (/^virtual_server (\S+) (\d+)/)  { $key = endpoint($1, $2) }
        elsif (/^  protocol (TCP|UDP)/)        { $key = ($1 eq 'TCP' ? '-t' : '-u') . " $key" }
        elsif (/^  real_server (\S+?)(?: (\d+))? \{/) {
            my $address = endpoint($1, $2 // 0);
            $server = ($key =~ /^-f/ && $address =~ /^\[/ ? "$key -6 " : "$key ") . $address;
        }
        elsif (/^    weight /)                 { s/\d+/0/ if $absent{$server} }
        print "$_\n";
    }
}

sub endpoint {
    my ($address, $port) = @_;
    return $address =~ /:/ ? "[$address]:$port" : "$address:$port";
}

sub change {
    my $line = shift;
    ipvsadm($line) or fail("ipvsadm refused: $line");
}

# drop: removes services that left the configuration.
sub drop_services {
    my $now = table();
    for (sort keys %$now) { change("-D $_") if !$service{$_} && !of_diagnosis($_) }
}

# drain SECONDS FILE: real servers that left the configuration get weight 0, and up to SECONDS for their connections to end. FILE lists
# what was drained until the whole change has been made.
sub drain {
    my ($seconds, $file) = @_;
    my $now = table();
    my @gone;
    for my $key (sort keys %$now) {
        next if of_diagnosis($key);
        my $each = $service{$key};
        my %stays = map { $_ => 1 } ($each ? ($each->{sorry}, map { $_->{address} } @{ $each->{servers} }) : ());
        push @gone, map { [$key, $_] } grep { !$stays{$_} } sort keys %{ $now->{$key}{servers} };
    }
    return if !@gone;
    append($file, map { "$_->[0] -r $_->[1]" } @gone);
    for (@gone) {
        my ($key, $address) = @$_;
        my $flag = $now->{$key}{servers}{$address}{flag};
        note("draining $address") if ipvsadm("-e $key -r $address $flag -w 0");
    }
    my ($left, $deadline) = (0, time + $seconds);
    while (time < $deadline) {
        my $active = active_connections();
        $left = 0;
        $left += $active->{"$_->[0] -r $_->[1]"} // 0 for @gone;
        return if !$left;
        nap(0.5);
    }
    note("drain: $left connections still open after $seconds s");
}

sub append {
    my ($file, @lines) = @_;
    (my $directory = $file) =~ s{/[^/]*$}{};
    mkdir $directory;
    open my $out, '>>', $file or fail("cannot write $file: $!");
    print $out map { "$_\n" } @lines;
    close $out or fail("cannot write $file: $!");
}

# ActiveConn of each entry, by "KEY -r ADDRESS:PORT".
sub active_connections { return { map { ("$_->[0] -r $_->[1]" => $_->[4]) } listing() } }

# listing OPTION...: the rows of `ipvsadm -Ln`, each as [KEY, ADDRESS:PORT, VALUE...].
sub listing {
    my ($key, @rows);
    for (qx(ipvsadm -Ln @_)) {
        my @words = split;
        if (/^(TCP|UDP|FWM) +(\S+)( IPv6)?/) { $key = { TCP => '-t', UDP => '-u', FWM => '-f' }->{$1} . " $2" . ($3 ? ' -6' : '') }
        elsif (defined $key && @words > 3 && $words[0] eq '->') { push @rows, [$key, @words[1 .. $#words]] }
    }
    return @rows;
}

# undrain FORMER FILE: servers that FORMER (the rules until now) or a change that was cut off (FILE) had drained, and that are to serve
# again, get their weight before ldirectord reads of it: it takes whatever has weight 0 for dead, and would delete the entry, its open
# connections with it, until the next check. A server that fails that check is left to ldirectord.
sub undrain {
    my ($former, $file) = @_;
    my %drained;
    for (lines_of($former)) { $drained{"$1 -r $2"} = 1 if /^-a (\S+ \S+(?: -6)?) -r (\S+) .*-w 0\b/ }
    $drained{$_} = 1 for lines_of($file);
    return if !%drained;
    my $now = table();
    for my $each (@services) {
        for my $server (@{ $each->{servers} }) {
            my $entry = entry($now, $each->{key}, $server->{address});
            next if !$drained{"$each->{key} -r $server->{address}"} || !$server->{weight} || !$entry || $entry->{weight};
            my $port = port_of($server);
            my @check = @{ $server->{check} } ? @{ $server->{check} } : $each->{key} =~ /^-t/ ? ('connect', $port) : ('on');
            next if !passes($server, @check);
            note("serving again: $server->{address}") if ipvsadm("-e $each->{key} -r $server->{address} -g -w $server->{weight}");
        }
    }
}

sub lines_of {
    my $file = shift;
    open my $in, '<', $file or return;
    chomp(my @lines = <$in>);
    return @lines;
}

sub host_of { $_[0]{address} =~ /^\[?(.*?)\]?:\d+$/ ? $1 : '' }
sub port_of { $_[0]{address} =~ /:(\d+)$/ ? $1 : 0 }

# passes SERVER CHECK...: whether the server gives now what ldirectord asks of it.
sub passes {
    my ($server, $kind, $port, $seconds, $host, $path, $receive) = @_;
    return 1 if $kind eq 'on';
    my $passes = eval {
        local $SIG{ALRM} = sub { die "time\n" };
        alarm($kind eq 'http' ? $seconds : 1);
        my $peer = connection(host_of($server), $port);
        return 1 if $kind eq 'connect';
        syswrite $peer, "GET $path HTTP/1.0\r\nHost: $host\r\n\r\n";
        my $text = '';
        1 while sysread $peer, $text, 65536, length $text;
        return $text =~ m{^HTTP/\S+ 2} && $text =~ s/^.*?\r?\n\r?\n//s && $text =~ m{(?:$receive)};
    };
    alarm 0;
    return $passes;
}

# connection ADDRESS PORT: a connected socket; dies without one.
sub connection {
    require Socket;
    my %numeric = (flags => Socket::AI_NUMERICHOST(), socktype => Socket::SOCK_STREAM());
    my ($error, $target) = Socket::getaddrinfo(@_, \%numeric);
    die "$error\n" if $error;
    socket my $peer, $target->{family}, $target->{socktype}, $target->{protocol} or die "$!\n";
    connect $peer, $target->{addr} or die "$!\n";
    return $peer;
}

# differences TABLE: what the configuration does not explain, each as [CODE, SUBJECT, DETAIL, TEXT]. Under ldirectord a real server may be
# absent (found dead), or have weight 0 in a service that is quiescent, and the sorry server may stand in for all of them.
sub differences {
    my $now = shift;
    my @found;
    for my $each (@services) {
        my ($key, $title) = ($each->{key}, title($each->{key}));
        my $entry = $now->{$key};
        if (!$entry) {
            push @found, ['service-missing', $title, $each->{options}, "service $title: not in the kernel's table"];
            next;
        }
        push @found, ['service-differs', $title, $entry->{options}, "service $title: $entry->{options}, expected $each->{options}"]
            if $entry->{options} ne $each->{options};
        push @found, server_differences($each, $entry);
    }
    for my $key (sort keys %$now) {
        next if $service{$key} || of_diagnosis($key);
        push @found, ['service-unexpected', title($key), $now->{$key}{options}, "service " . title($key) . ': not configured'];
    }
    return @found;
}

sub server_differences {
    my ($each, $entry) = @_;
    my ($title, $servers) = (title($each->{key}), $entry->{servers});
    my %known = map { $_->{address} => $_ } @{ $each->{servers} };
    my @found;
    for my $address (sort keys %$servers) {
        my ($found, $server, $called) = ($servers->{$address}, $known{$address}, called($each, $address));
        my $subject = $server ? $server->{name} : $address;
        if (!$server) {
            next if $address eq $each->{sorry} && $found->{flag} eq '-g' && $found->{weight} == 1;
            push @found, ['server-unexpected', $subject, $title, "$called: not configured in service $title"];
            next;
        }
        push @found, ['forwarding-differs', $subject, $title, "$called: forwarded by $found->{flag} in service $title, expected -g"]
            if $found->{flag} ne '-g';
        push @found, ['weight-differs', $subject, $title, "$called: weight $found->{weight} in service $title, expected $server->{weight}"]
            if $found->{weight} != $server->{weight} && !($found->{weight} == 0 && $each->{quiescent} && $mode ne 'static');
    }
    my @live = grep { $known{$_} && $servers->{$_}{weight} } keys %$servers;
    push @found, ['sorry-server-beside-live', $title, $each->{sorry}, "service $title: the sorry server is in beside live servers"]
        if @live && $each->{sorry} ne '' && $servers->{ $each->{sorry} } && !$known{ $each->{sorry} };
    for my $server ($mode eq 'static' ? @{ $each->{servers} } : ()) {
        push @found, ['server-missing', $server->{name}, $title, "$server->{name} $server->{address}: missing from service $title"]
            if !$servers->{ $server->{address} };
    }
    return @found;
}

# limits TABLE: connection thresholds that the kernel holds otherwise than configured, of servers that get connections: a quiescent one has
# lost them. They are no part of what `ipvsadm -Sn` prints.
sub limits {
    my $now = shift;
    return if !grep { $_->{limits} ne '' } map { @{ $_->{servers} } } @services;
    my @found;
    for (listing('--thresholds')) {
        my ($key, $address, @values) = @$_;
        my ($server) = grep { $_->{address} eq $address } $service{$key} ? @{ $service{$key}{servers} } : ();
        my $entry = entry($now, $key, $address);
        next if !$server || $server->{limits} eq '' || !$entry || !$entry->{weight} || "@values[0, 1]" eq $server->{limits};
        my $title = title($key);
        push @found, ['thresholds-differ', $server->{name}, $title,
            "$server->{name} $address: thresholds @values[0, 1] in service $title, expected $server->{limits}"];
    }
    return @found;
}

# absent TABLE: servers that are to get connections and get none, each as [SERVICE, SERVER].
sub absent {
    my $now = shift;
    my @absent;
    for my $each (@services) {
        for my $server (grep { $_->{weight} } @{ $each->{servers} }) {
            my $entry = entry($now, $each->{key}, $server->{address});
            push @absent, [$each, $server] if !$entry || !$entry->{weight};
        }
    }
    return @absent;
}

# withheld TABLE: absent servers that pass their check: a change that the kernel refused, which ldirectord only writes into its log, or one
# that is still to come. A host that is off costs a second: all are asked at once.
sub withheld {
    my $now = shift;
    my %asked;
    for my $pair (absent($now)) {
        my ($each, $server) = @$pair;
        next if !@{ $server->{check} };
        defined(my $pid = fork) or fail("cannot fork: $!");
        exit !passes($server, @{ $server->{check} }) if !$pid;
        $asked{$pid} = ['server-withheld', $server->{name}, title($each->{key}),
            "$server->{name} $server->{address}: missing from service " . title($each->{key}) . ' though it passes its check'];
    }
    my @found;
    while (%asked) {
        my $pid = waitpid -1, 0;
        last if $pid < 0;
        my $found = delete $asked{$pid} or next;
        push @found, $found if !$?;
    }
    return sort { $a->[3] cmp $b->[3] } @found;
}

# unsettled TABLE: what keeps the table from being what the configuration and the servers' state explain.
sub unsettled {
    my $now = shift;
    my @found = (differences($now), limits($now));
    return @found ? @found : withheld($now);
}

# compare: each difference as a line CODE, SUBJECT, DETAIL, TEXT (tabs between), then "== table" and the table itself.
sub compare {
    my $text = save();
    my @found = (differences(table($text)), limits(table($text)));
    if (grep { $_->[0] eq 'sorry-server-beside-live' } @found) {
        # ldirectord takes it out with the command that follows.
        nap(1);
        $text = save();
        @found = (differences(table($text)), limits(table($text)));
    }
    print map { join("\t", @$_) . "\n" } @found;
    print "== table\n", $text;
}

# settle SECONDS: waits until ldirectord has made the table what is expected. A server that is missing must fail a check: one that does not
# is waited for.
sub settle {
    my $seconds = shift;
    my $deadline = time + $seconds;
    my $now;
    while (1) {
        $now = table();
        my @found = unsettled($now) or last;
        fail("after $seconds s the kernel's table is not as expected: " . join('; ', map { $_->[3] } @found)) if time >= $deadline;
        nap(0.3);
    }
    note("found dead: $_->[1]{name} $_->[1]{address} in service " . title($_->[0]{key})) for absent($now);
}

my @calls = ([]);
for (@ARGV) { $_ eq '+' ? push @calls, [] : push @{ $calls[-1] }, $_ }
for (@calls) { die "usage: ipvsTable.pl ACTION [ARGUMENT...] [+ ...] <EXPECTED\n" if !@$_ || !$ACTION{ $_->[0] } }
read_expected();
for (@calls) {
    my ($action, @arguments) = @$_;
    $ACTION{$action}->(@arguments);
}
