# Watches the kernel's IPVS table and says when it changes; one process, since each start costs a guest without KVM.
# usage: perl -e ... PERIOD SECONDS
# Prints `TIME LINE|LINE|...`: the lines of /proc/net/ip_vs without their counters. Ends with its stdin.
use strict;
use warnings;
use Time::HiRes qw(time);

my ($period, $seconds) = @ARGV;
my ($end, $last) = (time + $seconds, '');
$| = 1;
while (time < $end) {
  my $now = time;
  my @lines;
  # Absent until the module is loaded, as after a boot.
  if (open my $file, '<', '/proc/net/ip_vs') { @lines = <$file>; close $file }
  my $table = join '|', map { s/^(  -> \S+\s+\S+\s+\S+).*/$1/r =~ s/\s+/ /gr =~ s/^ | $//gr } grep { /^(TCP|UDP|FWM|  -> [0-9A-F[])/ } @lines;
  if ($table ne $last) { printf "%.4f %s\n", $now, $table; $last = $table }
  my $in = '';
  vec($in, 0, 1) = 1;
  last if select($in, undef, undef, $period) > 0 && !sysread STDIN, my $ignored, 4096;
}
