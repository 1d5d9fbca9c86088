/** The clients of persistence-over-failover: addresses of the client's network that nobody has. */
import { expect, it } from "vitest";
import { spareAddresses } from "../../../drills/faults/ties";
import { parseConfig } from "../../../model/config/config";
import { Prefix } from "../../../model/lab/address";
import type { Lab } from "../../../model/lab/types";

const labOf = (config: Record<string, unknown>): Lab =>
  parseConfig(config, { project: "lvs-dr", stack: "ties" });
const both = labOf({
  clientNetwork: { cidr: "172.19.5.0/24", cidr6: "fd00:19:5::/64" },
  serverNetwork: { cidr: "192.168.205.0/24", cidr6: "fd00:168:205::/64" },
  vip6Cidr: "fd00:10::/64",
});

it.each([4, 6] as const)("are twelve others every half a minute (IPv%i)", (family) => {
  const [nic] = both.clients[0].nics;
  const network = Prefix.read(nic?.addresses[family === 4 ? 0 : 1] ?? "");
  const seen = [0, 29, 30, 60].map((seconds) => spareAddresses(both, family, seconds));
  expect(seen[1]).toEqual(seen[0]);
  expect(new Set(seen.flat()).size).toBe(36);
  for (const each of seen.flat()) expect(network?.contains(each.split("/")[0] ?? "")).toBe(true);
});

it("come again when the network has no more, and are never the network's last or a node's", () => {
  const small = labOf({ clientNetwork: { cidr: "172.19.5.0/27" }, client: { address: "172.19.5.20" } });
  for (const seconds of [0, 30, 60, 90]) {
    const seen = spareAddresses(small, 4, seconds);
    expect(seen).toHaveLength(11);
    expect(seen).not.toContain("172.19.5.20/27");
    expect(seen).not.toContain("172.19.5.31/27");
  }
});
