# shellcheck shell=bash
# For scripts/lab: to go on as root, or as the same user with groups that it got after its login, with the caller's
# environment. Source it after lib.sh.

HOST_SCRIPTS="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
HANDED_OVER=""

# What the program and what it starts look at.
readonly ROOT_ENVIRONMENT='PATH|HOME|TERM|LANG|LC_[A-Z]+|CI|NO_COLOR|NODE_COMPILE_CACHE|TSX_[A-Z_]+|LVS_DR_[A-Z_]+|PULUMI_[A-Z_]+'

# hand_over PATTERN: the exported variables of these names, in the file $HANDED_OVER, for withEnvironment.sh. sudo drops
# what it does not know, and what it may keep is for its policy to say; on its command line, everyone could read a
# PULUMI_ACCESS_TOKEN, also in its log.
hand_over() {
  local name directory="${XDG_RUNTIME_DIR:-}"
  [[ -n $directory && -d $directory && -w $directory ]] || directory="${TMPDIR:-/tmp}"
  # Readable to this user (and root) only.
  HANDED_OVER="$(mktemp "$directory/lvs-dr-environment.XXXXXXXX")"
  for name in $(compgen -e); do
    [[ ! $name =~ ^($1)$ ]] || printf '%s=%s\0' "$name" "${!name}"
  done >"$HANDED_OVER"
  # Where sudo refuses, nobody reads it: then it goes with this process.
  # shellcheck disable=SC2016 # for the inner shell
  setsid -f bash -c 'while [[ -e $1 && -d /proc/$2 ]]; do sleep 0.2; done; rm -f "$1"' - "$HANDED_OVER" "$$" \
    </dev/null >/dev/null 2>&1
}

# exec_as_root COMMAND…: becomes it.
exec_as_root() {
  ! is_root || exec "$@"
  have sudo || die "root is needed where the guests are, and there is no sudo here: run as root"
  hand_over "$ROOT_ENVIRONMENT"
  exec sudo -- "$HOST_SCRIPTS/withEnvironment.sh" "$HANDED_OVER" "$@"
}

# exec_as_logged_in COMMAND…: becomes it, as the same user with all groups that the user database gives it by now. Not by
# sg: that takes up one group a time, makes it the owner of new files, and keeps signals from the command.
exec_as_logged_in() {
  hand_over '.*'
  exec sudo -- "$HOST_SCRIPTS/withEnvironment.sh" "$HANDED_OVER" \
    setpriv --reuid="$(id -u)" --regid="$(id -g)" --init-groups -- "$@"
}
