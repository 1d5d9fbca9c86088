#!/bin/sh
# The article's lvs_dr_rs.sh: silent about the VIP, then the VIP on lo, then the pages.
set -e
printf 'net.ipv4.conf.%s\n' all.arp_ignore=1 lo.arp_ignore=1 all.arp_announce=2 lo.arp_announce=2 >/etc/sysctl.d/lvs.conf
sysctl -qp /etc/sysctl.d/lvs.conf
ip addr replace 10.27.0.100/32 dev lo
echo "<h1>$(hostname)</h1>" >/var/www/html/index.html
echo test >/var/www/html/test.html
systemctl start nginx
