import { Linter } from "eslint";
import { expect, it } from "vitest";

const CONFIG = "../../eslint.config.mjs";

async function complaints(code: string): Promise<number> {
  const { default: config } = (await import(CONFIG)) as { default: Linter.Config[] };
  const rule = config.map(({ rules }) => rules?.["no-restricted-syntax"]).findLast(Boolean);
  return new Linter().verify(code, { rules: { "no-restricted-syntax": rule ?? "off" } }).length;
}

it.each([
  ["`${vip}:${port}`", 1],
  ["`http://${each.address}:${each.port}/`", 1],
  ["`${address}/32`", 1],
  ["address + '/128'", 1],
  ["`${name}: ${port}`", 0],
  ["`the VIP /32 on lo`", 0],
])("endpoints and host prefixes are written by the value types: %s", async (code, expected) => {
  expect(await complaints(code)).toBe(expected);
});

it.each([
  ["events.findIndex(({ what }) => what.startsWith('steady'))", 1],
  ["failures.some((failure) => /^failed is/.test(failure))", 1],
  ["each.text.includes('weight')", 1],
  ["/is out/.exec(problem.detail)", 1],
  ["health.problems.includes(line)", 1],
  ["codes.includes('not-out')", 0],
  ["text.startsWith('[')", 0],
  ["each.text === ''", 0],
])("nothing decides by the wording of a text for people: %s", async (code, expected) => {
  expect(await complaints(code)).toBe(expected);
});
