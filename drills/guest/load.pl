# Steady load, open loop: a request every 1/RATE seconds whatever became of those before, each on a connection of its
# own, and one retry at once for each that fails. No tool in Debian 12 logs, for each request, its start, latency,
# error and who answered, and retries: hence this.
# usage: perl -e ... URL RATE SECONDS TIMEOUT RETRIES [SERVER PAGE]...
# An answer from SERVER that is not its PAGE is an error.
# Prints `SEQ ATTEMPT START LATENCY_MS ok|error SERVER|REASON` a line, `end COUNT` last. Ends after SECONDS, or soon
# after its stdin does. Needs connection.pl.
use Errno qw(EINPROGRESS ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH);

my ($url, $rate, $seconds, $timeout, $retries, %page) = @ARGV;
my $server = server($url);
my $request = "GET $server->{path} HTTP/1.1\r\nHost: $server->{host}\r\nUser-Agent: lvs-dr-drill\r\nConnection: close\r\n\r\n";
my %reason = (ECONNREFUSED() => 'refused', ECONNRESET() => 'reset', EHOSTUNREACH() => 'unreachable',
  ENETUNREACH() => 'unreachable', ETIMEDOUT() => 'timeout', EPROTO() => 'tls');
my ($begun, $count, $ended, $said, $out) = (time, 0, 0, time, '');
my %open;

sub done {
  my ($c, $ok, $who) = @_;
  delete $open{$c->{fd}};
  close $c->{socket};
  $out .= sprintf "%d %d %.4f %.1f %s %s\n", $c->{seq}, $c->{attempt}, $c->{start}, (time - $c->{start}) * 1000,
    $ok ? 'ok' : 'error', $who;
  attempt($c->{seq}, $c->{attempt} + 1) if !$ok && $c->{attempt} <= $retries && !$ended;
}

sub attempt {
  my ($seq, $number) = @_;
  my $socket = tcp_socket($server);
  never_blocks($socket);
  my $c = {socket => $socket, fd => fileno $socket, seq => $seq, attempt => $number, start => time, wants => 'write', answer => ''};
  $open{$c->{fd}} = $c;
  connect($socket, $server->{addr}) or $! == EINPROGRESS or failed($c, $! + 0);
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
  return greet($c) if !$c->{sent};
  my $more = hear($c->{socket}, $c->{answer});
  return failed($c, $! + 0) if !defined $more;
  judge($c) if !$more;
}

# It is connected: the handshake, where there is one, and the request.
sub greet {
  my ($c) = @_;
  if ($server->{tls}) {
    my $done = shake_hands($c->{socket});
    return failed($c, $! + 0) if !defined $done;
    return if !$done;
  }
  defined syswrite $c->{socket}, $request or return failed($c, $! + 0);
  $c->{sent} = 1;
}

sub writable {
  my ($c) = @_;
  my $error = unpack 'i', getsockopt $c->{socket}, SOL_SOCKET, SO_ERROR;
  return failed($c, $error) if $error;
  begin_tls($server, $c->{socket}) if $server->{tls};
  $c->{wants} = 'read';
  greet($c);
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
  for my $c (my @all = values %open) { vec($c->{wants} eq 'read' ? $r : $w, $c->{fd}, 1) = 1 }
  my $wait = $ended ? 0.1 : $begun + $count / $rate - time;
  $wait = 0 if $wait < 0;
  $wait = 0.1 if $wait > 0.1;
  next if select($r, $w, undef, $wait) <= 0;
  $ended = 1 if vec($r, 0, 1) && !sysread STDIN, my $ignored, 4096;
  for my $c (my @all = values %open) {
    if (vec $w, $c->{fd}, 1) { writable($c) } elsif (vec $r, $c->{fd}, 1) { readable($c) }
  }
}
print $out, "end $count\n";
