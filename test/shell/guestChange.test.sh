# shellcheck shell=bash
# shellcheck disable=SC2154,SC2016,SC2034 # status, stdout, stderr: lib.sh; the guest's shell expands what is quoted here
# The director's whole payload, changed and changed back, in namespaces of its own: its files, its NIC, a table in a journal, and in
# place of the daemon its dry run, which makes of the installed file what the daemon would.
# shellcheck source=test/shell/guest.sh
source "$ROOT/test/shell/guest.sh"

readonly REAL="/usr/sbin:/usr/bin:/sbin:/bin"
readonly LIBRARY=/usr/local/lib/lvs-dr/ldirectord-dry-run.sh

# cf VIP WEIGHT: one service on VIP, its first server with WEIGHT.
cf() {
  lines "quiescent=no" "virtual=$1:80" "    real=192.168.7.10:80 gate $2" "    real=192.168.7.20:80 gate 3" "    protocol=tcp" "    scheduler=wrr"
}
table_of() {
  lines "-A -t $1:80 -s wrr" "-a -t $1:80 -r 192.168.7.10:80 -g -w $2" "-a -t $1:80 -r 192.168.7.20:80 -g -w 3"
}

expected_of() {
  expected "service|-t $1:80|-s wrr|0|" "server|-t $1:80|rs1|192.168.7.10:80|$2|" "server|-t $1:80|rs2|192.168.7.20:80|3|"
}

# director NAME VIP WEIGHT [CF [MORE_VIPS]]: a payload in $T, with that configuration.
director() {
  {
    printf '#!/usr/bin/env bash\n'
    printf 'readonly %s=%q\n' LVS_ROLE director LVS_NODE director LVS_VIPS "$2/32${5:-}" LVS_CONFIG_HASH "$1" LVS_IF eth0 LVS_MODE ldirectord \
      LVS_LDIRECTORD_CF "${4:-$(cf "$2" "$3")}" LVS_TABLE "$(expected_of "$2" "$3")" LVS_TABLE_PROGRAM "$(PATH=$REAL cat "$ROOT/scripts/guest/ipvsTable.pl")" LVS_SORRY_PAGE "" LVS_SORRY_PORTS "" \
      LVS_LDIRECTORD_TLS "" LVS_CHECKERS_CONF "" LVS_JUDGED_SECONDS "" LVS_LDIRECTORD_MODULE "$(PATH=$REAL cat "$ROOT/scripts/guest/ldirectord/Ldirectord.pm")" LVS_ALERTS "" LVS_MARKS "" \
      LVS_IPVS_TIMEOUTS "300 120 300" LVS_DRAIN_SECONDS 1 LVS_SETTLE_SECONDS 1 LVS_DRY_RUN "$(PATH=$REAL cat "$ROOT/scripts/host/ldirectord-dry-run.sh")" \
      LVS_DRY_RUN_MODULE "$(PATH=$REAL cat "$ROOT/scripts/host/ldirectord-dry-run/DryRun.pm")"
    cat "$ROOT"/scripts/guest/{common,addresses,pages,files,directorFiles,declaredVips,keepalived,holders/fixed,alerts,planes/static,planes/ldirectord,planes/keepalived,director}.sh | sed 's/^IPVS_SYSCTLS=.*/IPVS_SYSCTLS=(/; s/^dispatch .*//'
    printf 'dispatch "$@"\n'
  } >"$T/payload.$1"
  chmod 0700 "$T/payload.$1"
}

# in_namespaces STEPS: runs them as root of a machine of which nothing is this host's. `install NAME` installs a payload as the lab does, `state`
# tells what is in force.
in_namespaces() {
  local stands_in
  [[ -x /usr/sbin/ldirectord ]] || skip "ldirectord is not installed"
  PATH=$REAL unshare -mn true 2>/dev/null || skip "no namespaces here"
  fake_ipvsadm
  # Told of a file, it takes it, but for what $T/deaf keeps from it.
  stands_in='case "$*" in
    *is-active*lvs-dr-ldirectord*) [[ -e /run/daemon ]] && echo active ;;
    *is-active*) exit 3 ;;
    "start "*|"reload "*) : >/run/daemon; [[ -e '"$T"'/deaf ]] || { : >'"$T"'/table; '"$LIBRARY"' /etc/ha.d/ldirectord.cf | ipvsadm -R; } ;;
  esac'
  {
    echo "set -euo pipefail; export PATH=$REAL"
    echo "mount -t tmpfs none /run && mkdir -p /run/o/{etc,local,sbin}"
    echo 'for d in /etc /usr/local; do mkdir -p "/run/o$d".{up,work}; mount -t overlay -o "lowerdir=$d,upperdir=/run/o$d.up,workdir=/run/o$d.work" none "$d"; done'
    echo 'mkdir -p /usr/local/sbin /etc/ha.d; rm -f /etc/ha.d/ldirectord.cf; ip link set lo up; ip link add eth0 type bridge; ip link set eth0 up'
    # Real servers that answer.
    echo 'for a in 192.168.7.10 192.168.7.20; do ip addr add "$a/32" dev lo; done; trap "kill %1" EXIT'
    echo 'perl -MIO::Socket::INET -e "\$s = IO::Socket::INET->new(LocalPort => 80, Listen => 9); 1 while \$s->accept" &'
    echo "cd /usr/local/sbin; cp '$BIN/ipvsadm' .; for f in modprobe nginx; do ln -s /bin/true \$f; done"
    printf 'printf "#!/bin/bash\n%%s\n" %q >systemctl; chmod +x systemctl\n' "$stands_in"
    echo "install() { cp '$T/payload.'\$1 lvs-dr.\$1; ./lvs-dr.\$1 install || { rm -f lvs-dr.\$1; return 1; }; }"
    echo 'state() {
      ip -4 -o addr show dev eth0 | awk "{print \$4}"; ./ipvsadm -Sn; sed -n "s/.*LVS_CONFIG_HASH=//p" lvs-dr; cat /etc/lvs-dr/ipvs.rules | cksum
      cksum </etc/ha.d/ldirectord.cf; ls; }'
    echo "$1"
  } >"$T/script"
  sed -i 's/mkdir -p "\/run\/o$d"/mkdir -p "\/run\/o${d%\/*}" "\/run\/o$d"/' "$T/script"
  run env PATH="$REAL" unshare -mn bash "$T/script"
}

test_a_change_moves_the_vip_and_what_serves_it() {
  director one 10.0.0.100 1
  director two 10.0.0.101 5
  in_namespaces 'install one; install two; state'
  exits 0
  contains "$stdout" "10.0.0.101/32"
  lacks "$stdout" "10.0.0.100/32"
  contains "$stdout" "$(table_of 10.0.0.101 5)"
}

# keeps CAUSE: `two` fails, and everything is as `one` made it.
keeps() {
  in_namespaces 'install one; state >/run/before; '"$1"' if install two 2>/run/words; then echo "it was taken"; exit 1; fi; cat /run/words; state >/run/after; diff /run/before /run/after; ./lvs-dr status'
  exits 0
}

test_a_configuration_that_is_refused_leaves_the_vip() {
  director one 10.0.0.100 1
  director two 10.0.0.101 5 "frobnicate=yes"
  keeps ''
  contains "$stdout" "ldirectord refuses the new configuration, the old one still serves: Error"
  lacks "$stdout" "former configuration"
}

test_a_change_that_does_not_come_true_is_undone() {
  director one 10.0.0.100 1
  director two 10.0.0.100 5 "" " 10.0.0.102/32"
  keeps ": >'$T/deaf';"
  contains "$stdout" "the kernel's table is not as expected: rs1 192.168.7.10:80: weight 1 in service tcp 10.0.0.100:80, expected 5"
  contains "$stdout" "director: the former configuration is in force again"
}

# checked NAME FILE TEXT [COMMAND [CHECKTYPE]]: a payload that brings one file, and checks by it, or by COMMAND.
checked() {
  local cf
  cf="$(cf 10.0.0.100 1)"
  director "$1" 10.0.0.100 1 "$cf"$'\n'"    checktype=${5:-external}"$'\n'"    checkcommand=\"/etc/lvs-dr/files/${4:-$2}\""
  printf 'readonly LVS_FILES=%q LVS_FILE_0=%q\n' "$2" "$3" >"$T/files.$1"
  sed -i "1r $T/files.$1" "$T/payload.$1"
}

test_a_check_s_program_comes_with_the_configuration_that_names_it_and_goes_with_it() {
  checked one old.sh $'#!/bin/sh\ntrue\n'
  checked two new.sh $'#!/bin/sh\nfalse\n'
  checked three other.sh "" gone.sh
  in_namespaces 'install one; cat /etc/lvs-dr/files/old.sh; install two; ls /etc/lvs-dr/files*
    if install three 2>/run/words; then echo "it was taken"; exit 1; fi; cat /run/words; ls -d /etc/lvs-dr/files*; /etc/lvs-dr/files/new.sh || ./lvs-dr status
    rm /etc/lvs-dr/files/new.sh; ./lvs-dr status || true'
  exits 0
  contains "$stdout" "$(lines '#!/bin/sh' true)"
  contains "$stdout" "$(lines active new.sh lvs-dr:)"
  contains "$stdout" "the old one still serves: Error: checkcommand /etc/lvs-dr/files/gone.sh is not there"$'\n'/etc/lvs-dr/files$'\n'role=director
  contains "$stdout" $'problem=file-differs\t\t/etc/lvs-dr/files/new.sh\t/etc/lvs-dr/files/new.sh is not there'
}

test_perl_code_of_a_check_is_compiled_before_it_replaces_another() {
  checked one code.pl 'exit(0);' '' external-perl
  checked two code.pl '$undeclared = 1;' '' external-perl
  keeps ''
  contains "$stdout" "checkcommand /etc/lvs-dr/files/code.pl is not Perl code that can be run: Global symbol"
}
