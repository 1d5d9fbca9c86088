# Loaded into ldirectord by its unit (perl -MLdirectord): keeps every check and every program that it runs within the time that the
# configuration gives it, sends alerts beside the checks, and has each service's certificates verified as the lab says. The parser, the
# checks themselves and what follows from them stay the daemon's own. Replaces subs of ldirectord 4.12 by name, and refuses to run
# where one of them is not there.
package Ldirectord;
use strict;
use warnings;
use POSIX qw(:sys_wait_h);

# Only its help needs it, and an emulated guest half a second for it at each start.
BEGIN { $INC{"Pod/Usage.pm"} //= "not needed" }

# Services, from model/director/checkServices.ts: Perl modules, whether over TLS, and the checks whose library does not limit its time.
my (%MODULES, %OVER_TLS, %unlimited);
for my $line (<DATA>) {
	my ($service, $apart, $tls, undef, @modules) = split ' ', $line;
	$MODULES{$service} = \@modules;
	$OVER_TLS{$service} = $tls eq "tls";
	$unlimited{$apart} = 1 if $apart ne "-";
}
my @UNLIMITED = sort keys %unlimited;
my @REPLACED = (qw(_check_real check_http do_fallback_command ld_emailalert_mail_send ld_emailalert_net_smtp ld_gethostbyaddr ld_setup
	ld_start run_child service_set system_timeout system_wrapper), map { "check_$_" } @UNLIMITED);

# Seconds that a program has to end after TERM, and a process after KILL.
my $GRACE = 1;
# By the command: a process that not even KILL has ended. No second one is started beside it.
my %stuck;
# By a service's identity: {verify, ca}, as model/director/ldirectord/tls.ts writes them.
my $TLS_FILE = "/etc/lvs-dr/tls.json";
my %tls;
my $judged;
my $checking_since;
# That a program of the user's may take.
our $program_seconds;

our $SPOOL = "/var/spool/lvs-dr";
my $SPOOL_LIMIT = 1000;

sub reap {
	my ($child, $seconds) = @_;
	for (1 .. $seconds * 20) {
		return 1 if waitpid($child, WNOHANG) != 0;
		select(undef, undef, undef, 0.05);
	}
	return waitpid($child, WNOHANG) != 0;
}

# limited(SECONDS, NAME, CODE): runs CODE, which returns an exit status, in a process of its own that leads a group, and ends the group
# when the time is over. Returns the exit status; -1 when the time was over, -2 when no process could be started.
sub limited {
	my ($seconds, $name, $code) = @_;
	if (my $old = $stuck{$name}) {
		return -1 unless waitpid($old, WNOHANG);
		delete $stuck{$name};
	}
	my $child = fork();
	if (!defined $child) {
		main::ld_log("fork failed: $!");
		return -2;
	}
	if ($child == 0) {
		setpgrp(0, 0);
		$SIG{$_} = "DEFAULT" for qw(ALRM CHLD HUP INT PIPE QUIT TERM);
		POSIX::_exit(eval { $code->() } // 127);
	}
	setpgrp($child, $child);
	# A service's own process is ended by TERM or HUP at once: what it has started goes with it.
	my %former = map { $_ => $SIG{$_} } qw(TERM HUP);
	my $ends = defined $checking_since && ($former{TERM} // "") eq "DEFAULT";
	my $end = sub { kill KILL => -$child; POSIX::_exit(1) };
	local $SIG{TERM} = $ends ? $end : $former{TERM} // "DEFAULT";
	local $SIG{HUP} = $ends ? $end : $former{HUP} // "DEFAULT";
	my $status;
	eval {
		local $SIG{__DIE__} = "DEFAULT";
		local $SIG{ALRM} = sub { die "timeout\n" };
		alarm $seconds;
		waitpid($child, 0);
		$status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
		alarm 0;
	};
	alarm 0;
	return $status if defined $status;
	kill TERM => -$child;
	my $gone = reap($child, $GRACE);
	# Its own processes too, and what ignores TERM.
	kill KILL => -$child;
	$stuck{$name} = $child unless $gone or reap($child, $GRACE);
	return -1;
}

# load_modules SERVICE: what a library asks for while it checks. A process for each check would load it each time, and a module whose
# loading the alarm of a check interrupts stays half loaded: every later check of the process fails.
sub load_modules {
	for my $module (@{$MODULES{$_[0]} // []}) {
		my $file = "$module.pm" =~ s{::}{/}gr;
		eval { local $SIG{__DIE__} = "DEFAULT"; require $file };
	}
}

# What a library does not limit is checked in a process of its own: some wait in C code, where no alarm of Perl's is heard.
sub check_apart {
	my ($check, $v, $r, @more) = @_;
	my $service = $v->{service};
	load_modules($service);
	pipe(my $in, my $out) or die "pipe: $!";
	my $status = limited($v->{negotiatetimeout}, "$service $r->{server}:$r->{port} " . main::get_virtual_id_str($v), sub {
		my ($state, $words) = ("down", "");
		no warnings qw(redefine once);
		local *main::service_set = sub { ($state, $words) = ($_[2], $_[4] // ""); };
		# LDAP and RADIUS take theirs from the other limit.
		local $v->{checktimeout} = $v->{negotiatetimeout};
		$0 = "ldirectord: $service check of $r->{server}";
		use_tls($v);
		eval { local $SIG{__DIE__} = "DEFAULT"; $check->($v, $r, @more); 1 } or $words = "$@";
		syswrite($out, substr($words, 0, 4000));
		return $state eq "up" ? 0 : 1;
	});
	close($out);
	my $words = "";
	sysread($in, $words, 4000) if $status >= 0;
	close($in);
	$words = "No answer within $v->{negotiatetimeout} s" if $status == -1;
	main::service_set($v, $r, $status == 0 ? "up" : "down", {do_log => 1}, $words eq "" ? undef : $words);
	return $status == 0 ? $main::SERVICE_UP : $main::SERVICE_DOWN;
}

sub read_tls {
	%tls = ();
	open(my $file, "<", $TLS_FILE) or return;
	require JSON::PP;
	my $services = JSON::PP::decode_json(do { local $/; <$file> });
	close($file);
	for my $id (keys %$services) {
		my ($verify, $ca) = @{$services->{$id}}{qw(verify ca)};
		require IO::Socket::SSL::Utils if defined $ca;
		my @ca = map { IO::Socket::SSL::Utils::PEM_string2cert($_) }
			($ca // "") =~ /(-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----)/sg;
		$tls{$id} = {verify => $verify ? 1 : 0, @ca ? (ca => \@ca) : ()};
	}
}

# use_tls SERVICE: what the next TLS connection verifies. The chain, or nothing: a check goes to an address, which a certificate
# seldom names. The libraries set what they please, and so this comes after them.
sub use_tls {
	my ($v) = @_;
	return unless $OVER_TLS{$v->{service}};
	require IO::Socket::SSL;
	my $wanted = $tls{main::get_virtual_id_str($v)};
	my ($name) = ($v->{virtualhost} // "") =~ /^([A-Za-z0-9_.-]*[A-Za-z_-][A-Za-z0-9_.-]*)(?::\d+)?$/;
	IO::Socket::SSL::set_args_filter_hack(sub {
		my (undef, $arguments) = @_;
		$arguments->{SSL_verifycn_scheme} = "none";
		$arguments->{SSL_hostname} = $name if defined $name;
		return unless $wanted;
		$arguments->{SSL_verify_mode} = $wanted->{verify};
		return unless $wanted->{verify};
		delete @$arguments{qw(SSL_ca_file SSL_ca_path)};
		$arguments->{SSL_ca} = $wanted->{ca} if $wanted->{ca};
	});
}

# Whole, or not at all. Returns why not.
sub write_alert {
	my ($name, $text) = @_;
	open(my $file, ">", "$name.new") or return "$!";
	my $written = print($file $text) && close($file) && rename("$name.new", "$name.mail");
	return undef if $written;
	my $why = "$!";
	unlink("$name.new");
	return $why;
}

# An alert is written down and left to alerts.pl: a mail server that is slow or gone would hold the checks for two minutes an alert.
sub queue_alert {
	my ($smtp, $addresses, $subject, $details) = @_;
	my $host = Sys::Hostname::hostname();
	my $from = $main::EMAILALERTFROM // "root\@$host";
	my $date = POSIX::strftime("%a, %d %b %Y %H:%M:%S %z", localtime);
	my $failed = 0;
	for my $to (split /\s*,\s*/, $addresses) {
		my $name = sprintf("%d.%d.%04x", time(), $$, rand(65536));
		my $text = join("", map { "$_\n" } "smtp: " . ($smtp // ""), "to: $to", "", "From: $from", "To: $to", "Subject: $subject",
			"Date: $date", "Message-ID: <$name\@$host>", "", "ldirectord host: $host", "Log-Message: $subject",
			"Daemon-Status: " . main::daemon_status_str(), $details ? ("", $details) : ());
		my @waiting = glob("$SPOOL/*.mail");
		my $why = @waiting < $SPOOL_LIMIT ? write_alert("$SPOOL/$name", $text) : "$SPOOL_LIMIT others wait";
		next unless defined $why;
		main::ld_log("alert to $to is lost: $SPOOL: $why");
		$failed = 1;
	}
	return $failed;
}

# A service's process that comes in place of one that died believes what was so at the daemon's start: the table knows better.
sub believe_table {
	my ($v) = @_;
	my $service = main::ld_read_ipvsadm()->{main::get_real_service_str($v)} or return;
	my $weight = sub { my ($s) = @_; ($service->{real}{"$s->{server}:$s->{port}"} // {})->{weight} };
	for my $r (@{$v->{real}}) {
		my $now = $weight->($r);
		if (defined $now and ($now > 0 or $r->{weight} == 0)) { main::_status_up($v, $r); }
		else { main::_status_down($v, $r); }
	}
	my $fallback = main::fallback_find($v) or return;
	if (!defined $weight->($fallback)) { main::_status_down($v, $fallback, "fallback"); }
	# It died between the two edits that bring a server back.
	elsif (defined $v->{real_status}) { main::fallback_off($v, "force"); }
	else { main::_status_up($v, $fallback, "fallback"); }
}

# After ldirectord is compiled and before its first statement runs. Programs in Perl that it starts inherit the environment.
INIT {
	delete $ENV{PERL5OPT};
	my @missing = grep { !defined &{"main::$_"} } @REPLACED, qw(daemon_status_str fallback_find fallback_off get_real_service_str get_virtual_id_str
		ld_log ld_read_ipvsadm _status_down _status_up);
	die "this ldirectord is not 4.12, or another program: it has no sub " . join(", ", @missing) . "\n" if @missing;

	no warnings qw(redefine once);
	no strict "refs";
	my %own = map { $_ => \&{"main::$_"} } @REPLACED;

	for my $name (@UNLIMITED) {
		*{"main::check_$name"} = sub { check_apart($own{"check_$name"}, @_) };
	}

	*main::check_http = sub {
		load_modules($_[0]{service});
		use_tls($_[0]);
		return $own{check_http}->(@_);
	};
	# A page that breaks off, or whose rest does not come in time, is not an answer, whatever its first part says.
	my $request = \&LWP::UserAgent::request;
	*LWP::UserAgent::request = sub {
		my $response = $request->(@_);
		$response->code(500) if defined $response->header("X-Died") or ($response->header("Client-Aborted") // "") eq "die";
		return $response;
	};

	# The table is edited with no alarm on: one that goes off in its midst would leave a dead server in.
	*main::service_set = sub {
		alarm 0;
		$judged = 1;
		return $own{service_set}->(@_);
	};

	# A check that ends without a verdict, or dies, is a failed one; a log that cannot be written ends nothing.
	*main::_check_real = sub {
		my ($v, $r) = @_;
		$judged = $v->{checktype} eq "off";
		my $why = "";
		eval { local $SIG{__DIE__} = "DEFAULT"; $own{_check_real}->($v, $r); 1 } or $why = "$@";
		chomp $why;
		main::ld_log("check of $r->{server}:$r->{port}: $why") if $why ne "";
		return if $judged or defined $main::DAEMON_TERM;
		eval { main::service_set($v, $r, "down", {do_log => 1}, $why); 1 } or main::ld_log("$@");
	};

	*main::system_timeout = sub {
		my ($seconds, @command) = @_;
		my $status = limited($seconds, "@command", sub {
			no warnings "exec";
			exec { $command[0] } @command or main::ld_log("cannot run $command[0]: $!");
			return 127;
		});
		main::ld_log("@command: ended, for it took longer than $seconds s") if $status == -1;
		return $status;
	};

	# ipvsadm apart, these are the user's programs, which hold the checks while they run.
	*main::system_wrapper = sub {
		my (@command) = @_;
		return $own{system_wrapper}->(@command) if $command[0] =~ /^\Q$main::IPVSADM\E /;
		my $status = main::system_timeout($program_seconds // $main::DEFAULT_CHECKTIMEOUT, "/bin/sh", "-c", "@command");
		main::ld_log("@command failed: exit status $status") if $status > 0;
		return $status;
	};
	*main::do_fallback_command = sub {
		local $program_seconds = $_[0]{checktimeout};
		return $own{do_fallback_command}->(@_);
	};

	*main::ld_emailalert_net_smtp = \&queue_alert;
	*main::ld_emailalert_mail_send = sub { queue_alert(undef, @_) };

	# maintenancedir's files are named by address: a resolver that is silent would hold every check.
	*main::ld_gethostbyaddr = sub { return ""; };

	*main::ld_setup = sub {
		read_tls();
		return $own{ld_setup}->(@_);
	};
	my $started = 0;
	*main::ld_start = sub {
		my $result = $own{ld_start}->(@_);
		$started = time();
		return $result;
	};
	*main::run_child = sub {
		my ($v) = @_;
		$checking_since = time();
		believe_table($v) if $checking_since > $started;
		return $own{run_child}->(@_);
	};
}

1;
__DATA__
