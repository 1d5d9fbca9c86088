/** What the two engines build must be the same: whichever runs second compares itself with the first. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ENGINE, guest, lab, outputs } from "../support";

const RECORD = ".lab/test-results/engines.json";

it(`outputs and the kernel's table agree with the other engine's (${ENGINE})`, async (context) => {
  await lab(["up"]);
  const { vip, url, nodes, health } = await outputs();
  // When it was looked at, and what the tests before this one left as connections, is no part of the comparison.
  const services = health?.services.map((service) => ({
    ...service,
    realServers: service.realServers.map(
      ({ activeConnections: _a, inactiveConnections: _i, ...rest }) => rest,
    ),
  }));
  const mine = JSON.parse(
    JSON.stringify({
      outputs: { vip, url, nodes, status: health?.status, configHash: health?.configHash, services },
      table: await guest("director", "ipvsadm -Sn"),
    }),
  ) as unknown;
  const record = (existsSync(RECORD) ? JSON.parse(readFileSync(RECORD, "utf8")) : {}) as Record<
    string,
    unknown
  >;
  mkdirSync(".lab/test-results", { recursive: true });
  writeFileSync(RECORD, JSON.stringify({ ...record, [ENGINE]: mine }));
  const other = ENGINE === "pulumi" ? record.embedded : undefined;
  if (other === undefined) context.skip("nothing to compare with yet: this run is the first");
  expect(mine).toEqual(other);
});
