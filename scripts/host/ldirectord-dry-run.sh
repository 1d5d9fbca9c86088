#!/usr/bin/env bash
# ldirectord-dry-run.sh FILE — the table that the real ldirectord would make of a configuration while all checks pass, as
# `ipvsadm -Sn` prints it, thresholds appended, without touching the kernel or any network: its own parser reads the file, and a
# stand-in for ipvsadm (DryRun.pm) keeps the table. FILE may be - for stdin.
# Exit: 0; 2 ldirectord, Perl or ipvsadm would not take it (in their words on stderr); 3 ldirectord is not installed; 124 it takes
# longer than DRY_RUN_SECONDS (30). The director's script brings this one with it and asks the guest's ldirectord; there (DRY_RUN_HERE
# set) the files, programs and Perl modules that the configuration names must be there too, else the exit is 2.
set -euo pipefail
umask 077

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
LDIRECTORD="${LDIRECTORD:-/usr/sbin/ldirectord}"

work=""
clean_up() { [[ -z $work ]] || rm -rf -- "$work"; }

usage() {
  sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 64
}

# copy_config FILE TARGET: the file as it is, but for the log files that its parser would open for writing.
copy_config() {
  cat -- "$1" >"$work/original"
  sed -E "s|^([[:space:]]+monitorfile[[:space:]]*=).*|\\1\"$work/monitor.log\"|" -- "$work/original" >"$2"
}

# logs_that_cannot_be_written CONFIG: the daemon would refuse the file, at its next start too.
logs_that_cannot_be_written() {
  local file
  sed -nE 's|^[[:space:]]+monitorfile[[:space:]]*=[[:space:]]*"?([^"]*)"?.*|\1|p' -- "$1" | while read -r file; do
    if [[ -d $file ]]; then
      echo "monitorfile $file is a directory"
    elif [[ ! -d ${file%/*}/ ]]; then
      echo "monitorfile $file: the directory ${file%/*} is not there"
    elif [[ ! -w $file && (-e $file || ! -w ${file%/*}/) ]]; then
      echo "monitorfile $file cannot be written"
    fi
  done
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
  [[ -z ${DRY_RUN_HERE:-} ]] || logs_that_cannot_be_written "$work/original" >>"$work/refused"
  ((status == 0)) || explain
  [[ ! -s $work/refused ]] || sort -u -- "$work/refused" >&2
  ((status == 0)) && [[ ! -s $work/refused ]] || exit 2
  cat "$work/table"
}
main "$@"
