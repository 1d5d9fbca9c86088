/** What was last applied to a stack, for what must be known without its configuration. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensurePrivateDirectory, writeAtomically } from "../../lib/files";
import { readLab } from "../../model/lab/recorded";
import type { Lab } from "../../model/lab/types";

const APPLIED = "lab.json";
const CONFIG_FILE = "config-file";

/** What the last `up` set out to build. A check's password may be in it: for its owner's eyes. */
export function lastApplied(directory: string): Lab | undefined {
  try {
    return readLab(JSON.parse(readFileSync(join(directory, APPLIED), "utf8")));
  } catch {
    // No command depends on it, `down` least of all.
    return undefined;
  }
}

/** @param configFile the one that was named for it, if any */
export function recordApplied(directory: string, lab: Lab, configFile?: string): void {
  ensurePrivateDirectory(directory);
  writeAtomically(join(directory, APPLIED), JSON.stringify(lab));
  if (configFile === undefined) rmSync(join(directory, CONFIG_FILE), { force: true });
  else writeAtomically(join(directory, CONFIG_FILE), configFile);
}

/** The configuration file that was named for the last `up`, absolute; undefined where the stack's own was taken. */
export function appliedFile(directory: string): string | undefined {
  const record = join(directory, CONFIG_FILE);
  return existsSync(record) ? readFileSync(record, "utf8") : undefined;
}
