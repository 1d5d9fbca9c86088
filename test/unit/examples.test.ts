/** Each file below examples/ is a whole stack's configuration, and any two of them stand side by side on one host. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLab } from "../../cli/stack/stackLab";
import { Prefix } from "../../model/lab/address";

const files = readdirSync("examples").filter((name) => name.endsWith(".yaml"));
const labs = files.map((file) =>
  openLab("lvs-dr", { stack: file.replace(/\.yaml$/, ""), configFile: join("examples", file) }),
);
const networks = labs.map(({ stack, segments }) => ({
  stack,
  cidrs: Object.values(segments).map(({ cidr }) => Prefix.parse(cidr)),
}));

describe.each(files)("examples/%s", (file) => {
  it("has a line of its own in the README", () =>
    expect(readFileSync("README.md", "utf8")).toContain(`\`examples/${file}\``));
});

it("no two examples share a network", () => {
  const pairs = networks.flatMap((one, i) => networks.slice(i + 1).map((other) => [one, other] as const));
  const shared = pairs.filter(([one, other]) =>
    one.cidrs.some((cidr) => other.cidrs.some((each) => cidr.overlaps(each))),
  );
  expect(shared.map(([one, other]) => `${one.stack} and ${other.stack}`)).toEqual([]);
});
