#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2154
# The web server of whoever serves pages: real servers, and the director with its sorry page.

# Why this server does not answer its health check; it does while the file is not there.
readonly UNFIT=/run/lvs-dr/unfit
readonly NGINX_CONF=/etc/nginx/nginx.conf OUR_NGINX_CONF="# Written by lvs-dr"

# Where a certificate and its key lie, and the ports at which nginx shows it.
readonly TLS=/etc/lvs-dr/tls
TLS_PORTS=${LVS_TLS_PORTS:-} TLS_CHANGED=0

# What health checks ask for beside these pages, and where nginx finds it.
readonly CHECK_PAGES=/srv/lvs-dr.checks
CHECK_LOCATIONS=''

# check_pages: those of LVS_CHECK_PAGES, which are paths; the text of the first is in LVS_CHECK_PAGE_0.
check_pages() {
  local path text place=0
  for path in ${LVS_CHECK_PAGES:-}; do
    text=LVS_CHECK_PAGE_$place
    printf '%s' "${!text}" | put "$CHECK_PAGES/$place" || written $?
    CHECK_LOCATIONS+=$'\n'"    location = $path { root $CHECK_PAGES; try_files /$place =404; }"
    place=$((place + 1))
  done
}

# listen_lines PORTS [ADDRESS...]: nginx's directives, at each address; "" is every one of IPv4.
listen_lines() {
  local port address kind
  for port in $1; do
    kind=''
    [[ " $TLS_PORTS " != *" $port "* ]] || kind=' ssl'
    for address in "${@:2}"; do printf '  listen %s%s%s;\n' "${address:+$address:}" "$port" "$kind"; done
  done
}

# configure_pages PORTS [RIP [RIP6]]: an nginx that runs has the pages below /srv/lvs-dr, on every address (the VIP among them) at
# PORTS; one that does not run reads that when it is started. What comes for RIP itself, as health checks do, gets status 503 and
# the reason while $UNFIT is there.
configure_pages() {
  local port listens servers='' tls='' pages changed=$TLS_CHANGED user=www-data everywhere=("") own=("${2:-}")
  # Red Hat's name for it.
  [[ $(</etc/passwd) =~ (^|$'\n')$user: ]] || getent passwd "$user" >/dev/null || user=nginx
  [[ "$LVS_VIPS ${LVS_ADDRESSES6:-}" != *:* ]] || everywhere+=("[::]")
  [[ -z ${3:-} ]] || own+=("[$3]")
  listens=$(listen_lines "$1" "${everywhere[@]}")
  [[ $listens != *' ssl;'* ]] || tls=$'\n'"  ssl_certificate $TLS/certificate.pem;"$'\n'"  ssl_certificate_key $TLS/key.pem;"
  pages="    root /srv/lvs-dr;
    index index.html;
    add_header X-Real-Server $LVS_NODE always;
    add_header Cache-Control no-store always;
    include /etc/lvs-dr/nginx.d/*.conf;"
  # Without a port of its own a server would listen on 80.
  [[ -z $listens ]] || servers="
  server {
$listens
$pages
  }"
  if [[ -n ${2:-} && -n $listens ]]; then
    # A named location: others would come by the `if` again.
    servers+="
  server {
$(listen_lines "$1" "${own[@]}")
$pages$CHECK_LOCATIONS
    if (-f $UNFIT) { return 503; }
    error_page 503 @unfit;
    location @unfit {
      root ${UNFIT%/*};
      default_type text/plain;
      try_files /${UNFIT##*/} =503;
    }
  }"
  fi
  if put "$NGINX_CONF" <<CONF; then
$OUR_NGINX_CONF; the whole file is its own.
user $user;
worker_processes 1;
pid /run/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  types { text/html html; application/octet-stream bin; }
  default_type text/html;
  access_log off;
  server_tokens off;
  sendfile on;
  keepalive_timeout 15s;$tls$servers
}
CONF
    changed=1
  else
    written $?
  fi
  [[ -d /etc/lvs-dr/nginx.d ]] || mkdir -p /etc/lvs-dr/nginx.d
  if ((changed)) && nginx_runs; then
    nginx -tq || die "$LVS_NODE: nginx does not take its configuration"
    systemctl reload nginx.service
  fi
}

# Without its file it does not run, or not as ours.
nginx_runs() { [[ -e /run/nginx.pid ]] && is_active nginx.service; }

# serve_pages PORTS [RIP [RIP6]]: configures the pages, and nginx runs from now on.
serve_pages() {
  configure_pages "$@"
  enabled /lib/systemd/system/nginx.service
  nginx_runs || systemctl restart nginx.service
}
