# shellcheck shell=bash
# What the tests share: a made-up host, whose commands are small scripts in $BIN, and assertions. Sourced by run.sh.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
export ROOT

# PATH of whoever started the tests, before set_up.
export REAL_PATH="$PATH"

# Commands of the real system that the scripts may rely on without asking.
readonly PLAIN=(awk base64 basename bash cat chmod chown cp cut date df dirname env false find flock getent grep head id
  install ip jq kill ln ls mkdir mktemp mv nproc paste ps readlink rm rmdir sed seq setsid sh sha256sum sleep sort stat sudo tail
  tee timeout touch tr true uname wc xargs)

# set_up: an empty directory $T, a made-up Debian 12 that has everything, and nothing of the real host's state.
set_up() {
  T="$(mktemp -d)"
  BIN="$T/bin"
  mkdir -p "$BIN" "$T/home" "$T/run" "$T/images" "$T/dnsmasq"
  trap tear_down EXIT
  local name path
  for name in "${PLAIN[@]}"; do
    path="$(command -v "$name")" && ln -s "$path" "$BIN/$name"
  done || true
  printf 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n' >"$T/os-release"
  export HOME="$T/home" LVS_DR_OS_RELEASE="$T/os-release" LVS_DR_SBIN="" LVS_DR_RUN_DIR="$T/run/lab" \
    LVS_DR_PID_DIR="$T/run" LVS_DR_IMAGE_ROOT="$T/images" LVS_DR_KVM_DEVICE="$T/no-kvm" LVS_DR_SYSTEMD_DIR="$T/no-systemd" \
    LVS_DR_DNSMASQ_DIR="$T/dnsmasq" LVS_DR_DAEMONS_LOCK="$T/daemons.lock" \
    LVS_DR_BOOT_DIR="$T/boot" LVS_DR_MODULES_DIR="$T/modules" \
    LVS_DR_LAB_DIR="$T/lab" LVS_DR_NETNS_NAME="lvs-lab-test-$$" CALLS="$T/calls"
  unset XDG_CACHE_HOME LVS_DR_NETNS LVS_DR_PROBE_KERNEL
  : >"$CALLS"
  fake node 'case "$*" in --version) echo v22.13.0 ;; *) exit 0 ;; esac'
  fake npm ''
  fake virsh 'case "$*" in *" uri") echo qemu:///system ;; esac'
  for name in libvirtd qemu-system-x86_64 qemu-img iptables dnsmasq ssh ssh-keygen mmdebstrap mkfs.ext4 lz4 xorriso arping ping chromium sysctl \
    systemctl perl git shellcheck ldirectord ipvsadm sshd apt-get apt-cache dpkg; do
    fake "$name" ''
  done
  export PATH="$BIN"
}

# Each test may add a function `clean_up` of its own.
# shellcheck disable=SC2317
tear_down() {
  ! declare -F clean_up >/dev/null || clean_up
  cd / && rm -rf "$T"
}

# fake NAME BODY: a command that notes its call in $CALLS, then runs BODY.
fake() {
  rm -f "$BIN/$1"
  printf '#!/bin/bash\nprintf "%%s\\n" "%s $*" >>"%s"\n%s\n' "$1" "$CALLS" "$2" >"$BIN/$1"
  chmod +x "$BIN/$1"
}

# project: a copy of the scripts, in $T/project, for tests of what they write beside themselves.
project() {
  mkdir -p "$T/project/cli"
  cp -R "$ROOT/scripts" "$T/project/scripts"
  echo '{"packages": {}}' >"$T/project/package-lock.json"
  : >"$T/project/cli/main.ts"
}

skip() {
  echo "$*"
  exit 77
}

fail() {
  echo "$*"
  exit 1
}

# run COMMAND…: keeps its status in $status, its stdout in $stdout, its stderr in $stderr.
# shellcheck disable=SC2034
run() {
  status=0
  "$@" >"$T/stdout" 2>"$T/stderr" </dev/null || status=$?
  stdout="$(cat "$T/stdout")"
  stderr="$(cat "$T/stderr")"
}

# exits STATUS: the last `run` ended so.
exits() { [[ $status == "$1" ]] || fail "exit $status instead of $1; stdout: $stdout; stderr: $stderr"; }

contains() { [[ $1 == *"$2"* ]] || fail "does not contain \"$2\": $1"; }
lacks() { [[ $1 != *"$2"* ]] || fail "contains \"$2\": $1"; }
equals() { [[ $1 == "$2" ]] || fail "is \"$1\" instead of \"$2\""; }

# called TEXT / not_called TEXT: some fake command was, or none was, called so.
called() { grep -qF -- "$1" "$CALLS" || fail "nobody called \"$1\": $(cat "$CALLS")"; }
not_called() { ! grep -qF -- "$1" "$CALLS" || fail "somebody called \"$1\": $(cat "$CALLS")"; }
# calls TEXT: how often.
calls() { grep -cF -- "$1" "$CALLS" || true; }
