/** What the suites of `scripts/lab test` came to: counts, and each failure by name for the closing lines. */
import { relative } from "node:path";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** `suite: file: test: what it said`, one for each failure that has a name. */
  readonly failures: readonly string[];
}

interface VitestReport {
  readonly numPassedTests?: number;
  readonly numFailedTests?: number;
  readonly numPendingTests?: number;
  readonly numTodoTests?: number;
  readonly testResults?: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

/** Lines that a closing line shows of what a failed test said. */
const SHOWN = 15;

/** What was said, without the stack; of a long message the first line and the last ones, which say why. */
function excerpt(text = ""): string {
  const [first = "", ...rest] = text.split("\n").filter((line) => line.trim() !== "" && !/^ +at /.test(line));
  const shown = rest.length < SHOWN ? rest : ["…", ...rest.slice(2 - SHOWN)];
  return [first, ...shown].join("\n    ");
}

/** One failure of a suite that says no more than that. */
export function failedAltogether(suite: string, why: string): Tally {
  return { passed: 0, failed: 1, skipped: 0, failures: [`${suite}: ${why}`] };
}

/**
 * @param report what vitest's json reporter wrote
 * @param status vitest's exit status: not 0 where files could not be loaded, or where something failed outside of tests
 */
export function vitestTally(suite: string, report: string, status: number): Tally {
  const { testResults = [], ...counts } = JSON.parse(report) as VitestReport;
  const failures = testResults.flatMap(({ name, status: fileStatus, message, assertionResults }) => {
    const file = `${suite}: ${relative(process.cwd(), name)}`;
    const tests = assertionResults
      .filter((test) => test.status === "failed")
      .map((test) => `${file}: ${test.fullName.trim()}: ${excerpt(test.failureMessages?.[0])}`);
    return tests.length === 0 && fileStatus === "failed" ? [`${file}: ${excerpt(message)}`] : tests;
  });
  if (failures.length === 0 && status !== 0) failures.push(`${suite}: vitest ended with status ${status}`);
  return {
    passed: counts.numPassedTests ?? 0,
    // A file that could not be loaded has no tests that fail.
    failed: Math.max(counts.numFailedTests ?? 0, failures.length),
    skipped: (counts.numPendingTests ?? 0) + (counts.numTodoTests ?? 0),
    failures,
  };
}

/**
 * @param text what test/shell/run.sh printed
 * @param status its exit status
 */
export function shellTally(text: string, status: number): Tally {
  const [, passed, failed, skipped] = /(\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(text) ?? [];
  if (passed === undefined) return failedAltogether("shell", `ended with status ${status}`);
  const failures = [...text.matchAll(/^FAILED +(.*?)(?: \(exit \d+\))?$((?:\n +\| .*)*)/gm)].map(
    ([, test, said = ""]) =>
      `shell: ${test}: ${said
        .split("\n")
        .at(-1)
        ?.replace(/^ *\| /, "")}`,
  );
  if (failures.length === 0 && status !== 0) failures.push(`shell: ended with status ${status}`);
  return {
    passed: Number(passed),
    failed: Math.max(Number(failed), failures.length),
    skipped: Number(skipped),
    failures,
  };
}

/** The closing lines: each failure again, since the output before is long, then the sums. */
export function closingLines(tallies: readonly Tally[]): string {
  const sum = (key: "passed" | "failed" | "skipped"): number =>
    tallies.reduce((total, tally) => total + tally[key], 0);
  const failures = tallies.flatMap((tally) => tally.failures.map((failure) => `FAILED: ${failure}\n`));
  return `${failures.join("")}${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped\n`;
}
