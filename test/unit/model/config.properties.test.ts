/** Whatever is configured is either refused with reasons or a lab that works. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../../model/config";
import { contains, kindOf, parseCidr, toAddress } from "../../../model/ip";
import { expectedTable, ipvsRestoreRules, parseIpvsSave } from "../../../model/ipvs";
import { compareTables } from "../../../model/ipvsCompare";
import { ldirectordFor, renderLdirectord } from "../../../model/ldirectord";
import { tableFor } from "../../../model/ldirectordTable";
import { labNodes, type Lab } from "../../../model/types";

const identity = fc.record({
  project: fc.constantFrom("lvs-dr", "Other Project"),
  stack: fc.string({ minLength: 1 }),
});

const address = fc.oneof(
  fc.ipV4(),
  fc.constantFrom("192.168.7.30", "192.168.7.10", "192.168.7.77", "10.0.0.100", "10.0.0.200", "172.18.7.70"),
);
const cidr = fc.oneof(
  fc.constantFrom(
    "192.168.7.0/24",
    "192.168.7.0/28",
    "10.0.0.0/8",
    "172.18.0.0/16",
    "10.9.0.0/29",
    "172.18.7.5/24",
  ),
  fc
    .tuple(fc.nat(0xffffffff), fc.integer({ min: 4, max: 33 }))
    .map(
      ([number, prefix]) =>
        `${toAddress(Math.floor(number / 2 ** (32 - prefix)) * 2 ** (32 - prefix))}/${prefix}`,
    ),
);
/** Mostly left out, so that many configurations are accepted. */
const optional = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const mac = fc.constantFrom(
  "52:54:00:00:00:01",
  "52:54:00:00:00:02",
  "AA:BB:CC:DD:EE:FF",
  "01:00:00:00:00:00",
);
const weight = fc.oneof(fc.nat(5), fc.integer({ min: -1, max: 70000 }));
const realServer = fc.record(
  {
    name: fc.constantFrom("rs1", "rs2", "web", "a-b", "director", "Bad_"),
    address,
    mac,
    weight,
    drain: fc.boolean(),
    port: fc.constantFrom(80, 81),
    gateway: fc.constantFrom("192.168.7.200", "192.168.7.30"),
  },
  { requiredKeys: [] },
);
const scheduler = fc.constantFrom("rr", "wrr", "sh", "mh", "nope");
const service = fc.record(
  {
    name: fc.constantFrom("main", "a", "b"),
    vip: address,
    port: fc.constantFrom(80, 81, 53, 22),
    protocol: fc.constantFrom("tcp", "udp"),
    scheduler,
    schedulerFlags: fc.subarray(["sh-port", "mh-port", "flag-3"]),
    persistent: fc.nat(1000),
    persistenceNetmask: fc.constantFrom("255.255.255.0", "255.255.255.255", "0.0.0.0"),
    ops: fc.boolean(),
    quiescent: fc.boolean(),
    sorryServer: fc.constantFrom<unknown>(
      false,
      { address: "127.0.0.1" },
      { address: "192.168.7.99", port: 80 },
    ),
    realServers: fc.array(fc.record({ name: fc.constantFrom("rs1", "rs2", "rs9"), weight }), {
      maxLength: 3,
    }),
    healthCheck: fc.record(
      {
        checktype: fc.constantFrom<unknown>("connect", "negotiate", "ping", "on", 3, "external"),
        receive: fc.string(),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const config = fc
  .record({
    clientNetwork: optional(fc.record({ cidr, hostAddress: address }, { requiredKeys: [] })),
    serverNetwork: optional(fc.record({ cidr, hostAddress: address }, { requiredKeys: [] })),
    vipCidr: optional(cidr),
    vip: optional(address),
    director: optional(
      fc.record({ address, mac, name: fc.constantFrom("director", "lb") }, { requiredKeys: [] }),
    ),
    client: optional(fc.record({ address, mac }, { requiredKeys: [] })),
    realServerCount: optional(fc.integer({ min: 0, max: 65 })),
    realServers: optional(fc.array(realServer, { maxLength: 4 })),
    port: optional(fc.constantFrom(80, 8080, 22)),
    scheduler: optional(scheduler),
    services: optional(fc.array(service, { maxLength: 2 })),
    unknown: optional(fc.constant(1)),
  })
  .map((keys) => Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)));

function labOf(raw: Record<string, unknown>, who: { project: string; stack: string }): Lab | undefined {
  try {
    return parseConfig(raw, who);
  } catch (error) {
    // Anything else than reasons is a defect of ours.
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    for (const { key, message, fix } of error.problems) expect([key, message, fix]).not.toContain("");
    return undefined;
  }
}

function distinct(values: readonly string[]): void {
  expect(new Set(values).size).toBe(values.length);
}

function checkLab(lab: Lab): void {
  const nodes = labNodes(lab);
  const { client, server } = lab.networks;
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
      expect(contains(parseCidr(lab.networks[nic.network].cidr), nic.addresses[0]?.split("/")[0] ?? "")).toBe(
        true,
      );
    }
    // The router, on the segment of each: no reply passes the director.
    expect(gateway).toBe(
      { router: undefined, client: lab.router.nics[0]?.addresses[0]?.split("/")[0] }[role as string] ??
        (role === "router" ? undefined : lab.router.address),
    );
  }
  for (const vip of vips) {
    expect(contains(parseCidr(client.cidr), vip)).toBe(false);
    expect(contains(parseCidr(lab.vipCidr), vip)).toBe(true);
    expect(kindOf(parseCidr(lab.vipCidr), vip)).toBe("host");
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

  it("gives every project and stack names, bridges and MAC addresses of their own", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(identity, { minLength: 2, maxLength: 2, selector: (who) => JSON.stringify(who) }),
        (pair) => {
          const [a, b] = pair.map((who) => parseConfig({}, who));
          if (a === undefined || b === undefined) return;
          expect(a.prefix).not.toBe(b.prefix);
          expect(a.networks.client.bridge).not.toBe(b.networks.client.bridge);
          expect(a.director.nics[0]?.mac).not.toBe(b.director.nics[0]?.mac);
        },
      ),
      { numRuns: 20 },
    );
  });
});
