# Asks who has an address of IPv6 on a device, once a second, and prints who answers, as arping does of IPv4. It changes no neighbour entry.
#   ndping.pl ADDRESS DEVICE SECONDS
# An answer is a line "TIME reply from ADDRESS [MAC]", TIME in seconds since 1970.
use strict;
use warnings;
use Socket qw(AF_INET6 SOCK_RAW inet_pton pack_sockaddr_in6);
use Time::HiRes qw(time);

# From linux/in6.h and RFC 4861.
my ($IPPROTO_IPV6, $MULTICAST_IF, $MULTICAST_HOPS, $ICMPV6) = (41, 17, 18, 58);
my ($SOLICITATION, $ADVERTISEMENT, $SOURCE_MAC, $TARGET_MAC) = (135, 136, 1, 2);

my ($address, $device, $seconds) = @ARGV;
my $target = inet_pton(AF_INET6, $address) or die "$address is no address of IPv6\n";

sub of_device {
  open my $file, '<', "/sys/class/net/$device/$_[0]" or die "$device: $!\n";
  chomp(my $line = <$file>);
  return $line;
}
my $index = of_device('ifindex');
my $mac = pack 'H12', of_device('address') =~ tr/://dr;

socket(my $socket, AF_INET6, SOCK_RAW, $ICMPV6) or die "no raw socket: $!\n";
setsockopt($socket, $IPPROTO_IPV6, $MULTICAST_IF, pack 'i', $index) or die "$device: $!\n";
# With another hop limit nobody believes that it is from the segment.
setsockopt($socket, $IPPROTO_IPV6, $MULTICAST_HOPS, pack 'i', 255) or die "no hop limit: $!\n";

# The solicited-node address: whoever has the target listens to it.
my $to = pack_sockaddr_in6(0, inet_pton(AF_INET6, 'ff02::1:ff00:0') =~ s/...\z/substr $target, -3/ser, $index);
my $question = pack 'CCnN a16 CC a6', $SOLICITATION, 0, 0, 0, $target, $SOURCE_MAC, 1, $mac;

$| = 1;
my $begun = time;
my $next = $begun;
while ((my $now = time) < $begun + $seconds) {
  if ($now >= $next) {
    send $socket, $question, 0, $to or die "cannot ask on $device: $!\n";
    $next += 1;
  }
  my $until = $next < $begun + $seconds ? $next : $begun + $seconds;
  vec(my $readable = '', fileno $socket, 1) = 1;
  select $readable, undef, undef, $until > $now ? $until - $now : 0 or next;
  defined recv $socket, my $packet, 1500, 0 or next;
  next if length $packet < 24;
  my ($type, undef, undef, undef, $of) = unpack 'CCnN a16', $packet;
  next if $type != $ADVERTISEMENT || $of ne $target;
  for (my $options = substr $packet, 24; length $options >= 8;) {
    my ($option, $length) = unpack 'CC', $options;
    last if $length == 0;
    printf "%.6f reply from %s [%s]\n", time, $address, join ':', unpack '(H2)6', substr $options, 2, 6 if $option == $TARGET_MAC;
    $options = 8 * $length < length $options ? substr $options, 8 * $length : '';
  }
}
