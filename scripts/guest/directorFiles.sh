#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2034
# Programs of the user's own on a director, for checks and for what ldirectord runs. Settings: LVS_FILES (names; absent: none), and of the file at
# place N LVS_FILE_N. Needs files.sh.

readonly DIRECTOR_FILES=/etc/lvs-dr/files
# Where they are while the configuration that names them is judged: nothing that is in force is touched until then. Not below /run, which
# is often mounted noexec.
readonly FILES_AHEAD=/etc/lvs-dr/files.new

# files_ahead TEXT: sets AHEAD to the text, in which the files that are to come are where they can be judged. `files_judged` ends it.
files_ahead() {
  AHEAD=$1
  [[ -n ${LVS_FILES:-} && $1 == *"$DIRECTOR_FILES/"* ]] || return 0
  put_files "$FILES_AHEAD" LVS 0755
  # What a validation that was cut off has left.
  drop_files "$FILES_AHEAD" LVS
  AHEAD=${1//"$DIRECTOR_FILES/"/"$FILES_AHEAD/"}
}

# files_judged WORDS: sets WORDS to what was said, with the files where they will be.
files_judged() {
  WORDS=${1//"$FILES_AHEAD/"/"$DIRECTOR_FILES/"}
  [[ ! -e $FILES_AHEAD ]] || rm -rf "$FILES_AHEAD"
}

# director_file N: sets FILE to the path of the one at that place in LVS_FILES, and TEXT to its text. Fails behind the last one.
director_file() {
  local names text=LVS_FILE_$1
  read -ra names <<<"${LVS_FILES:-}"
  (($1 < ${#names[@]})) || return
  FILE=$DIRECTOR_FILES/${names[$1]}
  TEXT=${!text}
}

# is_file FILE TEXT: whether it has that text, and can be run.
is_file() {
  local text
  [[ -f $1 && -x $1 ]] || return
  IFS= read -rd '' text <"$1" || true
  [[ $text == "$2" ]]
}

# files_differ: any of them is not installed as it is configured.
files_differ() {
  local place=0 FILE TEXT
  while director_file $((place++)); do is_file "$FILE" "$TEXT" || return 0; done
  return 1
}

# files_since FILE: any of them was installed after that one was written.
files_since() {
  local place=0 FILE TEXT
  while director_file $((place++)); do [[ ! $FILE -nt $1 ]] || return 0; done
  return 1
}

# leave_files: those that left the list, when nothing names them any more.
leave_files() {
  [[ -d $DIRECTOR_FILES ]] || return 0
  drop_files "$DIRECTOR_FILES" LVS
  [[ -n ${LVS_FILES:-} ]] || rmdir "$DIRECTOR_FILES" 2>/dev/null || true
}

expect_files() {
  local place=0 FILE TEXT
  while director_file $((place++)); do
    if [[ ! -e $FILE ]]; then
      problem file-differs "$FILE" "$FILE is not there"
    elif ! is_file "$FILE" "$TEXT"; then
      problem file-differs "$FILE" "$FILE is not the lab's"
    fi
  done
}
