#!/usr/bin/env bash
# shellcheck source=scripts/guest/common.sh disable=SC2034
# Text files of the user's own. Settings: PREFIX_FILES (their names), and of the file at place N PREFIX_FILE_N (its text).

# replace_text FILE TEXT MODE: sets CHANGED to 1 if it was otherwise.
replace_text() {
  if printf '%s' "$2" | put "$1" "$3"; then CHANGED=1; else written $?; fi
}

# put_files DIRECTORY PREFIX MODE: sets CHANGED to 1 if any of them was otherwise.
put_files() {
  local names=$2_FILES name text place=0
  for name in ${!names:-}; do
    text=$2_FILE_$place
    place=$((place + 1))
    replace_text "$1/$name" "${!text}" "$3"
  done
}

# drop_files DIRECTORY PREFIX: whatever else is there goes; sets CHANGED to 1 if anything does.
drop_files() {
  local names=$2_FILES file
  for file in "$1"/{,.[!.],..?}*; do
    [[ ! -e $file || " ${!names:-} " == *" ${file##*/} "* ]] || { rm -rf "$file" && CHANGED=1; }
  done
}
