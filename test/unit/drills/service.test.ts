/** A drill of a service that is named. */
import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withFirst } from "../../../drills/environment";
import { runDrills } from "../../../drills/session";
import { parseConfig } from "../../../model/config/config";
import { fakeBench, fakeDrill, type FakeBench } from "./fakes";

const LAB = parseConfig(
  {
    clientNetwork: { cidr6: "fd00:18::/64" },
    serverNetwork: { cidr6: "fd00:7::/64" },
    vip6Cidr: "fd00:10::/64",
  },
  { project: "lvs-dr", stack: "dev" },
);

let bench: FakeBench;
beforeEach(() => {
  bench = fakeBench();
});
afterEach(() => rmSync(bench.directory, { recursive: true }));

it("puts it in the place of the main one, and names those there are", () => {
  expect(withFirst(LAB, "main-v6").services.map(({ name }) => name)).toEqual(["main-v6", "main"]);
  expect(withFirst(LAB)).toBe(LAB);
  expect(() => withFirst(LAB, "mail")).toThrow("there is no service 'mail'; there are main, main-v6");
});

it("leaves out what is about IPv4", async () => {
  const lab = withFirst(LAB, "main-v6");
  const environment = { ...bench.environment, lab } as unknown as FakeBench["environment"];
  const drills = [fakeDrill([], { name: "leak", onlyIpv4: true })];
  const options = { repeat: 1, pairs: false };
  const { outcomes } = await runDrills(drills, { ...bench, environment }, options);
  expect(outcomes).toEqual([
    expect.objectContaining({
      verdict: "skip",
      reason: "it is about IPv4, and the service is at a VIP of IPv6",
    }),
  ]);
});
