import { describe, expect, it } from "vitest";
import { ConfigError, formatRefusal, parseConfig } from "../../../../model/config/config";
import { NO_TEXT, type TextFile } from "../../../../model/config/workloads";

export interface Refusal {
  readonly name: string;
  readonly raw: Record<string, unknown>;
  /** What is in the files that it names, by their paths; others are empty. */
  readonly files?: Readonly<Record<string, TextFile>>;
  /** Every problem, as a person reads it. */
  readonly lines: readonly string[];
}

/** The problems of a configuration, one line each; fails when it is accepted. */
export function refusalOf(
  raw: Record<string, unknown>,
  files: Readonly<Record<string, TextFile>> = {},
): readonly string[] {
  try {
    parseConfig(raw, { project: "lvs-dr", stack: "dev" }, (path) => files[path] ?? NO_TEXT);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatRefusal);
    throw error;
  }
  return expect.fail(`accepted: ${JSON.stringify(raw)}`);
}

export function expectRefusals(subject: string, refusals: readonly Refusal[]): void {
  describe(`parseConfig refuses, of ${subject}`, () => {
    it.each(refusals)("$name", ({ raw, files, lines }) => expect(refusalOf(raw, files)).toEqual(lines));
  });
}
