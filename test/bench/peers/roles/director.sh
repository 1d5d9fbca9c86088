#!/bin/sh
# The article's director: the sorry server, the VIP, ldirectord.
set -e
cat >/etc/ha.d/ldirectord.cf <<CF
checktimeout=3
checkinterval=1
fallback=127.0.0.1:80
autoreload=yes
logfile="/var/log/ldirectord.log"
quiescent=no
virtual=10.27.0.100:80
	real=192.168.27.10:80 gate 1
	real=192.168.27.20:80 gate 3
	service=http
	scheduler=wrr
	checktype=negotiate
	checkport=80
	request="test.html"
	receive="test"
CF
echo 'sorry server' >/var/www/html/index.html
dev=$(ip -o -4 addr show to 192.168.27.30 | awk '{print $2}')
ip addr replace 10.27.0.100/32 dev "$dev"
systemctl unmask --quiet ldirectord
systemctl start nginx ldirectord
