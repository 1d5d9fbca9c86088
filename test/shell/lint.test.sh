# shellcheck shell=bash
# shellcheck disable=SC2154,SC2164 # set -e holds (run.sh)
# Every shell script of the project: shellcheck-clean, strict, of a readable length.

# project_files: what git would take; where there is no git, or no repository of its kind, all but what is never taken.
project_files() {
  # Another user's repository (a mounted one, in a container) is as good.
  git -c safe.directory='*' ls-files -co --exclude-standard 2>/dev/null ||
    find . \( -name .git -o -name .lab -o -name node_modules \) -prune -o -type f -printf '%P\n'
}

shell_files() {
  local file
  cd "$ROOT"
  project_files | sort -u |
    while IFS= read -r file; do
      [[ -f $file ]] || continue
      if [[ $file == *.sh ]] || head -n 1 "$file" | grep -aqE '^#!.*\b(ba)?sh$'; then echo "$file"; fi
    done
}

# The real commands, not the made-up host's.
real_path() { PATH="/usr/local/bin:/usr/bin:/bin"; }

test_shellcheck() {
  real_path
  command -v shellcheck >/dev/null || skip "shellcheck is not installed"
  cd "$ROOT"
  # SC2187: that busybox sh is checked as dash.
  shell_files | xargs shellcheck -x -P "$ROOT" -e SC2187
}

test_scripts_are_strict() {
  real_path
  local file
  cd "$ROOT"
  while IFS= read -r file; do
    # Only what is run, not what is sourced or shipped to a guest in pieces.
    [[ -x $file && "$(head -n 1 "$file")" == '#!'*bash ]] || continue
    grep -q '^set -euo pipefail$' "$file" || fail "$file lacks set -euo pipefail"
  done < <(shell_files)
}

test_files_are_short() {
  real_path
  local file
  cd "$ROOT"
  while IFS= read -r file; do
    (($(wc -l <"$file") < 300)) || fail "$file has 300 lines or more"
  done < <(shell_files)
}

test_without_git_only_the_project_s_own_files_are_looked_at() {
  real_path
  local files
  mkdir -p "$T/copy"/{.git/hooks,.lab/dev,node_modules/a,sdks/a/node_modules,scripts}
  for files in .git/hooks/a.sh .lab/dev/b.sh node_modules/a/c.sh sdks/a/node_modules/d.sh scripts/e.sh; do : >"$T/copy/$files"; done
  fake git 'exit 128'
  PATH="$BIN:$PATH"
  ROOT="$T/copy"
  equals "$(shell_files)" scripts/e.sh
}
