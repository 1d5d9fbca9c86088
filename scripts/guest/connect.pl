# Opens TCP connections side by side, closes each as soon as it is open, and prints a line of each in the form that curl's
# --write-out has in health/requests.ts: number, exit status, "connected" for the HTTP status, no server, seconds, error.
# usage: perl -e ... SECONDS [ADDRESS PORT FIRST LAST]...: FIRST to LAST are source ports that it may use, 0 and 0 any.
use strict;
use warnings;
use Errno qw(EINPROGRESS);
use Fcntl;
use Socket;
use Time::HiRes qw(time);

my ($seconds, @asked) = @ARGV;
my (%pending, $number);
my $began = time;

sub answer {
  my ($each, $error) = @_;
  my $failed = length $error;
  printf "%d\t%d\t%s\t\t%.6f\t%s\n", $each->{number}, $failed ? 7 : 0, $failed ? '000' : 'connected', time - $began, $error;
}

sub target {
  my ($address, $port) = @_;
  my ($error, $found) = Socket::getaddrinfo($address, $port, {flags => Socket::AI_NUMERICHOST(), socktype => SOCK_STREAM});
  die "$address: $error" if $error;
  return $found;
}

while (my ($address, $port, $first, $last) = splice @asked, 0, 4) {
  my $each = {number => $number++ // 0};
  my $found = target($address, $port);
  my $error = '';
  for my $own ($first .. $last) {
    socket($each->{socket}, $found->{family}, SOCK_STREAM, 0) or die "socket: $!";
    fcntl $each->{socket}, F_SETFL, O_NONBLOCK;
    $error = '';
    my $any = $found->{family} == AF_INET ? '0.0.0.0' : '::';
    $error = "source port $own: $!", next if $own && !bind $each->{socket}, target($any, $own)->{addr};
    $error = "$!" if !connect($each->{socket}, $found->{addr}) && $! != EINPROGRESS;
    last if !$error;
  }
  if ($error) { answer($each, $error) } else { $pending{fileno $each->{socket}} = $each }
}

while (%pending && (my $left = $began + $seconds - time) > 0) {
  my $out = '';
  vec($out, $_, 1) = 1 for keys %pending;
  next if select(undef, $out, undef, $left) <= 0;
  for my $each (map { vec($out, $_, 1) ? delete $pending{$_} : () } keys %pending) {
    local $! = unpack 'i', getsockopt($each->{socket}, SOL_SOCKET, SO_ERROR);
    answer($each, $! ? "$!" : '');
    close $each->{socket};
  }
}
answer($_, "no connection in $seconds s") for values %pending;
