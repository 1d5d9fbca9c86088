# Connections to the server of a URL, by TCP, or by TLS over it, for the programs that come behind this. Any certificate is good: whether the server
# is trusted is another question than whether it answers. Needs IO::Socket::SSL for https alone.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR EPROTO ETIMEDOUT);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket;
use Time::HiRes qw(time);

$| = 1;
$SIG{PIPE} = 'IGNORE';

# server URL: how to reach it, as other functions want it, and the path.
sub server {
  my ($url) = @_;
  my ($scheme, $host, $port, $path) = $url =~ m{^(https?)://(\[[^\]]+\]|[^:/]+)(?::(\d+))?(/.*)$} or die "$url: no URL\n";
  my $tls = $scheme eq 'https';
  require IO::Socket::SSL if $tls;
  # One for all connections: each of its own would read every authority again.
  my $context = $tls ? IO::Socket::SSL::SSL_Context->new(SSL_verify_mode => 0) : undef;
  my ($error, $target) = Socket::getaddrinfo($host =~ s/[\[\]]//gr, $port // ($tls ? 443 : 80),
    {flags => Socket::AI_NUMERICHOST(), socktype => SOCK_STREAM});
  die "$host: $error\n" if $error;
  return {%$target, host => $host, tls => $context, path => $path};
}

sub tcp_socket {
  my ($server) = @_;
  socket(my $socket, $server->{family}, SOCK_STREAM, 0) or die "socket: $!";
  return $socket;
}

sub never_blocks { my ($socket) = @_; fcntl $socket, F_SETFL, O_NONBLOCK | fcntl $socket, F_GETFL, 0 }

# begin_tls SERVER SOCKET: for one that is connected; nothing is sent yet.
sub begin_tls {
  my ($server, $socket) = @_;
  return IO::Socket::SSL->start_SSL($socket, SSL_startHandshake => 0, SSL_reuse_ctx => $server->{tls});
}

# shake_hands SOCKET: goes on with it. True when it is done, '' while the server has to answer; undef, and $! says why, when it has failed.
sub shake_hands {
  my ($socket) = @_;
  return 1 if $socket->connect_SSL;
  return '' if $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_READ() || $IO::Socket::SSL::SSL_ERROR == IO::Socket::SSL::SSL_WANT_WRITE();
  $! ||= EPROTO;
  return undef;
}

# connection SERVER: one that is open, which may take its time; undef, and $! says why.
sub connection {
  my ($server) = @_;
  my $socket = tcp_socket($server);
  connect $socket, $server->{addr} or return undef;
  return $socket if !$server->{tls};
  begin_tls($server, $socket);
  never_blocks($socket);
  until (my $done = shake_hands($socket)) {
    return undef if !defined $done;
    my $in = '';
    vec($in, fileno $socket, 1) = 1;
    next if select($in, undef, undef, 10) > 0;
    $! = ETIMEDOUT;
    return undef;
  }
  return $socket;
}

# hear SOCKET TEXT: what has come is appended to TEXT. True while more may come, 0 at its end; undef, and $! says why, when it has failed.
sub hear {
  my ($socket) = @_;
  my $got;
  my $tls = ref $socket eq 'IO::Socket::SSL';
  # What TLS has read from the socket already, a select does not show.
  do { $! = 0; $got = sysread $socket, $_[1], 65536, length $_[1] } while $got && $tls && $socket->pending;
  return $got if defined $got;
  return 1 if $! == EAGAIN || $! == EINTR;
  # A server that ends a connection of TLS without a word has closed it.
  return 0 if !$!;
  return undef;
}
