# Steady load, open loop: a request every 1/RATE seconds whatever became of those before, each on a connection of its
# own, and one retry at once for each that fails. No tool in Debian 12 logs, for each request, its start, latency,
# error and who answered, and retries: hence this.
# usage: perl -e ... ADDRESS PORT PATH RATE SECONDS TIMEOUT RETRIES [SERVER PAGE]...
# An answer from SERVER that is not its PAGE is an error.
# Prints `SEQ ATTEMPT START LATENCY_MS ok|error SERVER|REASON` a line, `end COUNT` last. Ends after SECONDS, or soon
# after its stdin does.
use strict;
use warnings;
use Errno qw(EINPROGRESS EAGAIN EINTR ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH ETIMEDOUT);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket;
use Time::HiRes qw(time);

my ($address, $port, $path, $rate, $seconds, $timeout, $retries, %page) = @ARGV;
my ($error, $target) = Socket::getaddrinfo($address, $port, {flags => Socket::AI_NUMERICHOST(), socktype => SOCK_STREAM});
die "$address: $error\n" if $error;
my $request = "GET $path HTTP/1.1\r\nHost: " . ($address =~ /:/ ? "[$address]" : $address) . "\r\nUser-Agent: lvs-dr-drill\r\nConnection: close\r\n\r\n";
my %reason = (ECONNREFUSED() => 'refused', ECONNRESET() => 'reset', EHOSTUNREACH() => 'unreachable',
  ENETUNREACH() => 'unreachable', ETIMEDOUT() => 'timeout');
my ($begun, $count, $ended, $said, $out) = (time, 0, 0, time, '');
my %open;
$| = 1;
$SIG{PIPE} = 'IGNORE';

sub done {
  my ($c, $ok, $who) = @_;
  delete $open{fileno $c->{socket}};
  close $c->{socket};
  $out .= sprintf "%d %d %.4f %.1f %s %s\n", $c->{seq}, $c->{attempt}, $c->{start}, (time - $c->{start}) * 1000,
    $ok ? 'ok' : 'error', $who;
  attempt($c->{seq}, $c->{attempt} + 1) if !$ok && $c->{attempt} <= $retries && !$ended;
}

sub attempt {
  my ($seq, $number) = @_;
  socket(my $socket, $target->{family}, SOCK_STREAM, 0) or die "socket: $!";
  fcntl $socket, F_SETFL, O_NONBLOCK | fcntl $socket, F_GETFL, 0;
  my $c = {socket => $socket, seq => $seq, attempt => $number, start => time, sent => 0, answer => ''};
  $open{fileno $socket} = $c;
  connect($socket, $target->{addr}) or $! == EINPROGRESS or failed($c, $! + 0);
}

sub failed { my ($c, $error) = @_; done($c, 0, $reason{$error} // "errno$error") }

sub judge {
  my ($c) = @_;
  my ($head, $body) = split /\r\n\r\n/, $c->{answer}, 2;
  return done($c, 0, 'closed') if !defined $body;
  my ($status) = $head =~ m{^HTTP/\S+ (\d+)};
  my ($length) = $head =~ /^Content-Length: (\d+)/mi;
  my ($server) = $head =~ /^X-Real-Server: (\S+)/mi;
  return done($c, 0, 'truncated') if defined $length && length $body < $length;
  return done($c, 0, 'http' . ($status // '')) if ($status // 0) != 200;
  $server //= 'unknown';
  return done($c, 0, 'wrong-page') if defined $page{$server} && $body ne $page{$server};
  done($c, 1, $server);
}

sub readable {
  my ($c) = @_;
  my $got = sysread $c->{socket}, $c->{answer}, 65536, length $c->{answer};
  return judge($c) if defined $got && $got == 0;
  failed($c, $! + 0) if !defined $got && $! != EAGAIN && $! != EINTR;
}

sub writable {
  my ($c) = @_;
  my $error = unpack 'i', getsockopt $c->{socket}, SOL_SOCKET, SO_ERROR;
  return failed($c, $error) if $error;
  defined syswrite $c->{socket}, $request or return $! == EAGAIN ? () : failed($c, $! + 0);
  $c->{sent} = 1;
}

until ($ended && !%open) {
  my $now = time;
  $ended = 1 if $now - $begun >= $seconds;
  # Never in bursts: what was missed while the guest stood still is left out.
  if (!$ended && $now >= $begun + $count / $rate) {
    my $due = int(($now - $begun) * $rate);
    $count = $due if $due > $count;
    attempt($count++, 1);
  }
  for my $c (my @all = values %open) { done($c, 0, 'timeout') if $now - $c->{start} > $timeout }
  if ($out ne '' && ($now - $said > 0.5 || $ended)) { print $out; ($out, $said) = ('', $now) }
  my ($r, $w) = ('', '');
  vec($r, 0, 1) = 1 if !$ended;
  for my $c (my @all = values %open) { vec($c->{sent} ? $r : $w, fileno $c->{socket}, 1) = 1 }
  my $wait = $ended ? 0.1 : $begun + $count / $rate - time;
  $wait = 0 if $wait < 0;
  $wait = 0.1 if $wait > 0.1;
  next if select($r, $w, undef, $wait) <= 0;
  $ended = 1 if vec($r, 0, 1) && !sysread STDIN, my $ignored, 4096;
  for my $c (my @all = values %open) {
    my $n = fileno $c->{socket};
    if (vec $w, $n, 1) { writable($c) } elsif (vec $r, $n, 1) { readable($c) }
  }
}
print $out, "end $count\n";
