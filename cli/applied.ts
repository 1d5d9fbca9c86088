/** What was last applied to a stack, for what must be known without its configuration. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../model/types";

const APPLIED = "lab.json";

/** What the last `up` set out to build. A check's password may be in it: for its owner's eyes. */
export function lastApplied(directory: string): Lab | undefined {
  const file = join(directory, APPLIED);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Lab) : undefined;
}

export function recordApplied(directory: string, lab: Lab): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, APPLIED), JSON.stringify(lab), { mode: 0o600 });
}
