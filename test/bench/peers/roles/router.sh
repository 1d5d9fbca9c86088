#!/bin/sh
# The router: its addresses are the machine's.
set -e
echo net.ipv4.ip_forward=1 >/etc/sysctl.d/router.conf
sysctl -qp /etc/sysctl.d/router.conf
