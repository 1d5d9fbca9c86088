/** What was last applied to a stack, for what must be known without its configuration. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ensurePrivateDirectory, writeAtomically } from "../../lib/files";
import { readLab } from "../../model/lab/recorded";
import type { Lab } from "../../model/lab/types";

const APPLIED = "lab.json";

/** What the last `up` set out to build. A check's password may be in it: for its owner's eyes. */
export function lastApplied(directory: string): Lab | undefined {
  try {
    return readLab(JSON.parse(readFileSync(join(directory, APPLIED), "utf8")));
  } catch {
    // No command depends on it, `down` least of all.
    return undefined;
  }
}

export function recordApplied(directory: string, lab: Lab): void {
  ensurePrivateDirectory(directory);
  writeAtomically(join(directory, APPLIED), JSON.stringify(lab));
}
