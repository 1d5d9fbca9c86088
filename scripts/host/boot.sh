#!/usr/bin/env bash
# Waits until a guest's sshd answers. A guest that does not is looked at: when half of the time has passed and it does
# not use its disk either, it is reset, once. If that does not help, its console's last lines say what it came to.
#
#   boot.sh DOMAIN ADDRESS SECONDS POOL VOLUME [RESET-AFTER]
#                exit 0: it answers; 1: it does not, with the reason on stdout. VOLUME of POOL is its console.
#
# LVS_DR_PROXY=USER@HOST is the libvirt host, where the guest is asked from when that is another one; with
# LVS_DR_PROXY_PORT, and LVS_DR_PROXY_KEY (a file) and LVS_DR_PROXY_HOST_KEY, both of which may be empty.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"

# Seconds between two looks at what a silent guest does.
readonly LOOK="${LVS_DR_BOOT_LOOK:-15}"
readonly PORT="${LVS_DR_BOOT_PORT:-22}"
# Seconds for which the libvirt host itself may be silent.
readonly HOST_SILENT="${LVS_DR_BOOT_HOST_SILENT:-60}"
# A panic says its reason before some 25 lines of where it happened.
readonly CONSOLE_LINES=40

# ADDRESS PORT SECONDS: for bash on the libvirt host. An attempt at an address where nobody is takes 3 s.
# shellcheck disable=SC2016
readonly AWAIT='
  end=$((SECONDS + $3))
  while left=$((end - SECONDS)) && ((left > 0)); do
    if timeout "$((left < 10 ? left : 10))" bash -c "exec 3<>/dev/tcp/$1/$2 && read -r -u 3 line && [[ \$line == SSH-* ]]" 2>/dev/null
    then exit 0; fi
    sleep 0.2
  done
  exit 1'

ask_virsh() { timeout -k 2 30 virsh -q -c "$LIBVIRT_URI" "$@" 2>&1 </dev/null; }

# answers SECONDS: within that time. 1: it does not; 255: the libvirt host could not be asked, for the reason in $REFUSAL.
answers() {
  local ssh status=0
  if [[ -z ${LVS_DR_PROXY:-} ]]; then
    bash -c "$AWAIT" - "$ADDRESS" "$PORT" "$1"
    return
  fi
  ssh=(ssh -F none -p "$LVS_DR_PROXY_PORT" -o BatchMode=yes -o ConnectTimeout=15 -o LogLevel=ERROR
    -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null)
  [[ -z ${LVS_DR_PROXY_KEY:-} ]] || ssh+=(-o IdentitiesOnly=yes -i "$LVS_DR_PROXY_KEY")
  if [[ -n ${LVS_DR_PROXY_HOST_KEY:-} ]]; then
    ssh+=(-o StrictHostKeyChecking=yes -o HostKeyAlias=libvirt -o "KnownHostsCommand=/bin/echo libvirt $LVS_DR_PROXY_HOST_KEY")
  else
    ssh+=(-o StrictHostKeyChecking=no)
  fi
  REFUSAL="$("${ssh[@]}" "$LVS_DR_PROXY" "bash -c ${AWAIT@Q} - $ADDRESS $PORT $1" 2>&1 </dev/null)" || status=$?
  return "$status"
}

# wake: whatever state it is in.
wake() {
  local state
  state="$(ask_virsh domstate "$DOMAIN")" || true
  case "$state" in
    running | idle) say "$DOMAIN is silent: resetting it" && ask_virsh reset "$DOMAIN" >&2 ;;
    paused) say "$DOMAIN is paused: resuming it" && ask_virsh resume "$DOMAIN" >&2 ;;
    "shut off" | crashed) say "$DOMAIN is $state: starting it" && ask_virsh start "$DOMAIN" >&2 ;;
    *) say "$DOMAIN: $state" ;;
  esac || true
}

# console: its last lines, as text.
console() {
  local file text output
  file="$(mktemp)"
  if ! output="$(ask_virsh vol-download --pool "$POOL" "$VOLUME" "$file")"; then
    echo "Its console cannot be read: $output"
  else
    text="$(sed -e 's/\x1b\[[0-9;?]*[A-Za-z]//g' "$file" | tr -cd '\11\12\40-\176' | grep -v '^ *$' | tail -n "$CONSOLE_LINES")" || true
    if [[ -n $text ]]; then
      printf 'The last lines of its console (all of it: virsh -c %s vol-download --pool %s %s FILE):\n' "$LIBVIRT_URI" "$POOL" "$VOLUME"
      while IFS= read -r output; do printf '  %s\n' "$output"; done <<<"$text"
    else
      echo "Its console shows nothing."
    fi
  fi
  rm -f "$file"
}

main() {
  (($# >= 5)) || die "usage: boot.sh DOMAIN ADDRESS SECONDS POOL VOLUME [RESET-AFTER]"
  readonly DOMAIN="$1" ADDRESS="$2" LIMIT="$3" POOL="$4" VOLUME="$5"
  local end=$((SECONDS + LIMIT)) reset_at=$((SECONDS + ${6:-LIMIT / 2})) left status activity="" before was_reset="" silent_since=""
  REFUSAL=""
  while left=$((end - SECONDS)) && ((left > 0)); do
    status=0
    answers "$((left < LOOK ? left : LOOK))" || status=$?
    ((status != 0)) || return 0
    if [[ $REFUSAL == *"Host key verification failed"* ]]; then
      echo "${LVS_DR_PROXY#*@} shows another host key than the one pinned for it: refused"
      return 1
    elif ((status == 255)); then
      # Nothing is known of the guest.
      : "${silent_since:=$SECONDS}"
      ((SECONDS - silent_since < HOST_SILENT)) || break
      sleep 1
      continue
    fi
    silent_since=""
    before="$activity"
    activity="$(ask_virsh domstats --block "$DOMAIN")" || true
    if [[ -z $was_reset && $activity == "$before" ]] && ((SECONDS >= reset_at)); then
      was_reset=", though it was reset once"
      wake
    fi
  done
  ((status != 255)) || { echo "$LVS_DR_PROXY could not be asked by SSH whether $DOMAIN answers: ${REFUSAL##*$'\n'}" && return 1; }
  echo "$DOMAIN does not answer SSH at $ADDRESS within $LIMIT s$was_reset; its state: $(ask_virsh domstate "$DOMAIN" || true)."
  console
  return 1
}
main "$@"
