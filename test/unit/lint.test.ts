import { Linter } from "eslint";
import { expect, it } from "vitest";

const CONFIG = "../../eslint.config.mjs";

it.each([
  ["`${vip}:${port}`", 1],
  ["`http://${each.address}:${each.port}/`", 1],
  ["`${address}/32`", 1],
  ["address + '/128'", 1],
  ["`${name}: ${port}`", 0],
  ["`the VIP /32 on lo`", 0],
])("endpoints and host prefixes are written by the value types: %s", async (code, complaints) => {
  const { default: config } = (await import(CONFIG)) as { default: Linter.Config[] };
  const rule = config.map(({ rules }) => rules?.["no-restricted-syntax"]).find(Boolean);
  expect(new Linter().verify(code, { rules: { "no-restricted-syntax": rule ?? "off" } })).toHaveLength(
    complaints,
  );
});
