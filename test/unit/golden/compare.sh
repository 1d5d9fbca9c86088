#!/usr/bin/env bash
# compare.sh COMMIT — what guests and engines would get from this tree that they do not get from COMMIT: a diff of the whole texts of
# which the golden files hold digests. Needs this checkout's node_modules.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
root=$PWD work=$(mktemp -d)
trap 'git worktree remove --force "$work/then" 2>/dev/null; rm -rf "$work"' EXIT
git worktree add -q --detach "$work/then" "$1"
ln -s "$root/node_modules" "$work/then/node_modules"
render() { (cd "$1" && GOLDEN_DIRECTORY="$2" node_modules/.bin/vitest run --project unit test/unit/golden >"$2.log" 2>&1) || true; }
render "$work/then" "$work/before"
render "$root" "$work/after"
[[ -d $work/before && -d $work/after ]] || { cat "$work"/*.log >&2; exit 2; }
diff -ru "$work/before" "$work/after"
