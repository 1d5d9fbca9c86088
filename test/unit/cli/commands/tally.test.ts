import { resolve } from "node:path";
import { expect, it } from "vitest";
import { closingLines, failedAltogether, shellTally, vitestTally } from "../../../../cli/commands/tally";

const file = (name: string, tests: object[], more: object = {}): object => ({
  name: resolve(name),
  status: tests.some((test) => "failureMessages" in test) ? "failed" : "passed",
  message: "",
  assertionResults: tests,
  ...more,
});
const passed = { fullName: "holds", status: "passed" };
const failing = {
  fullName: " breaks",
  status: "failed",
  failureMessages: ["Error: down ended with 1:\n\nthe pool is in use\n    at x.ts"],
};
const report = (counts: object, ...testResults: object[]): string =>
  JSON.stringify({ ...counts, testResults });

it("names each test that failed, with what it said, before the sums", () => {
  const tally = vitestTally(
    "unit",
    report(
      { numPassedTests: 2, numFailedTests: 1, numPendingTests: 1 },
      file("test/a.test.ts", [passed, failing]),
      file("test/b.test.ts", [passed]),
    ),
    1,
  );
  expect(closingLines([tally, failedAltogether("services", "no report")])).toBe(
    "FAILED: unit: test/a.test.ts: breaks: Error: down ended with 1:\n    the pool is in use\n" +
      "FAILED: services: no report\n2 passed, 2 failed, 1 skipped\n",
  );
});

it("shows the first line and the last ones of what is long", () => {
  const said = Array.from({ length: 40 }, (_, i) => `line ${i + 1}`).join("\n");
  const long = { ...failing, failureMessages: [said] };
  const { failures } = vitestTally("unit", report({}, file("test/a.test.ts", [long])), 1);
  const lines = failures[0]?.split("\n    ") ?? [];
  expect(lines).toHaveLength(15);
  expect([...lines.slice(0, 3), lines.at(-1)]).toEqual([
    "unit: test/a.test.ts: breaks: line 1",
    "…",
    "line 28",
    "line 40",
  ]);
});

it("counts a file that could not be loaded, and a run that fails outside of its tests", () => {
  const broken = file("test/c.test.ts", [], { status: "failed", message: "Cannot find module" });
  const counts = { numPassedTests: 1, numFailedTests: 0 };
  expect(vitestTally("unit", report(counts, broken), 1)).toEqual({
    ...{ passed: 1, failed: 1, skipped: 0 },
    failures: ["unit: test/c.test.ts: Cannot find module"],
  });
  expect(vitestTally("unit", report(counts, file("test/b.test.ts", [passed])), 1)).toMatchObject({
    failed: 1,
    failures: ["unit: vitest ended with status 1"],
  });
  expect(vitestTally("unit", report(counts, file("test/b.test.ts", [passed])), 0).failures).toEqual([]);
});

it("reads the shell tests' output, and what the last line of a failed one was", () => {
  const text =
    "ok       a.test.sh: test_a\nFAILED   b.test.sh: test_b (exit 1)\n         | + x\n         | no\n";
  expect(shellTally(`${text}1 passed, 1 failed, 0 skipped\n`, 1)).toEqual({
    ...{ passed: 1, failed: 1, skipped: 0 },
    failures: ["shell: b.test.sh: test_b: no"],
  });
  expect(shellTally("ok       a.test.sh: test_a\n1 passed, 0 failed, 0 skipped\n", 0).failures).toEqual([]);
  expect(shellTally(text, 1)).toMatchObject({ failed: 1, failures: ["shell: ended with status 1"] });
});
