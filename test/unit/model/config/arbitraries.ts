/** Configurations at random: most of them nearly right, so that many are accepted. */
import * as fc from "fast-check";
import { expect } from "vitest";
import { ConfigError, parseConfig } from "../../../../model/config/config";
import { Address, Prefix } from "../../../../model/lab/address";
import { stackNameProblem } from "../../../../model/config/stackName";
import type { Lab } from "../../../../model/lab/types";

export const identity = fc.record({
  project: fc.constantFrom("lvs-dr", "Other Project"),
  stack: fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/).filter((name) => stackNameProblem(name) === undefined),
});

const address = fc.oneof(
  fc.ipV4(),
  fc.constantFrom(
    "192.168.7.30",
    "192.168.7.10",
    "192.168.7.77",
    "10.0.0.100",
    "10.0.0.200",
    "172.18.7.70",
    "203.0.113.10",
  ),
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
    .map(([number, prefix]) => String(Prefix.around(Address.parse("0.0.0.0").plus(number), prefix))),
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

export const config = fc
  .record({
    clientNetwork: optional(fc.record({ cidr, hostAddress: address }, { requiredKeys: [] })),
    serverNetwork: optional(fc.record({ cidr, hostAddress: address }, { requiredKeys: [] })),
    vipCidr: optional(cidr),
    vips: optional(
      fc.array(fc.constantFrom("192.168.7.77/24", "203.0.113.10/29", "198.51.100.7/32", "10.0.0.9/30"), {
        maxLength: 2,
      }),
    ),
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

/** The lab of a configuration, or undefined where it is refused with reasons. */
export function labOf(
  raw: Record<string, unknown>,
  who: { project: string; stack: string },
): Lab | undefined {
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
