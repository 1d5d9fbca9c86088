import { describe, expect, it } from "vitest";
import { ConfigError, formatRefusal, parseConfig } from "../../../../model/config/config";

export interface Refusal {
  readonly name: string;
  readonly raw: Record<string, unknown>;
  /** Every problem, as a person reads it. */
  readonly lines: readonly string[];
}

/** The problems of a configuration, one line each; fails when it is accepted. */
export function refusalOf(raw: Record<string, unknown>): readonly string[] {
  try {
    parseConfig(raw, { project: "lvs-dr", stack: "dev" });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatRefusal);
    throw error;
  }
  return expect.fail(`accepted: ${JSON.stringify(raw)}`);
}

export function expectRefusals(subject: string, refusals: readonly Refusal[]): void {
  describe(`parseConfig refuses, of ${subject}`, () => {
    it.each(refusals)("$name", ({ raw, lines }) => expect(refusalOf(raw)).toEqual(lines));
  });
}
