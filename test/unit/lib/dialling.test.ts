import { expect, test } from "vitest";
import { dialErrorLimit, dialPauses } from "../../../lib/dialling";

test.each([
  ["refuses", 0],
  ["is not there", 3000],
  ["drops packets", 10_000],
])("tries a machine that %s as long as the real provider tries one that is not there", (_, attempt) => {
  // 68 failures, each after 3 s, and pauses of 0.1 s x 1.5^n, at most 5 s.
  let clock = 1000;
  const pauses = dialPauses(68, () => clock);
  const seen: number[] = [];
  for (;;) {
    clock += attempt;
    const { value, done } = pauses.next();
    if (done) break;
    seen.push(value);
    clock += value;
  }
  const seconds = (clock - 1000) / 1000;
  expect(seconds).toBeGreaterThanOrEqual(504);
  expect(seconds).toBeLessThan(506 + 10);
  expect(seen.slice(0, 3)).toEqual([100, 150, 225]);
  expect(Math.max(...seen)).toBe(1000);
});

test("never ends where any number of failures is tolerated, and at once where none is", () => {
  expect([...dialPauses(0)]).toEqual([]);
  const endless = dialPauses(-1);
  for (let day = 0; day < 86_400; day++) expect(endless.next().done).toBe(false);
});

test("as many failures are tolerated as fit the time that a machine has", () => {
  // Each attempt at a machine that is not there takes 3 s; between them the provider waits 0.1 s × 1.5ⁿ, at most 5 s.
  expect([0, 0.1, 30, 300, 3600].map(dialErrorLimit)).toEqual([0, 1, 9, 43, 455]);
});
