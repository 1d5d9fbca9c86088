# shellcheck shell=bash
# shellcheck disable=SC2154 # status, stdout and stderr are set by run (lib.sh)
# scripts/host/boot.sh: a guest that answers, one that does after a reset, and one that never does.

export LVS_DR_BOOT_LOOK=1

# guest [CONDITION]: a made-up sshd, which greets once the file $T/awake is there; $LVS_DR_BOOT_PORT is its port.
guest() {
  # shellcheck disable=SC2016
  PATH="$REAL_PATH" perl -MIO::Socket::INET -e '
    my ($awake, $port) = @ARGV;
    my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 5) or die;
    open(my $file, ">", "$port.new") or die; print $file $server->sockport; close $file; rename("$port.new", $port);
    while (my $client = $server->accept) { print $client "SSH-2.0-guest\r\n" if -e $awake; close $client }' \
    "$T/awake" "$T/port" >/dev/null 2>&1 &
  GUEST=$!
  until [[ -e $T/port ]]; do sleep 0.05; done
  LVS_DR_BOOT_PORT="$(cat "$T/port")"
  export LVS_DR_BOOT_PORT
}
# shellcheck disable=SC2317
clean_up() { [[ -z ${GUEST:-} ]] || kill "$GUEST"; }

# libvirt STATE DOMSTATS: whatever wakes the guest lets it answer where $T/wakeable is there.
libvirt() {
  # shellcheck disable=SC2016
  fake virsh 'case "$*" in
    *domstate*) echo '"'$1'"' ;;
    *domstats*) '"$2"' ;;
    *" reset "* | *" resume "* | *" start "*) [[ ! -e '"$T"'/wakeable ]] || touch '"$T"'/awake ;;
    *vol-download*) printf "\033[0;1mbooting\033[0m\r\n\n[    1.5] Kernel panic - not syncing: IO-APIC\r\n" >"${@: -1}" ;;
  esac'
}

# boot [SECONDS]: resets as soon as the guest is silent.
boot() { run "$ROOT/scripts/host/boot.sh" the-domain 127.0.0.1 "${1:-20}" the-pool the-console 0; }

test_a_guest_that_answers_is_left_alone() {
  touch "$T/awake"
  guest
  boot
  exits 0
  equals "$(cat "$CALLS")" ""
}

test_a_silent_guest_is_reset() {
  touch "$T/wakeable"
  libvirt running 'echo block.0.rd.reqs=7'
  guest
  boot
  exits 0
  contains "$stderr" "the-domain is silent: resetting it"
  equals "$(calls " reset the-domain")" 1
}

test_a_guest_that_was_stopped_is_started() {
  touch "$T/wakeable"
  libvirt "shut off" 'echo block.count=0'
  guest
  boot
  exits 0
  called "start the-domain"
}

test_a_guest_that_uses_its_disk_is_not_reset() {
  # shellcheck disable=SC2016
  libvirt running 'echo "block.0.rd.reqs=$(wc -l <"'"$CALLS"'")"'
  guest
  boot 4
  exits 1
  not_called " reset "
  contains "$stdout" "the-domain does not answer SSH at 127.0.0.1 within 4 s; its state: running."
}

test_a_guest_that_never_answers_is_shown_with_its_console() {
  libvirt running 'echo block.0.rd.reqs=7'
  guest
  boot 4
  exits 1
  equals "$(calls " reset the-domain")" 1
  equals "$stdout" "the-domain does not answer SSH at 127.0.0.1 within 4 s, though it was reset once; its state: running.
The last lines of its console (all of it: virsh -c qemu:///system vol-download --pool the-pool the-console FILE):
  booting
  [    1.5] Kernel panic - not syncing: IO-APIC"
}

test_a_console_that_cannot_be_read() {
  fake virsh 'echo "error: no connection"; exit 1'
  guest
  boot 1
  exits 1
  contains "$stdout" "Its console cannot be read: error: no connection"
}

test_on_another_host_its_own_bash_asks() {
  touch "$T/awake"
  guest
  # As sshd does: the user's shell gets all arguments as one text.
  # shellcheck disable=SC2016
  fake ssh 'bash -c "${@: -1}"'
  export LVS_DR_PROXY=user@far LVS_DR_PROXY_PORT=2222 LVS_DR_PROXY_KEY=/the/key LVS_DR_PROXY_HOST_KEY="ssh-ed25519 AAAA"
  boot
  exits 0
  called "-p 2222"
  called "-i /the/key"
  called "KnownHostsCommand=/bin/echo libvirt ssh-ed25519 AAAA"
  called "user@far bash -c"
}

test_a_libvirt_host_that_refuses_costs_no_guest_its_power() {
  libvirt running 'echo block.0.rd.reqs=7'
  export LVS_DR_PROXY=user@far LVS_DR_PROXY_PORT=22
  fake ssh 'echo "Connection closed by far" >&2; exit 255'
  boot 3
  exits 1
  equals "$stdout" "user@far could not be asked by SSH whether the-domain answers: Connection closed by far"
  not_called "virsh"
  # One that has died meanwhile is not waited for as a guest is.
  LVS_DR_BOOT_HOST_SILENT=2 boot 600
  exits 1
  equals "$stdout" "user@far could not be asked by SSH whether the-domain answers: Connection closed by far"
  # Another attempt would not help here.
  fake ssh 'echo "Host key verification failed." >&2; exit 255'
  boot 600
  exits 1
  equals "$stdout" "far shows another host key than the one pinned for it: refused"
  not_called "virsh"
}
