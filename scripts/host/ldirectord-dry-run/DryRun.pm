# Loaded into ldirectord by `perl -MDryRun`: takes out everything that would leave the process, keeps the table that
# ipvsadm would keep, and ends the daemon after its start. The parser and the decisions stay the daemon's own.
# Writes in the current directory: table (as `ipvsadm -Sn` prints it, thresholds appended) and refused (what ipvsadm or the kernel
# would not take).
package DryRun;
use strict;
use warnings;

# What only checks and the help text need is not compiled: it would be three quarters of the time. One that is not there is left
# to Perl's own complaint.
BEGIN {
	for my $file (qw(LWP/UserAgent.pm LWP/Debug.pm Net/HTTP.pm URI.pm IO/Socket.pm IO/Socket/INET6.pm IO/Select.pm Net/Ping.pm
		Digest/MD5.pm Net/SMTP.pm Mail/Send.pm Pod/Usage.pm)) {
		$INC{$file} //= "not needed" if grep { -e "$_/$file" } @INC;
	}
}

my %FORWARD = ("-g" => "gate", "-m" => "masq", "-i" => "ipip");
my %PROTOCOL = ("-t" => "tcp", "-u" => "udp", "-f" => "fwm");
my %SCHEDULER = map { $_ => 1 } qw(rr wrr lc wlc fo ovf lblc lblcr dh sh mh sed nq twos);

# Order of services; key ("-t 10.0.0.100:80") => {options, order => [...], server => {key => {...}}}.
my (@order, %service);

sub note {
	my ($file, $line) = @_;
	open(my $fh, ">>", $file) or die "$file: $!";
	print $fh "$line\n";
	close($fh);
}

# The scheduler and what else a service has, in the order in which ipvsadm saves it.
sub service_options {
	my (@words) = @_;
	my %o = ("-s" => "wlc");
	while (defined(my $word = shift @words)) {
		if ($word eq "-o") { $o{$word} = ""; }
		elsif ($word =~ /^-[spMb]$/ and @words) { $o{$word} = shift @words; }
		else { die "unknown option $word\n"; }
	}
	die "no scheduler $o{'-s'}\n" unless $SCHEDULER{$o{"-s"}};
	die "persistence is 1 to 2678400 s\n" if defined $o{"-p"} and ($o{"-p"} < 1 or $o{"-p"} > 2678400);
	my $text = "-s $o{'-s'}";
	$text .= " -p $o{'-p'}" if defined $o{"-p"};
	$text .= " -M $o{'-M'}" if defined $o{"-M"} and $o{"-M"} ne "255.255.255.255" and $o{"-M"} ne "128";
	$text .= " -o" if defined $o{"-o"};
	$text .= " -b $o{'-b'}" if defined $o{"-b"};
	return $text;
}

sub server_options {
	my ($key, @words) = @_;
	my %s = (forward => "-g", weight => 1, upper => 0, lower => 0, name => "");
	my %field = ("-r" => "name", "-w" => "weight", "-x" => "upper", "-y" => "lower");
	while (defined(my $word = shift @words)) {
		if ($FORWARD{$word}) { $s{forward} = $word; }
		elsif ($field{$word} and @words) { $s{$field{$word}} = shift @words; }
		else { die "unknown option $word\n"; }
	}
	die "no address in -r $s{name}\n" unless $s{name} =~ /^(?:[0-9.]+|\[[0-9A-Fa-f:.]+\]):\d+$/;
	die "weight is 0 to 65535\n" if $s{weight} > 65535;
	# Only masquerading maps ports: ipvsadm silently takes the service's.
	if ($s{forward} ne "-m" and $key =~ /^-[tu] .*:(\d+)$/) {
		my $port = $1;
		$s{name} =~ s/:\d+$/:$port/;
	}
	return \%s;
}

sub change {
	my ($command, $option, $target, @words) = @_;
	my $key = "$option $target";
	if (@words and $words[0] eq "-6") { $key .= " " . shift @words; }
	my $known = $service{$key};
	if ($command eq "-A" or $command eq "-E") {
		die "service exists already\n" if $command eq "-A" and $known;
		die "no such service\n" if $command eq "-E" and !$known;
		my $options = service_options(@words);
		push @order, $key unless $known;
		$service{$key} = {options => $options, order => $known->{order} // [], server => $known->{server} // {}};
		return;
	}
	die "no such service\n" unless $known;
	if ($command eq "-D") {
		@order = grep { $_ ne $key } @order;
		delete $service{$key};
		return;
	}
	die "unknown command $command\n" unless $command =~ /^-[aed]$/;
	my $server = server_options($key, @words);
	my $name = $server->{name};
	my $there = exists $known->{server}{$name};
	die "destination exists already\n" if $command eq "-a" and $there;
	die "no such destination\n" if $command ne "-a" and !$there;
	push @{$known->{order}}, $name if $command eq "-a";
	$known->{server}{$name} = $server;
	return unless $command eq "-d";
	@{$known->{order}} = grep { $_ ne $name } @{$known->{order}};
	delete $known->{server}{$name};
}

# system_wrapper("./ipvsadm …"): the words, as the shell would split them.
sub ipvsadm {
	my (@words) = @_;
	return 0 if eval { change(@words); 1 };
	chomp(my $why = $@);
	note("refused", "ipvsadm would refuse: ipvsadm @words: $why");
	return 256;
}

# What ld_read_ipvsadm makes of the lists of `ipvsadm -L -n`.
sub listed {
	my %table;
	for my $key (@order) {
		my ($option, $target, $six) = split / /, $key;
		my $entry = {real => {}};
		($entry->{scheduler}) = $service{$key}{options} =~ /-s (\S+)/;
		$entry->{persistent} = $1 if $service{$key}{options} =~ /-p (\d+)/;
		$entry->{netmask} = $1 if $service{$key}{options} =~ /-M (\S+)/;
		for my $server (values %{$service{$key}{server}}) {
			$entry->{real}{$server->{name}} = {
				forward => $FORWARD{$server->{forward}}, weight => $server->{weight},
				"u-threshold" => $server->{upper}, "l-threshold" => $server->{lower},
			};
		}
		$table{"$target $PROTOCOL{$option}" . (defined $six ? "6" : "")} = $entry;
	}
	return \%table;
}

sub save_table {
	for my $key (@order) {
		note("table", "-A $key $service{$key}{options}");
		for my $name (@{$service{$key}{order}}) {
			my $s = $service{$key}{server}{$name};
			my $limits = $s->{upper} || $s->{lower} ? " -x $s->{upper} -y $s->{lower}" : "";
			note("table", "-a $key -r $name $s->{forward} -w $s->{weight}$limits");
		}
	}
}

# The daemon compiles an expression where it is used, outside of any eval: one that Perl does not take would end the process
# that checks, again and again.
sub unusable_patterns {
	my @words;
	local $SIG{__DIE__} = "DEFAULT";
	no warnings qw(once regexp);
	for my $v (@main::VIRTUAL) {
		my $virtual = main::get_virtual($v);
		my @owners = map { [$_->{receive}, " of real server $_->{server}"] } @{$v->{real}};
		for my $owner ([$v->{receive}, ""], @owners) {
			my ($text, $whose) = @$owner;
			next if !defined $text or eval { qr/$text/; 1 };
			my $why = $@ =~ s/ at \S+ line \d+\.?\s*$//r;
			push @words, "receive \"$text\"$whose in virtual $virtual is not a regular expression: $why";
		}
	}
	return @words;
}

# What a check loads when it makes the first one: without it the check would find every server dead. Debian's package brings the other
# services' modules. From model/director/checkServices.ts; empty but in a guest.
my %NEEDS;
for my $line (<DATA>) {
	my ($service, undef, undef, $package, @modules) = split ' ', $line;
	$NEEDS{$service} = [$package, map { "$_.pm" =~ s{::}{/}gr } @modules] if $package ne "-";
}

# What the configuration names and this machine, the director, has not.
sub lacking {
	my @words;
	my $program = sub {
		my ($option, $file) = @_;
		push @words, "$option $file is not there" and return if !-e $file;
		push @words, "$option $file is not a program that can be run" if !-f _ or !-x _;
	};
	my %seen;
	for my $v (@main::VIRTUAL) {
		my $asks = $v->{checktype} =~ /^(?:negotiate|combined)$/;
		my ($package, @files) = $asks ? @{$NEEDS{$v->{service}} // []} : ();
		for my $file (@files) {
			next if $seen{$file}++ or grep { -e "$_/$file" } @INC;
			push @words, "the image lacks the Perl module $file, for checks of service $v->{service} (Debian package $package)";
		}
		my $command = $v->{checkcommand};
		if ($v->{checktype} eq "external" and !$seen{$command}++) { $program->("checkcommand", $command); }
		if ($v->{checktype} eq "external-perl" and !$seen{$command}++) { push @words, perl_faults($command); }
		my $smtp = $v->{smtp} // $main::SMTP;
		push @words, "alerts need a mail server (smtp): this director has no mail program, /usr/sbin/sendmail"
			if ($v->{emailalert} // $main::EMAILALERT) ne "" and !defined $smtp and !-x "/usr/sbin/sendmail" and !$seen{mail}++;
	}
	for my $command (map { $_->{fallbackcommand} // () } {fallbackcommand => $main::FALLBACKCOMMAND}, @main::VIRTUAL) {
		$program->("fallbackcommand", (split ' ', $command)[0]) unless $seen{$command}++;
	}
	$program->("callback", $main::CALLBACK) if defined $main::CALLBACK;
	push @words, "maintenancedir $main::MAINTDIR is not a directory" if defined $main::MAINTDIR and !-d $main::MAINTDIR;
	return @words;
}

# Compiled as the daemon would compile it, in a process where nothing is left out.
sub perl_faults {
	my ($file) = @_;
	return "checkcommand $file is not there" if !-e $file;
	my $compile = q{use strict; open(F, "<", $ARGV[0]) or die "$!\n"; my $text = join("", <F>);
		my $code = eval("sub { \@ARGV=\@_; $text }"); die $@ =~ s/\n.*//sr . "\n" unless defined $code};
	local @ENV{qw(PERL5OPT PERL5LIB)};
	delete @ENV{qw(PERL5OPT PERL5LIB)};
	open(my $said, "-|", "sh", "-c", 'exec perl -e "$0" -- "$1" 2>&1 >/dev/null', $compile, $file) or die "sh: $!";
	my @lines = <$said>;
	return () if close($said);
	chomp(my $why = $lines[-1] // "");
	return "checkcommand $file is not Perl code that can be run: $why";
}

my @REPLACED = qw(read_config _check_real system_wrapper ld_read_ipvsadm ld_cmd_children ld_emailalert_send ld_gethostbyname
	ld_gethostbyaddr ld_main);

# After ldirectord is compiled and before its first statement runs.
INIT {
	no warnings qw(redefine once);
	no strict "refs";
	my @missing = grep { !defined &{"main::$_"} } @REPLACED, qw(service_set get_virtual __config_log ld_exit);
	# What is not replaced would change the table, start programs and send mail.
	if (@missing and $0 =~ /ldirectord/) {
		print STDERR "Error: this ldirectord is not 4.12: it has no sub ", join(", ", @missing), "\n";
		exit(2);
	}

	my $read_config = \&main::read_config;
	*main::read_config = sub {
		my $result = $read_config->(@_);
		my @words = (unusable_patterns(), $ENV{DRY_RUN_HERE} ? lacking() : ());
		main::__config_log(0, "Error", $_) for @words;
		main::ld_exit(2, "not usable") if @words;
		return $result;
	};

	# Every server passes its check; "off" means that none is added.
	*main::_check_real = sub {
		my ($v, $r) = @_;
		main::service_set($v, $r, "up", {}) unless $v->{checktype} eq "off";
	};

	# What else the configuration names (fallbackcommand, execute) is not run, and nobody gets mail.
	*main::system_wrapper = sub {
		my ($command) = @_;
		my ($program, @words) = split ' ', $command;
		return $program eq "./ipvsadm" ? ipvsadm(@words) : 0;
	};
	*main::ld_read_ipvsadm = \&listed;
	*main::ld_cmd_children = sub { };
	*main::ld_emailalert_send = sub { };

	# Names would be asked for on the network; what is not an address is refused as unresolvable.
	my $resolve = \&main::ld_gethostbyname;
	*main::ld_gethostbyname = sub {
		my ($name) = @_;
		return $name =~ /^(?:[0-9.]+|\[[0-9A-Fa-f:.]+\])$/ ? $resolve->(@_) : undef;
	};
	*main::ld_gethostbyaddr = sub { return undef; };

	*main::ld_main = \&save_table;
}

1;
__DATA__
