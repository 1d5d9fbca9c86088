# shellcheck shell=bash
# The one list of what the host must have: doctor.sh reports it, prepare.sh installs it. Source it after lib.sh.

# needs|command|Debian, Ubuntu|Fedora|Arch|openSUSE|what for
#   host     needed by every `scripts/lab up`
#   local    needed by `scripts/lab up` where libvirt is on this host
#   unit     needed by `scripts/lab test unit`
#   fencing  needed by `scripts/lab up` where two directors are under Pacemaker
#   test     needed by `scripts/lab test` only
#   optional `scripts/lab` works without; installed by itself only where no systemd runs (ldirectord's package would
#            enable a service, which a workstation's owner did not ask for)
# `A,B` as a command: either will do; `/…` is a file, `perl:…` a module of Perl's. `-` as a package: this distribution
# has none.
requirements() {
  cat <<'TABLE'
host|virsh|libvirt-clients|libvirt-client|libvirt|libvirt-client|talks to libvirt
local|libvirtd,virtqemud|libvirt-daemon-system|libvirt-daemon-kvm|libvirt|libvirt-daemon-qemu|keeps the guests
local|qemu-system-x86_64|qemu-system-x86|qemu-system-x86-core|qemu-system-x86|qemu-x86|runs the guests
host|qemu-img|qemu-utils|qemu-img|qemu-img|qemu-tools|makes their disks
local|iptables|iptables|iptables-nft|iptables|iptables|libvirt guards its networks with it
local|dnsmasq|dnsmasq-base|dnsmasq|dnsmasq|dnsmasq|libvirt's network driver asks for it
host|ip|iproute2|iproute|iproute2|iproute2|network namespaces, host facts
host|ssh|openssh-client|openssh-clients|openssh|openssh-clients|configures the guests
host,unit|ssh-keygen|openssh-client|openssh-clients|openssh|openssh-clients|makes and checks keys
host|mmdebstrap|mmdebstrap|mmdebstrap|mmdebstrap|mmdebstrap|builds the guests' root file system
host|/usr/share/keyrings/debian-archive-keyring.gpg|debian-archive-keyring|debian-keyring|debian-archive-keyring|-|Debian's signatures, for the same
host|systemctl|systemd|systemd|systemd|systemd|enables the services in it
host|mkfs.ext4|e2fsprogs|e2fsprogs|e2fsprogs|e2fsprogs|builds the guests' disk
host|jq|jq|jq|jq|jq|writes and reads the image's manifest
host|lz4|lz4|lz4|lz4|lz4|unpacks the guests' kernel
host|xorriso|xorriso|xorriso|libisoburn|xorriso|writes the seed of a cloud image
host|flock|util-linux|util-linux-core|util-linux|util-linux|keeps two runs apart
host|setsid|util-linux|util-linux-core|util-linux|util-linux|starts what outlives its caller
local|sysctl|procps|procps-ng|procps-ng|procps|bridge settings of the lab's own namespace
local|arping|iputils-arping|iputils|iputils|iputils|asks from the host who answers for the VIP
local|ping|iputils-ping|iputils|iputils|iputils|proves that what joins several hosts carries whole packets
unit|perl:Time::HiRes|perl|perl-Time-HiRes|perl|perl|runs the drills' clients
unit|perl:IO::Socket::SSL|libio-socket-ssl-perl|perl-IO-Socket-SSL|perl-io-socket-ssl|perl-IO-Socket-SSL|the same, over TLS
test|git|git|git-core|git|git-core|tells which files are the project's
test|chromium,chromium-browser|chromium|chromium|chromium|chromium|opens the report in a browser
test|shellcheck|shellcheck|ShellCheck|shellcheck|ShellCheck|checks the shell scripts
fencing|fence_virtd|fence-virtd|fence-virtd|-|fence-virtd|powers a lost director off (highAvailability.manager: pacemaker)
optional|ldirectord|ldirectord|ldirectord|-|ldirectord|a dry run of ldirectord.cf at preview
optional|sshd|openssh-server|openssh-server|openssh|openssh-server|the test of a libvirt on another host
optional|ipvsadm|ipvsadm|ipvsadm|ipvsadm|ipvsadm|reads IPVS tables
TABLE
}

# needed_for NEEDS NEED…: a row with these needs is wanted for one of those.
needed_for() {
  local needs=",$1," need
  shift
  for need in "$@"; do [[ $needs != *",$need,"* ]] || return 0; done
  return 1
}

# requirement_met COMMANDS: one of them is there.
requirement_met() {
  local name
  for name in ${1//,/ }; do
    case "$name" in
      /*) [[ -e $name ]] && return 0 ;;
      perl:*) have perl && perl "-M${name#perl:}" -e 1 2>/dev/null && return 0 ;;
      *) have "$name" && return 0 ;;
    esac
  done
  return 1
}

# package_column: the table's column for this distribution.
package_column() {
  case "$(os_family)" in fedora) echo 4 ;; arch) echo 5 ;; suse) echo 6 ;; *) echo 3 ;; esac
}

# missing_packages NEED…: the packages, each once, that bring the missing commands of these kinds.
missing_packages() {
  local column needs commands row
  column="$(package_column)"
  while IFS= read -r row; do
    IFS='|' read -r needs commands _ <<<"$row"
    needed_for "$needs" "$@" || continue
    requirement_met "$commands" || cut -d '|' -f "$column" <<<"$row"
  done < <(requirements) | grep -vx -e - | sort -u || true
}
