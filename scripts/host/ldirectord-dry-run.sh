#!/usr/bin/env bash
# ldirectord-dry-run.sh FILE — the table that the real ldirectord would make of a configuration while all checks pass, as
# `ipvsadm -Sn` prints it, thresholds appended, without touching the kernel or any network: its own parser reads the file, and a
# stand-in for ipvsadm (DryRun.pm) keeps the table. FILE may be - for stdin.
# Exit: 0; 2 ldirectord, Perl or ipvsadm would not take it (in their words on stderr); 3 ldirectord is not installed; 124 it takes
# longer than DRY_RUN_SECONDS (30). The director's script brings this one with it and asks the guest's ldirectord.
set -euo pipefail
umask 077

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
LDIRECTORD="${LDIRECTORD:-/usr/sbin/ldirectord}"

work=""
clean_up() { [[ -z $work ]] || rm -rf -- "$work"; }

usage() {
  sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 64
}

# copy_config FILE TARGET: the file as it is, but for the log files that its parser would open for writing.
copy_config() {
  sed -E "s|^([[:space:]]+monitorfile[[:space:]]*=).*|\\1\"$work/monitor.log\"|" -- "$1" >"$2"
}

# run_ldirectord: in a directory of ours alone, since -d runs the ./ipvsadm of the current one. PERLIO: else
# ldirectord sets it and starts itself anew, and each start compiles 5,000 lines of Perl.
run_ldirectord() (
  cd "$work"
  PERL5LIB="$HERE/ldirectord-dry-run" PERL5OPT=-MDryRun PERLIO=perlio PERL_HASH_SEED=0 HOSTNAME=director \
    timeout -k 1 "${DRY_RUN_SECONDS:-30}" "$LDIRECTORD" -d "$work/${work##*/}.cf" start >"$work/stdout" 2>"$work/log"
)

# explain: the daemon's complaint, without the path of the copy.
explain() {
  { grep -E '^(Error|Warning) ' "$work/log" || tail -n 5 "$work/log"; } | sed -E "s| \[[0-9]+\]||; s|$work/[^ ]*|the file|" >&2
}

main() {
  local status=0
  [[ $# == 1 && $1 != -?* ]] || usage
  if [[ ! -x $LDIRECTORD ]]; then
    echo "ldirectord is not installed: apt-get install ldirectord" >&2
    exit 3
  fi
  work="$(mktemp -d "${TMPDIR:-/tmp}/lvs-dr-dry-run.XXXXXXXX")"
  trap clean_up EXIT
  copy_config "$1" "$work/${work##*/}.cf"
  # With -d it takes this one, and would else need the real one installed; DryRun.pm does its work.
  : >"$work/ipvsadm"
  : >"$work/table"
  run_ldirectord || status=$?
  ((status != 124)) || exit 124
  ((status == 0)) || { explain && exit 2; }
  [[ ! -s $work/refused ]] || { sort -u -- "$work/refused" >&2 && exit 2; }
  cat "$work/table"
}
main "$@"
