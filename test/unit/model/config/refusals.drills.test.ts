/** What is refused of the drills' limits, word for word; and what they are without a word. */
import { expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { DRILL_LIMITS } from "../../../../model/config/schemaDrills";
import { expectRefusals } from "./refusals";

const LIMITS = "drills.limits";

expectRefusals("drills", [
  {
    name: "a negative count",
    raw: { drills: { limits: { failed: -1 } } },
    lines: [
      `${LIMITS}.failed = -1: must be an integer from 0 to 1000000 requests. Fix: choose 0 to 1000000.`,
    ],
  },
  {
    name: "no time at all",
    raw: { drills: '{"limits":{"rebootSeconds":0}}' },
    lines: [`${LIMITS}.rebootSeconds = 0: must be an integer from 1 to 3600 seconds. Fix: choose 1 to 3600.`],
  },
  {
    name: "more than everything",
    raw: { drills: { limits: { answeredPercent: 101 } } },
    lines: [
      `${LIMITS}.answeredPercent = 101: must be an integer from 0 to 100 per cent. Fix: choose 0 to 100.`,
    ],
  },
  {
    name: "a misspelt limit",
    raw: { drills: { limits: { rebotSeconds: 60 } } },
    lines: [
      `${LIMITS}.rebotSeconds: is not a configuration key, did you mean rebootSeconds. Fix: rename it to rebootSeconds, or remove it.`,
    ],
  },
]);

const dev = { project: "lvs-dr", stack: "dev" };

it("the drills' limits are optional, and change no guest", () => {
  const plain = parseConfig({}, dev);
  const stricter = parseConfig({ drills: { limits: { failed: 5, ejectSeconds: 4 } } }, dev);
  expect(plain.drills?.limits).toEqual(DRILL_LIMITS);
  expect(stricter.drills?.limits).toEqual({ ...DRILL_LIMITS, failed: 5, ejectSeconds: 4 });
  expect(stricter.configHash).toBe(plain.configHash);
});
