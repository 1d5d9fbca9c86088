import { describe, expect, it } from "vitest";
import { ConfigError, formatRefusal, parseConfig } from "../../../../model/config/config";
import { NO_TEXT, type TextFile } from "../../../../model/config/textFiles";
import type { Lab } from "../../../../model/lab/types";

export interface Refusal {
  readonly name: string;
  readonly raw: Record<string, unknown>;
  /** What is in the files that it names, by their paths; others are empty. */
  readonly files?: Readonly<Record<string, TextFile>>;
  /** The lab as it was last applied. */
  readonly last?: Lab;
  /** Every problem, as a person reads it. */
  readonly lines: readonly string[];
}

/** The problems of a configuration, one line each; fails when it is accepted. */
export function refusalOf(
  raw: Record<string, unknown>,
  files: Readonly<Record<string, TextFile>> = {},
  last?: Lab,
): readonly string[] {
  try {
    parseConfig(raw, { project: "lvs-dr", stack: "dev" }, (path) => files[path] ?? NO_TEXT, last);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatRefusal);
    throw error;
  }
  return expect.fail(`accepted: ${JSON.stringify(raw)}`);
}

export function expectRefusals(subject: string, refusals: readonly Refusal[]): void {
  describe(`parseConfig refuses, of ${subject}`, () => {
    it.each(refusals)("$name", ({ raw, files, last, lines }) =>
      expect(refusalOf(raw, files, last)).toEqual(lines),
    );
  });
}
