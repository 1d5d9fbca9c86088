# Loaded into ldirectord before DryRun.pm (perl -MParsed -MDryRun): prints what its own parser makes of a file, as one JSON value with the
# number of each line that says so, and ends. What the parser refuses is told, taken out, and the file, a copy, is read again. Names of hosts
# are not asked for: each stands for an address that no network has (240.0.0.0/4 and ::/8, reserved).
package Parsed;
use strict;
use warnings;
use JSON::PP;
use POSIX ();

# Where they are kept, by their names in the file.
my %GLOBAL = (autoreload => "AUTOCHECK", checkinterval => "CHECKINTERVAL", cleanstop => "CLEANSTOP", emailalert => "EMAILALERT",
	emailalertfreq => "EMAILALERTFREQ", emailalertfrom => "EMAILALERTFROM", emailalertstatus => "EMAILALERTSTATUS", fallback => "FALLBACK",
	fallback6 => "FALLBACK6", fork => "FORKING", logfile => "LDIRLOG", quiescent => "QUIESCENT", readdquiescent => "READDQUIESCENT", smtp => "SMTP",
	supervised => "SUPERVISED");
my @WRAPPED = qw(read_config config_error config_warn ld_openlog ld_gethostbyname add_real_server _ld_read_config_virtual_resolve
	_ld_read_config_fallback_resolve);

sub lines_of {
	my ($file) = @_;
	open(my $in, "<", $file) or die "$file: $!\n";
	return <$in>;
}

sub write_lines {
	my ($file, @lines) = @_;
	open(my $out, ">", $file) or die "$file: $!\n";
	print $out @lines;
	close($out) or die "$file: $!\n";
}

# The numbers of a line and, where it begins a virtual service, of all that belong to it.
sub owned {
	my ($number, @lines) = @_;
	my @owned = ($number);
	return @owned unless $lines[$number - 1] =~ /^virtual/;
	for my $next ($number + 1 .. @lines) {
		my $line = $lines[$next - 1] =~ s/\t/    /gr;
		last unless $line =~ /^\s*#/ or $line =~ /^ {4,}[^#\s]/;
		push @owned, $next;
	}
	return @owned;
}

INIT {
	no warnings qw(redefine once);
	no strict "refs";
	my @missing = grep { !defined &{"main::$_"} } @WRAPPED;
	if (@missing) {
		print STDERR "Error: this ldirectord is not 4.12: it has no sub ", join(", ", @missing), "\n";
		POSIX::_exit(2);
	}
	my %own = map { $_ => \&{"main::$_"} } @WRAPPED;
	*main::read_config = sub {
		my (%names, @refused, $virtual_line);
		my @lines = lines_of($main::CONFIG);
		# Its parser would open them.
		s{^(\s+monitorfile\s*=).*}{$1/dev/null} for @lines;
		local *main::ld_openlog = sub { 0 };
		local *main::config_warn = sub { };
		local *main::config_error = sub {
			my ($number, $why) = ($_[0], $_[1] =~ s/\s+\z//r);
			# Its parser can go on after a line that it does not know, but one that would cut a service in two.
			my ($own, $next) = @lines[$number - 1, $number];
			my $cuts = $own !~ /^(?:\t| {4})/ && ($next // "end") !~ /^[^\s#]/;
			die {line => $number, why => $why} if $cuts or $why !~ /^Unknown command/;
			push @refused, {line => $number, why => $why};
			$lines[$number - 1] = "#\n";
		};
		local *main::ld_gethostbyname = sub {
			my ($name, $family) = @_;
			return $own{ld_gethostbyname}->(@_) if $name =~ /^[0-9.]+$|:/;
			my $nobodys = $family == 2 ? "240.0.0.%d" : "[::f0:%x]";
			return $names{"$family $name"} //= sprintf($nobodys, 1 + keys %names);
		};
		local *main::_ld_read_config_virtual_resolve = sub {
			($virtual_line, $_[1]{line}) = ($_[0]) x 2;
			return $own{_ld_read_config_virtual_resolve}->(@_);
		};
		local *main::_ld_read_config_fallback_resolve = sub {
			$_[2]{line} = $_[0] if $_[2];
			return $own{_ld_read_config_fallback_resolve}->(@_);
		};
		local *main::add_real_server = sub {
			$own{add_real_server}->(@_);
			$_[1]{real}[-1]{line} = $_[0];
		};
		while (1) {
			write_lines($main::CONFIG, @lines);
			last if eval { local $SIG{__DIE__} = "DEFAULT"; $own{read_config}->(); 1 };
			my $error = $@;
			die $error unless ref $error;
			my $why = $error->{why};
			my $first = $why =~ /^duplicate virtual/ ? $virtual_line : $error->{line};
			my @owned = owned($first, @lines);
			die "$why\n" if $lines[$first - 1] =~ /^#/;
			push @refused, map { {line => $_, why => $_ == $first ? $why : "is of the service in line $first"} } @owned;
			$lines[$_ - 1] = "#\n" for @owned;
		}
		main::ld_setup();
		my %global = map { $_ => ${"main::$GLOBAL{$_}"} } keys %GLOBAL;
		print JSON::PP->new->latin1->canonical->encode(
			{virtuals => \@main::VIRTUAL, global => \%global, names => {map { $names{$_} =~ s/[][]//gr => s/^\d+ //r } keys %names}, refused => \@refused});
		STDOUT->flush();
		POSIX::_exit(0);
	};
}

1;
