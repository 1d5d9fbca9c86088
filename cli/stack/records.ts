/** What commands leave behind in a stack's directory for its report; gone with the stack. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ensurePrivateDirectory, writeAtomically } from "../../lib/files";
import type { VerifyReport } from "../../verify/verify";

const VERIFY = "verify.json";

export function recordVerify(directory: string, report: VerifyReport): void {
  ensurePrivateDirectory(directory);
  writeAtomically(join(directory, VERIFY), JSON.stringify(report));
}

export function lastVerify(directory: string): VerifyReport | undefined {
  const file = join(directory, VERIFY);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as VerifyReport) : undefined;
}
