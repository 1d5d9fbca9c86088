# One connection that stays open: reconnects until SERVER answers, then asks again on it every PERIOD seconds and tells
# what became of it.
# usage: perl -e ... URL SERVER PERIOD SECONDS
# Prints `TIME pinned LOCAL_PORT`, then `TIME answer` for each, then `TIME reset|closed|silent` when it is over. Needs connection.pl.
my ($url, $name, $period, $seconds) = @ARGV;
my $server = server($url);
my $request = "HEAD $server->{path} HTTP/1.1\r\nHost: $server->{host}\r\n\r\n";
my $end = time + $seconds;

sub say_when { printf "%.4f %s\n", time, join ' ', @_ }

sub ask {
  my ($socket) = @_;
  syswrite($socket, $request) or return ('reset', '');
  my $answer = '';
  until ($answer =~ /\r\n\r\n/) {
    my $in = '';
    vec($in, fileno $socket, 1) = 1;
    # A keyboard's patience ends with the drill's, not before: a reset is what is waited for.
    select($in, undef, undef, $end - time) > 0 or return ('silent', '');
    my $more = hear($socket, $answer);
    return (defined $more ? 'closed' : 'reset', '') if !$more;
  }
  return ('answer', $answer =~ /^X-Real-Server: (\S+)/mi ? $1 : '');
}

my $socket;
while (time < $end) {
  if ($socket = connection($server)) {
    my ($what, $who) = ask($socket);
    last if $what eq 'answer' && $who eq $name;
  }
  close $socket if $socket;
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
