# shellcheck shell=bash
# For scripts/lab: which stack a command is about, known before there is a Node.js to run the program. Source it after lib.sh.

readonly PROJECT=lvs-dr
readonly STACK_NAME='^[A-Za-z0-9._-]+$'

# parse_stack REFERENCE: prints the stack's name; dies with the reason where it cannot be one. model/config/stackName.ts has the
# same rule for the program, which may be called without this script.
parse_stack() {
  local given="$1" name="${1##*/}" organization="" project="$PROJECT" why=""
  case "$given" in
    */*/*/*) why="expected NAME, ORGANIZATION/NAME or ORGANIZATION/$PROJECT/NAME" ;;
    */*/*) organization="${given%%/*}" project="${given#*/}" project="${project%%/*}" ;;
    */*) organization="${given%%/*}" ;;
    *) organization=none ;;
  esac
  if [[ -n $why ]]; then
    :
  elif [[ -z $name ]]; then
    why="a stack's name must not be empty"
  elif [[ ! $name =~ $STACK_NAME ]]; then
    why='a stack'"'"'s name consists of letters, digits, "-", "_" and "."'
  elif ((${#name} > 100)); then
    why="a stack's name has at most 100 characters, not ${#name}"
  elif [[ $name == . || $name == .. ]]; then
    why="that names a directory, not a stack"
  elif [[ $name =~ ^(node|node\.lock|modules\.lock|test-results|image-digests\.json)$ ]]; then
    why=".lab/$name is the checkout's own, choose another name"
  elif [[ $project != "$PROJECT" ]]; then
    why="the project here is $PROJECT"
  elif [[ ! $organization =~ $STACK_NAME ]]; then
    why='an organization'"'"'s name consists of letters, digits, "-", "_" and "."'
  fi
  [[ -z $why ]] || die "--stack $(json_string "$given"): $why"
  echo "$name"
}

# option_of LONG SHORT DEFAULT COMMAND ARGUMENT…: prints the value of an option of the program's.
option_of() {
  local long="--$1" short="-$2" value="$3" command="$4"
  shift 4
  while (($# > 0)); do
    case "$1" in
      --) break ;;
      "$long" | "$short") value="${2:-}" && shift ;;
      "$long="*) value="${1#*=}" ;;
      "$short"?*) [[ $1 == --* ]] || value="${1#"$short"}" ;;
      -*) ;;
      # What follows is for the guest.
      *) [[ $command != ssh ]] || break ;;
    esac
    (($# > 0)) && shift
  done
  printf '%s\n' "$value"
}

# stack_of COMMAND ARGUMENT…: prints the name of the stack that it is about; dies where it cannot be one.
stack_of() {
  local given
  given="$(option_of stack s dev "$@")"
  parse_stack "$given"
}

# is_remote COMMAND ARGUMENT…: the stack's libvirt is on another host: as it is to be, or as it was last applied. Or it has none. Of a list of
# hosts, one is taken to be this one.
is_remote() {
  local applied="$ROOT/.lab/$STACK/lab.json" file
  if [[ $1 =~ ^(up|preview)$ || ! -e $applied ]]; then
    file="$(option_of config-file - "$ROOT/Pulumi.$STACK.yaml" "$@")"
    grep -qsE '^[^#]*libvirtUri["'\'']? *:[^#]*qemu\+ssh://' "$file" && ! grep -qsE '^[^#]*:hosts["'\'']? *:' "$file"
  else
    ! grep -qsE '"libvirtUri":"qemu(\+unix)?:///' "$applied" || ! grep -qs '"domain":"[^"]' "$applied"
  fi
}

# is_machines_alone COMMAND ARGUMENT…: the stack is of machines that exist, and needs no libvirt, wherever that runs.
is_machines_alone() {
  grep -qs hostKey "$(option_of config-file - "$ROOT/Pulumi.$STACK.yaml" "$@")" &&
    [[ "$(program image-source "${@:2}" 2>/dev/null)" == none* ]]
}
