/** What commands leave behind in a stack's directory for its report; gone with the stack. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { VerifyReport } from "../verify/verify";

const VERIFY = "verify.json";

export function recordVerify(directory: string, report: VerifyReport): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, VERIFY);
  // Whoever reads it meanwhile gets the old one or the new one, whole.
  writeFileSync(`${file}.new`, JSON.stringify(report), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function lastVerify(directory: string): VerifyReport | undefined {
  const file = join(directory, VERIFY);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as VerifyReport) : undefined;
}
