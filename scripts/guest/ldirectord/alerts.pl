#!/usr/bin/perl
# Sends the alerts that ldirectord has left in /var/spool/lvs-dr (Ldirectord.pm), one file for each address, until none is left. A unit
# starts it when there is one. What a mail server refuses for good is given up, and so is what is a day old; all else is tried again.
# usage: alerts.pl [DIRECTORY [SECONDS]]: SECONDS between two tries
use strict;
use warnings;
use Net::SMTP;
use Sys::Hostname;

my ($spool, $pause) = ($ARGV[0] // "/var/spool/lvs-dr", $ARGV[1] // 60);
my $KEEP = 24 * 3600;
# Seconds for each step of a conversation.
my $PATIENCE = 30;

# smtp(HOST, FROM, TO, TEXT): why it was not sent, and whether that is for good.
sub smtp {
	my ($host, $from, $to, $text) = @_;
	my $smtp = Net::SMTP->new($host, Timeout => $PATIENCE, Hello => hostname()) or return ("$host: $@", 0);
	my $sent = $smtp->mail($from) && $smtp->to($to) && $smtp->data($text);
	my ($code, $words) = ($smtp->code, join(" ", split(" ", $smtp->message)));
	$smtp->quit;
	return $sent ? () : ("$host: $code $words", $code >= 500);
}

# The image's own mail program, where there is one.
sub sendmail {
	my ($from, $to, $text) = @_;
	my $pid = open(my $mail, "|-", "/usr/sbin/sendmail", "-oi", "-f", $from, "--", $to) or return ("/usr/sbin/sendmail: $!", 0);
	print $mail $text;
	close($mail) or return ("/usr/sbin/sendmail: exit status " . ($? >> 8), 0);
	return ();
}

sub deliver {
	my ($file) = @_;
	open(my $in, "<", $file) or return ("$file: $!", 0);
	my ($head, $text) = split(/\n\n/, do { local $/; <$in> }, 2);
	my ($host) = $head =~ /^smtp: (.+)/m;
	my ($to) = $head =~ /^to: (.+)/m;
	my ($from) = $text =~ /^From: (?:.*<)?([^<>\n]+)/m;
	my ($why, $forever) = defined $host ? smtp($host, $from, $to, $text) : sendmail($from, $to, $text);
	return ("alert to $to: $why", $forever) if defined $why;
	return ();
}

$| = 1;
$SIG{PIPE} = "IGNORE";
while (my @files = glob("$spool/*.mail")) {
	my $left = 0;
	for my $file (@files) {
		my $age = time() - ((stat $file)[9] // time());
		my ($why, $forever) = deliver($file);
		if (!defined $why) { unlink($file); }
		elsif ($forever or $age > $KEEP) {
			print "$why; given up\n";
			unlink($file);
		}
		else {
			print "$why; tried again in $pause s\n";
			$left = 1;
		}
	}
	sleep($pause) if $left;
}
