# Connections that stay open: each asks again every PERIOD seconds, and what becomes of it is told.
# usage: perl -e ... URL COUNT PERIOD SECONDS
# Prints `TIME open COUNT` when all have had an answer, `TIME lost WHY` for each that ends. When its stdin ends it prints `TIME alive COUNT`: those
# that have had an answer to a request made after that, within 15 s. Needs connection.pl.
my ($url, $count, $period, $seconds) = @ARGV;
my $server = server($url);
my $request = "HEAD $server->{path} HTTP/1.1\r\nHost: $server->{host}\r\n\r\n";
my $end = time + $seconds;
my ($opened, $closing) = (0, undef);

sub say_when { printf "%.4f %s\n", time, join ' ', @_ }

my %flow;
for my $number (1 .. $count) {
  my $socket = connection($server) or do { say_when('lost', "connect: $!"); next };
  $flow{fileno $socket} = {socket => $socket, due => time + $number * $period / $count, answers => 0, sent => 0, text => ''};
}

sub lost { my ($each, $why) = @_; say_when('lost', $why); delete $flow{fileno $each->{socket}} }

while (time < $end && %flow) {
  my $now = time;
  for my $each (my @all = values %flow) {
    next if $each->{sent} || $now < $each->{due};
    $each->{sent} = $now;
    syswrite($each->{socket}, $request) or lost($each, 'reset');
  }
  my $in = '';
  vec($in, fileno $_->{socket}, 1) = 1 for values %flow;
  vec($in, 0, 1) = 1 if !defined $closing;
  if (select($in, undef, undef, 0.05) > 0) {
    if (!defined $closing && vec($in, 0, 1) && !sysread STDIN, my $ignored, 4096) { $closing = time; $end = $closing + 15 }
    for my $each (my @all = values %flow) {
      next if !vec $in, fileno $each->{socket}, 1;
      my $more = hear($each->{socket}, $each->{text});
      if (!$more) { lost($each, defined $more ? 'closed' : 'reset'); next }
      next if $each->{text} !~ /\r\n\r\n/;
      $each->{answers}++;
      $each->{proven} = 1 if defined $closing && $each->{sent} >= $closing;
      @{$each}{qw(sent due text)} = (0, time + $period, '');
    }
  }
  if (!$opened && !grep { !$_->{answers} } values %flow) { $opened = 1; say_when('open', scalar keys %flow) }
  last if defined $closing && !grep { !$_->{proven} } values %flow;
}
say_when('alive', scalar grep { $_->{proven} } values %flow);
