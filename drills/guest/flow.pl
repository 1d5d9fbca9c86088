# One connection that stays open: reconnects until SERVER answers, then asks again on it every PERIOD seconds and tells
# what became of it.
# usage: perl -e ... ADDRESS PORT SERVER PERIOD SECONDS
# Prints `TIME pinned LOCAL_PORT`, then `TIME answer` for each, then `TIME reset|closed|silent` when it is over.
use strict;
use warnings;
use Socket;
use Time::HiRes qw(time sleep);

my ($address, $port, $server, $period, $seconds) = @ARGV;
my ($error, $target) = Socket::getaddrinfo($address, $port, {flags => Socket::AI_NUMERICHOST(), socktype => SOCK_STREAM});
die "$address: $error\n" if $error;
my $end = time + $seconds;
$| = 1;
$SIG{PIPE} = 'IGNORE';

sub say_when { printf "%.4f %s\n", time, join ' ', @_ }

sub ask {
  my ($socket) = @_;
  syswrite($socket, "HEAD / HTTP/1.1\r\nHost: " . ($address =~ /:/ ? "[$address]" : $address) . "\r\n\r\n") or return ('reset', '');
  my $answer = '';
  until ($answer =~ /\r\n\r\n/) {
    my $in = '';
    vec($in, fileno $socket, 1) = 1;
    # A keyboard's patience ends with the drill's, not before: a reset is what is waited for.
    select($in, undef, undef, $end - time) > 0 or return ('silent', '');
    my $got = sysread $socket, $answer, 4096, length $answer;
    return ('reset', '') if !defined $got;
    return ('closed', '') if $got == 0;
  }
  return ('answer', $answer =~ /^X-Real-Server: (\S+)/mi ? $1 : '');
}

my $socket;
while (time < $end) {
  socket($socket, $target->{family}, SOCK_STREAM, 0) or die "socket: $!";
  if (connect $socket, $target->{addr}) {
    my ($what, $who) = ask($socket);
    last if $what eq 'answer' && $who eq $server;
  }
  close $socket;
  undef $socket;
}
defined $socket or do { say_when('silent'); exit 1 };
# Of both families the port comes behind the family.
say_when('pinned', unpack 'x2 n', getsockname $socket);
while (time < $end) {
  my $in = '';
  vec($in, 0, 1) = 1;
  last if select($in, undef, undef, $period) > 0 && !sysread STDIN, my $ignored, 4096;
  my ($what) = ask($socket);
  say_when($what);
  last if $what ne 'answer';
}
