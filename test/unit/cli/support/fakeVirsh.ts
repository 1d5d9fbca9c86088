/** A `virsh` and an `ip` on PATH that answer from a table and record what they were asked. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Link } from "../../../../cli/stack/hostTraces";

const VIRSH = `#!/bin/sh
[ "$1 $2 $3" = "-q -c test:///default" ] || exit 99
shift 3
echo "$*" >>"$FAKE_HOST/asked"
[ -f "$FAKE_HOST/answer $*" ] || { cat "$FAKE_HOST/failure" >&2; echo " to: $*" >&2; exit 1; }
cat "$FAKE_HOST/answer $*"
`;
const IP = `#!/bin/sh
[ "$*" = "-j link show" ] || exit 99
cat "$FAKE_HOST/links"
`;

export interface FakeHost {
  /** A directory of the test's own. */
  readonly directory: string;
  /** What virsh was asked, without the connection; in no certain order where questions run at once. */
  asked(): string[];
  remove(): void;
}

/**
 * @param answers virsh's output by its arguments; to anything else it fails as virsh does
 * @param links this host's interfaces
 * @param failure virsh's words where it fails
 */
export function fakeHost(
  answers: Readonly<Record<string, string>>,
  links: readonly Link[] = [],
  failure = "error: no answer",
): FakeHost {
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-cli-"));
  const { PATH, FAKE_HOST } = process.env;
  for (const [name, script] of Object.entries({ virsh: VIRSH, ip: IP })) {
    writeFileSync(join(directory, name), script);
    chmodSync(join(directory, name), 0o755);
  }
  for (const [args, text] of Object.entries(answers)) writeFileSync(join(directory, `answer ${args}`), text);
  writeFileSync(join(directory, "asked"), "");
  writeFileSync(join(directory, "failure"), failure);
  writeFileSync(join(directory, "links"), JSON.stringify(links));
  process.env.PATH = `${directory}:${PATH}`;
  process.env.FAKE_HOST = directory;
  return {
    directory,
    asked: () => readFileSync(join(directory, "asked"), "utf8").split("\n").filter(Boolean),
    remove: () => {
      process.env.PATH = PATH;
      if (FAKE_HOST === undefined) delete process.env.FAKE_HOST;
      else process.env.FAKE_HOST = FAKE_HOST;
      rmSync(directory, { recursive: true });
    },
  };
}
