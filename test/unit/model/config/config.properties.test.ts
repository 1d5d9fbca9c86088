/** Whatever is configured is either refused with reasons or a lab that works. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { Prefix } from "../../../../model/lab/address";
import { expectedTable, ipvsRestoreRules, parseIpvsSave } from "../../../../model/director/ipvs/table";
import { compareTables } from "../../../../model/director/ipvs/compare";
import { ldirectordFor, renderLdirectord } from "../../../../model/director/ldirectord/ldirectord";
import { tableFor } from "../director/ldirectord/ldirectordTable";
import { labNodes, vipCidrsOf, type Lab } from "../../../../model/lab/types";
import { config, identity, labOf } from "./arbitraries";

function distinct(values: readonly string[]): void {
  expect(new Set(values).size).toBe(values.length);
}

function checkLab(lab: Lab): void {
  const nodes = labNodes(lab);
  const { client, server } = lab.segments;
  const vips = [...new Set(lab.services.map((service) => service.vip))];
  const addresses = nodes.flatMap((node) =>
    node.nics.flatMap((nic) => nic.addresses.map((each) => each.split("/")[0] ?? "")),
  );
  distinct([...addresses, client.hostAddress, server.hostAddress, ...vips]);
  distinct(nodes.flatMap((node) => node.nics.map((nic) => nic.mac)));
  distinct(nodes.map((node) => node.name));
  distinct(nodes.map((node) => node.domain));
  for (const { nics, domain, gateway, role } of nodes) {
    expect(domain).toMatch(/^[a-z0-9-]{3,160}$/);
    for (const nic of nics) {
      expect(nic.mac).toMatch(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/);
      expect(
        Prefix.parse(lab.segments[nic.network].cidr).contains(nic.addresses[0]?.split("/")[0] ?? ""),
      ).toBe(true);
    }
    // The router, on the segment of each: no reply passes the director.
    expect(gateway).toBe(
      { router: undefined, client: lab.routers[0].nics[0]?.addresses[0]?.split("/")[0] }[role as string] ??
        (role === "router" ? undefined : lab.routers[0].address),
    );
  }
  for (const vip of vips) {
    expect(Prefix.parse(client.cidr).contains(vip)).toBe(false);
    const network = vipCidrsOf(lab).find((cidr) => Prefix.parse(cidr).contains(vip));
    expect(network && Prefix.parse(network).kindOf(vip)).toBe("host");
  }
  expect(Math.max(client.bridge.length, server.bridge.length)).toBeLessThanOrEqual(15);
  distinct(lab.services.map(({ protocol, vip, port }) => `${protocol} ${vip} ${port}`));
  for (const service of lab.services) {
    expect(service.port).not.toBe(22);
    for (const member of service.realServers) expect(member.port).toBe(service.port);
    expect(service.sorry?.port ?? service.port).toBe(service.port);
    expect(service.realServers.some((member) => member.weight > 0 && !member.drain)).toBe(true);
  }
}

describe("parseConfig", () => {
  it("refuses or makes a lab whose invariants hold and whose files can be written", () => {
    let accepted = 0;
    fc.assert(
      fc.property(config, identity, (raw, who) => {
        const lab = labOf(raw, who);
        if (lab === undefined) return;
        accepted++;
        checkLab(lab);
        expect(JSON.parse(JSON.stringify(lab))).toEqual(lab);
        const text = renderLdirectord(ldirectordFor(lab));
        expect(text).not.toMatch(/\n {4}[^\n]*\n\n {4}/);
        expect(tableFor(ldirectordFor(lab))).toEqual(expectedTable(lab));
        expect(compareTables(parseIpvsSave(ipvsRestoreRules(lab).join("\n")), expectedTable(lab))).toEqual(
          [],
        );
      }),
      { numRuns: 200 },
    );
    // A generator that only makes refusals would prove nothing.
    expect(accepted).toBeGreaterThan(10);
  });

  it("never throws anything but its reasons, whatever the values", () => {
    const keys = [
      "vip",
      "port",
      "realServers",
      "services",
      "sorryServer",
      "healthCheck",
      "director",
      "schedulerFlags",
      "vipCidr",
    ];
    const raw = fc.dictionary(
      fc.constantFrom(...keys),
      fc.oneof(
        fc.jsonValue(),
        fc.jsonValue().map((value) => JSON.stringify(value)),
      ),
    );
    fc.assert(
      fc.property(raw, identity, (values, who) => void labOf(values, who)),
      { numRuns: 100 },
    );
  });

  it("has room for 64 real servers wherever the network has", () => {
    const networks = fc.constantFrom("192.168.7.0/24", "192.168.7.0/25", "192.168.4.0/22", "192.168.0.0/16");
    fc.assert(
      fc.property(networks, fc.integer({ min: 1, max: 64 }), identity, (network, count, who) => {
        checkLab(parseConfig({ serverNetwork: { cidr: network }, realServerCount: count }, who));
      }),
      { numRuns: 15 },
    );
  });

  it("leaves each real server whose name has a number its address, whichever others go, and in any order", () => {
    const networks = fc.constantFrom(["192.168.7.0/24", 64] as const, ["192.168.7.0/28", 11] as const);
    const cases = networks.chain(([cidr, highest]) =>
      fc
        .uniqueArray(fc.integer({ min: 1, max: highest }), { minLength: 1 })
        .map((numbers) => numbers.map((number) => `${number % 2 ? "rs" : "web-0"}${number}`))
        .chain((all) =>
          fc.tuple(fc.constant(cidr), fc.constant(all), fc.shuffledSubarray(all, { minLength: 1 })),
        ),
    );
    const addresses = (cidr: string, names: readonly string[]): Record<string, string> => {
      const raw = { serverNetwork: { cidr }, realServers: names.map((name) => ({ name })) };
      const { realServers } = parseConfig(raw, { project: "lvs-dr", stack: "dev" });
      return Object.fromEntries(realServers.map(({ name, address }) => [name, address]));
    };
    fc.assert(
      fc.property(cases, ([cidr, all, left]) => {
        expect(addresses(cidr, all)).toMatchObject(addresses(cidr, left));
      }),
      { numRuns: 60 },
    );
  });

  it("gives every project and stack names, bridges and MAC addresses of their own", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(identity, { minLength: 2, maxLength: 2, selector: (who) => JSON.stringify(who) }),
        (pair) => {
          const [a, b] = pair.map((who) => parseConfig({}, who));
          if (a === undefined || b === undefined) return;
          expect(a.prefix).not.toBe(b.prefix);
          expect(a.segments.client.bridge).not.toBe(b.segments.client.bridge);
          expect(a.directors[0].nics[0]?.mac).not.toBe(b.directors[0].nics[0]?.mac);
        },
      ),
      { numRuns: 20 },
    );
  });
});
