#!/usr/bin/env bash
# Makes libvirt answer at qemu:///system. A libvirtd that runs already is used as it is. Where systemd is, systemd
# starts it. Elsewhere (a container, a CI runner) it is started here, in the network namespace lvs-lab, with what it
# needs for its log files (virtlogd), and both are recorded in /run/lvs-lab for stop.sh.
# Also makes what libvirt takes for granted: /dev/kvm's group, its directory for networks.
#
#   daemons.sh             as root; at once when there is nothing to do
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"

readonly START_DEADLINE=60
# libvirt's own reason for not starting ends up here.
readonly LOG="$RUN_DIR/libvirtd.log"

# udev gives /dev/kvm to the group kvm; where no udev runs it may be root's alone. libvirt then takes the answers of
# its QEMU probe, made as another user, for outdated and probes again at every call: four seconds each.
repair_kvm_device() {
  [[ -c $KVM_DEVICE ]] || return 0
  getent group kvm >/dev/null || return 0
  [[ "$(stat -c '%G %a' "$KVM_DEVICE")" =~ ^kvm\ .*(6|7)[0-7]$ ]] && return 0
  # Where udev runs, these are somebody's own rules: doctor.sh tells, and we keep our hands off.
  has_systemd && return 0
  say "==> giving $KVM_DEVICE to the group kvm"
  if ! { chown root:kvm "$KVM_DEVICE" && chmod 0660 "$KVM_DEVICE"; }; then
    say "warning: could not; libvirt will be slow (each call probes QEMU again)"
  fi
}

make_namespace() {
  if [[ -z "$(netns_inode)" ]]; then
    # A file left over by an earlier boot of this container keeps the name busy, and is not a namespace.
    [[ ! -e /run/netns/$NETNS ]] || rm -f "/run/netns/$NETNS"
    ip netns add "$NETNS" || die "could not make the network namespace $NETNS (a container needs CAP_SYS_ADMIN: --privileged)"
    say "==> made the network namespace $NETNS"
  fi
  ip -n "$NETNS" link set lo up || die "could not enter the network namespace $NETNS"
  # Frames between two guests are none of this host's packet filter's business. The switch is per namespace since
  # Linux 5.3, absent in a namespace before, and this namespace is ours alone.
  if [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]]; then
    ip netns exec "$NETNS" sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 2>/dev/null || true
  fi
}

# adopt_namespace: libvirtd runs in a namespace whose name was lost or given to another one: name it again.
adopt_namespace() {
  local pid
  pid="$(libvirtd_pid)"
  if [[ -n "$(netns_inode)" ]]; then
    [[ -z "$(ip netns pids "$NETNS")" ]] ||
      die "libvirtd ($pid) runs in a nameless network namespace, other processes in $NETNS ($(ip netns pids "$NETNS" | tr '\n' ' ')): end those"
    ip netns delete "$NETNS"
  elif [[ -e /run/netns/$NETNS ]]; then
    rm -f "/run/netns/$NETNS"
  fi
  ip netns attach "$NETNS" "$pid"
  say "==> libvirtd's network namespace is named $NETNS again"
}

# start_daemon NAME: in the namespace, detached from our terminal, our pipes and our lock.
start_daemon() {
  local name="$1"
  if pid_runs "$PID_DIR/$name.pid" "$name" >/dev/null; then return 0; fi
  rm -f "$PID_DIR/$name.pid"
  LIBVIRT_LOG_OUTPUTS="3:file:$RUN_DIR/$name.log" ip netns exec "$NETNS" \
    setsid "$name" -d >>"$RUN_DIR/$name.err" 2>&1 </dev/null 8>&- ||
    die "$name does not start: $(cat "$RUN_DIR/$name.err" "$RUN_DIR/$name.log" 2>/dev/null | tail -n 3 | tr '\n' ' ')"
  wait_for 10 pid_runs "$PID_DIR/$name.pid" "$name" >/dev/null ||
    die "$name has gone again: $(tail -n 3 "$RUN_DIR/$name.log" 2>/dev/null | tr '\n' ' ')"
}

start_in_namespace() {
  have libvirtd || die "libvirtd is not installed: $(install_command libvirt-daemon-system)"
  # First of all: it is the sign that there is something to undo.
  install -d -m 0755 "$RUN_DIR"
  make_namespace
  # Both write here; an old file must not pass for today's error.
  rm -f "$RUN_DIR"/*.log "$RUN_DIR"/*.err
  # The mount namespace of `ip netns exec` gets what is mounted here later, but not the other way round.
  start_daemon virtlogd
  start_daemon libvirtd
  say "==> libvirtd runs in the network namespace $NETNS"
}

start_by_systemd() {
  local units
  say "==> starting libvirtd by systemd"
  if systemctl start libvirtd.socket 2>/dev/null; then return 0; fi
  mapfile -t units < <(modular_sockets)
  ((${#units[@]} > 0)) || units=(libvirtd.service)
  systemctl start "${units[@]}" || die "systemd could not start libvirt: systemctl status ${units[*]}"
}

main() {
  is_root || die "daemons.sh must run as root"
  # Two runs at once, of two checkouts perhaps, must not start two.
  exec 8>"$DAEMONS_LOCK"
  flock 8
  repair_kvm_device
  [[ -d $DNSMASQ_DIR ]] || install -d -m 0755 "$DNSMASQ_DIR"
  case "$(lab_namespace)" in
    here | "$NETNS") ;;
    lost) adopt_namespace ;;
    none) start_by_systemd ;;
    planned) start_in_namespace ;;
  esac
  [[ ! -d $RUN_DIR ]] || record_daemons
  wait_for "$START_DEADLINE" libvirt_answers ||
    die "libvirt does not answer after $START_DEADLINE s: $(libvirt_error) $(tail -n 3 "$LOG" 2>/dev/null | tr '\n' ' ')"
}
main "$@"
