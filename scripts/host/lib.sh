# shellcheck shell=bash
# shellcheck disable=SC2034 # the constants are for those who source this
# What the host scripts share: messages, root, retries, JSON, and where libvirtd and its network namespace are.
# Source it; it defines functions and constants and does nothing by itself.
# Variables named LVS_DR_* may be set by the caller; the tests use them to point the scripts at a made-up host.

# Containers and CI runners have no libvirtd of their own: ours then runs in this network namespace, and the lab's
# bridges, addresses and traffic stay in it.
readonly NETNS="${LVS_DR_NETNS_NAME:-lvs-lab}"
# What we started is recorded here, so that stop.sh ends that and nothing else. Made before anything is started, removed
# when nothing of it is left.
readonly RUN_DIR="${LVS_DR_RUN_DIR:-/run/lvs-lab}"
# The host's, whichever checkout starts or stops: held by daemons.sh and stop.sh, as root.
readonly DAEMONS_LOCK="${LVS_DR_DAEMONS_LOCK:-/run/lvs-lab.lock}"
readonly IMAGE_ROOT="${LVS_DR_IMAGE_ROOT:-/var/lib/libvirt/images/lvs-dr}"
readonly LIBVIRT_URI="${LVS_DR_LIBVIRT_URI:-qemu:///system}"
readonly OS_RELEASE="${LVS_DR_OS_RELEASE:-/etc/os-release}"
readonly KVM_DEVICE="${LVS_DR_KVM_DEVICE:-/dev/kvm}"
readonly PID_DIR="${LVS_DR_PID_DIR:-/run}"
# libvirt notes a network's MACs here, and makes the directory only with its first network that has DHCP or DNS. Until
# then no guest starts on a network without them.
readonly DNSMASQ_DIR="${LVS_DR_DNSMASQ_DIR:-/var/lib/libvirt/dnsmasq}"
readonly SYSTEMD_DIR="${LVS_DR_SYSTEMD_DIR:-/run/systemd/system}"

# Debian keeps mkfs.ext4, ip and libvirtd out of an ordinary user's PATH.
readonly SBIN="${LVS_DR_SBIN-/usr/sbin:/sbin}"
case ":$PATH:" in *:/usr/sbin:*) ;; *) PATH="$PATH${SBIN:+:$SBIN}" ;; esac
export LC_ALL=C.UTF-8 PATH

# Progress and errors go to stderr: stdout belongs to the command's own output.
say() { printf '%s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [[ $EUID -eq 0 ]]; }
has_systemd() { [[ -d $SYSTEMD_DIR ]]; }

# as_root COMMAND…: runs it as root, with our own settings, none of which is a secret. sudo asks at most once (it
# remembers for a while).
as_root() {
  local name settings=()
  if is_root; then
    "$@"
  elif have sudo; then
    for name in $(compgen -e LVS_DR_); do settings+=("$name=${!name}"); done
    sudo -- env "${settings[@]}" "$@"
  else
    die "root is needed for: $* (there is no sudo here; run it as root)"
  fi
}

# retry TIMES PAUSE COMMAND…: until it succeeds; the last failure's status otherwise.
retry() {
  local times="$1" pause="$2" attempt status
  shift 2
  for ((attempt = 1; ; attempt++)); do
    "$@" && return 0
    status=$?
    ((attempt < times)) || return "$status"
    sleep "$pause"
  done
}

# wait_for SECONDS COMMAND…: polls until it succeeds, or returns 1 at the deadline.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# json_string TEXT: as a JSON string, quotes included.
json_string() {
  local text="$1" code char
  text="${text//\\/\\\\}"
  text="${text//\"/\\\"}"
  text="${text//$'\n'/\\n}"
  text="${text//$'\t'/\\t}"
  text="${text//$'\r'/\\r}"
  # Rare, and thirty processes to look for.
  if [[ $text == *[[:cntrl:]]* ]]; then
    for code in {1..31}; do
      printf -v char '%b' "\\x$(printf '%02x' "$code")"
      [[ $text != *"$char"* ]] || text="${text//$char/$(printf '\\u%04x' "$code")}"
    done
  fi
  printf '"%s"' "$text"
}

# os_field NAME: a field of /etc/os-release, or nothing.
os_field() {
  [[ -r $OS_RELEASE ]] || return 0
  sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "$OS_RELEASE" | head -n 1
}

# os_family: debian, fedora, arch, suse or unknown: who names the packages, and which command installs them.
os_family() {
  case " $(os_field ID) $(os_field ID_LIKE) " in
    *" debian "* | *" ubuntu "*) echo debian ;;
    *" fedora "* | *" rhel "* | *" centos "*) echo fedora ;;
    *" arch "*) echo arch ;;
    *suse*) echo suse ;;
    *) echo unknown ;;
  esac
}

# install_command PACKAGE…: what a person types to install them on this system.
install_command() {
  local sudo=""
  is_root || sudo="sudo "
  case "$(os_family)" in
    debian) echo "${sudo}apt-get install -y --no-install-recommends $*" ;;
    fedora) echo "${sudo}dnf install -y $*" ;;
    arch) echo "${sudo}pacman -S --needed $*" ;;
    suse) echo "${sudo}zypper install $*" ;;
    *) echo "install with your system's package manager: $*" ;;
  esac
}

# What the packages of package-lock.json ask for; `engines` in package.json says the same to npm.
readonly NODE_WANTED="Node.js 22 (from 22.13), 24 or newer"

# node_version_ok NODE: this Node.js is there and is one of those.
node_version_ok() {
  local version major minor
  version="$("$1" --version 2>/dev/null)" || return 1
  [[ $version =~ ^v([0-9]+)\.([0-9]+)\. ]] || return 1
  major="${BASH_REMATCH[1]}" minor="${BASH_REMATCH[2]}"
  ((major >= 24 || (major == 22 && minor >= 13)))
}

# ---- libvirt and its network namespace -------------------------------------------------------------------------

# libvirt_error: nothing if libvirt answers, else why not.
libvirt_error() {
  local output
  have virsh || { echo "virsh is not installed" && return 0; }
  # `timeout` for a daemon that accepts and never answers; a first call may take 8 s, to probe QEMU.
  output="$(timeout -k 2 20 virsh -q -c "$LIBVIRT_URI" uri 2>&1 </dev/null)" && return 0
  [[ -n $output ]] || output="libvirt at $LIBVIRT_URI did not answer within 20 s"
  echo "$output" | sed -e 's/^error: //' -e '/^$/d' | tail -n 1
}
libvirt_answers() { [[ -z "$(libvirt_error)" ]]; }

# is_refusal ERROR: libvirt runs, and does not let this user in.
is_refusal() {
  case "${1,,}" in *denied* | *polkit* | *authenticat*) return 0 ;; esac
  return 1
}

# modular_sockets: systemd's, of libvirt's daemons for guests, networks and storage pools; nothing where they are not
# installed: libvirtd is all three.
modular_sockets() {
  local unit
  for unit in virtqemud.socket virtnetworkd.socket virtstoraged.socket; do
    ! systemctl cat "$unit" >/dev/null 2>&1 || echo "$unit"
  done
}

# libvirt_start_command: what a person types to start it, in the project's directory.
libvirt_start_command() {
  local sudo="" units=""
  has_systemd || { echo "scripts/host/prepare.sh daemons" && return 0; }
  is_root || sudo="sudo "
  have libvirtd || units="$(modular_sockets | paste -sd ' ')"
  echo "${sudo}systemctl enable --now ${units:-libvirtd}"
}

# groups_not_taken_up: those of libvirt and kvm that this user is a member of, and this process is not: a membership
# holds from the next login on.
groups_not_taken_up() {
  local group given
  given=" $(id -nG "$(id -un)" 2>/dev/null) "
  for group in libvirt kvm; do
    [[ $given != *" $group "* || " $(id -nG) " == *" $group "* ]] || echo "$group"
  done
}

# netns_of PID: the inode of that process's network namespace; nothing where we may not look.
netns_of() { stat -L -c %i "/proc/$1/ns/net" 2>/dev/null || true; }
# netns_inode: the inode of the namespace named $NETNS; nothing if there is none. A leftover file of an earlier boot
# is not a namespace: it lives on another device than every real one.
netns_inode() {
  local file="/run/netns/$NETNS"
  [[ -e $file ]] || return 0
  [[ "$(stat -L -c %d "$file" 2>/dev/null)" == "$(stat -L -c %d /proc/self/ns/net)" ]] || return 0
  stat -L -c %i "$file"
}

# is_zombie PID: ended, and whoever started it has not asked how: a container's first process may never do.
is_zombie() { [[ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null)" == Z* ]]; }

# pid_runs PIDFILE NAME: the process recorded there is alive and bears that name; prints its pid.
pid_runs() {
  local pid
  pid="$(cat "$1" 2>/dev/null)" || return 1
  [[ $pid =~ ^[0-9]+$ ]] || return 1
  [[ "$(cat "/proc/$pid/comm" 2>/dev/null)" == "$2" ]] && ! is_zombie "$pid" || return 1
  echo "$pid"
}

# libvirtd_pid: of the daemon that keeps QEMU's guests; nothing if none runs (or systemd will start it on demand).
libvirtd_pid() {
  pid_runs "$PID_DIR/libvirtd.pid" libvirtd || pid_runs "$PID_DIR/virtqemud.pid" virtqemud || true
}

# in_namespace PID: of our namespace. Only root may look.
in_namespace() { [[ -n "$(netns_inode)" && "$(netns_of "$1")" == "$(netns_inode)" ]]; }

# record_daemons: those of ours that run; who started them may have been killed before it did.
record_daemons() {
  local name pid
  for name in virtlogd libvirtd; do
    pid="$(pid_runs "$PID_DIR/$name.pid" "$name")" || continue
    ! in_namespace "$pid" || is_recorded "$name" "$pid" || install -m 0644 "$PID_DIR/$name.pid" "$RUN_DIR/$name.pid"
  done
}
is_recorded() { [[ "$(cat "$RUN_DIR/$1.pid" 2>/dev/null)" == "$2" ]]; }

# lab_namespace: where the guests can be reached: `here` (this namespace), the namespace's name, `lost` (libvirtd
# runs in a namespace that has no name any more), `planned` (nothing runs yet; it will be $NETNS) or `none`
# (nothing runs, and systemd is to start it).
lab_namespace() {
  local pid theirs
  pid="$(libvirtd_pid)"
  if [[ -z $pid ]]; then
    # Asking also makes systemd start a socket-activated daemon.
    if libvirt_answers; then echo here; elif has_systemd; then echo none; else echo planned; fi
    return 0
  fi
  theirs="$(netns_of "$pid")"
  if [[ -z $theirs ]]; then
    # Not root: believe what we left when we started it.
    if [[ -d $RUN_DIR && -e /run/netns/$NETNS ]]; then
      echo "$NETNS"
    else
      echo here
    fi
  elif [[ $theirs == "$(netns_of self)" ]]; then
    echo here
  elif [[ $theirs == "$(netns_inode)" ]]; then
    echo "$NETNS"
  else
    echo lost
  fi
}
