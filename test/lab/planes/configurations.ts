/** Configurations at random that both planes can do. */
import * as fc from "fast-check";
import { ConfigError, parseConfig } from "../../../model/config/config";
import { canonicalFlags } from "../../../model/config/serviceDefaults";
import { SCHEDULERS } from "../../../model/config/schemaService";
import { tableWeight } from "../../../model/director/ipvs/table";
import type { DirectorMode, Lab, VirtualService } from "../../../model/lab/types";
import { FLEET, NETWORKS, passes } from "./fleet";

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

/** As the lab's checks write it: a text that a good server's page has, or only one that says something else. */
const RECEIVES = ["test", "^a test", "v\\d+\\.\\d", "page, (?:v|w)1", "some(?:thing|one)", "more$"] as const;

const web = fc.record({
  port: fc.constantFrom(80, 8080, 443),
  request: fc.constantFrom("test.html", "/a/b.html?c=d&e=%20f", "/absent.html", "/named.html"),
  receive: optional(fc.constantFrom(...RECEIVES)),
  virtualhost: optional(fc.constant("www.example.com")),
  checktype: fc.constantFrom<"negotiate" | number>("negotiate", "negotiate", "negotiate", 1, 2),
});
/** The protocol and check of a service. */
const KINDS = fc.oneof(
  { weight: 5, arbitrary: web.map(({ port, ...check }) => webService(port, check)) },
  {
    weight: 1,
    arbitrary: fc.constant({ port: 25, workload: "mail", healthCheck: { service: "smtp" } }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      port: fc.constantFrom(80, 8080, 443),
      healthCheck: fc.constantFrom<object>(
        { checktype: "connect" },
        { checktype: "connect", checkport: 8080 },
        { checktype: "ping" },
        { checktype: "on" },
        { checktype: "external", checkcommand: "/usr/local/bin/bed-check" },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      port: fc.constantFrom(53, 514),
      protocol: fc.constant("udp"),
      ops: fc.boolean(),
      healthCheck: fc.constantFrom<object>(
        { checktype: "ping" },
        { checktype: "on" },
        { checktype: "external", checkcommand: "/usr/local/bin/bed-check", checkport: 80 },
      ),
    }),
  },
);

function webService(port: number, check: object): { port: number; healthCheck: object } {
  return {
    port,
    healthCheck: { ...check, ...(port === 443 ? { service: "https", verify: false } : { service: "http" }) },
  };
}

const member = fc.record({
  name: fc.constantFrom(
    ...FLEET.filter(({ name }) => /^(good[1-5]|refused.|silent[12]|wrong.|error1)$/.test(name)).map(
      ({ name }) => name,
    ),
  ),
  weight: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 9 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, 65535) },
  ),
  drain: fc.oneof({ weight: 7, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  own: fc.boolean(),
});

const service = fc
  .record({
    kind: KINDS,
    at: fc.constantFrom("4", "6", "both"),
    number: fc.integer({ min: 1, max: 9 }),
    mark: fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 99 }) },
    ),
    scheduler: fc.constantFrom(...SCHEDULERS.filter((name) => name !== "twos")),
    flags: fc.subarray(["flag-1", "flag-2", "flag-3"]),
    persistent: optional(fc.constantFrom(1, 300, 2678400)),
    netmask: optional(fc.constantFrom("255.255.255.0", "255.255.0.0", "255.255.255.255")),
    prefix6: optional(fc.constantFrom(64, 48, 128)),
    quiescent: fc.boolean(),
    sorry: fc.constantFrom("none", "none", "default", "far"),
    members: fc.uniqueArray(member, { minLength: 1, maxLength: 4, selector: ({ name }) => name }),
    times: fc.record({
      checktimeout: fc.constantFrom(4, 5),
      negotiatetimeout: fc.constantFrom(4, 5),
      failurecount: fc.constantFrom(1, 1, 2),
    }),
  })
  .map(({ kind, at, number, mark, flags, persistent, netmask, prefix6, sorry, members, times, ...rest }) => {
    const { healthCheck, port, ...protocol } = kind as {
      port: number;
      healthCheck: { checktype?: unknown; service?: string };
    };
    const asks = healthCheck.service === "http" || healthCheck.service === "https";
    return {
      ...rest,
      ...protocol,
      ...(mark === undefined ? { port } : { mark, ports: [port, port + 1000] }),
      vip: at === "4" ? `10.31.0.${number}` : at === "6" ? `fd00:1031::${number}` : undefined,
      schedulerFlags: canonicalFlags(rest.scheduler, flags).filter(
        (flag) => !/^[sm]h$/.test(rest.scheduler) || flag !== "flag-3",
      ),
      ...(persistent === undefined
        ? {}
        : { persistent, persistenceNetmask: netmask, persistencePrefix6: prefix6 }),
      sorryServer:
        sorry === "none"
          ? false
          : sorry === "far"
            ? { address: "192.168.31.99", address6: "fd00:31::99" }
            : undefined,
      realServers: members.map(({ own, ...each }) => ({
        ...each,
        ...(own && asks ? { request: "own.html", receive: "e" } : {}),
      })),
      healthCheck: { ...healthCheck, ...times },
    };
  });

export interface Configuration {
  readonly raw: Readonly<Record<string, unknown>>;
  /** Which of the rules of real servers the daemons find in the table: by their place. */
  readonly found: readonly boolean[];
}

const configuration: fc.Arbitrary<Configuration> = fc.record({
  raw: fc.array(service, { minLength: 1, maxLength: 3 }).map((services) => ({
    ...NETWORKS,
    realServers: FLEET.map(({ name, address }) => ({ name, address })),
    director: { address: "192.168.31.130" },
    healthCheck: { checkinterval: 4 },
    workloads: [{ name: "mail" }],
    services: services.map((each, index) => ({ ...each, name: index === 0 ? "main" : `service${index}` })),
  })),
  found: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
});

/** The lab of a configuration under a plane; undefined where it is refused. */
export function labOf(raw: Configuration["raw"], mode: DirectorMode): Lab | undefined {
  try {
    const director = { ...(raw.director as object), mode };
    return parseConfig({ ...raw, director }, { project: "lvs-dr", stack: "p13" });
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** Where the two programs differ, by name: docs/explanation/keepalived.md says so. */
const DIFFERENCES: Readonly<Record<string, (service: VirtualService) => boolean>> = {
  /** Beside a server that drains ldirectord keeps the dead with weight 0, and keepalived takes them out. */
  deadBesideDrained: (service) =>
    !service.quiescent && hasDrained(service) && service.realServers.some((each) => !passes(service, each)),
  /** Servers that drain do not count for keepalived: when no other is alive, they leave for the sorry server. */
  drainedAlone: (service) =>
    service.sorry !== undefined &&
    hasDrained(service) &&
    !service.realServers.some((each) => tableWeight(each) > 0 && passes(service, each)),
};

const hasDrained = ({ realServers }: VirtualService): boolean =>
  realServers.some((each) => tableWeight(each) === 0);

export function sample(count: number, seed: number): Configuration[] {
  const able = configuration.filter((each) => {
    const lab = labOf(each.raw, "ldirectord");
    return (
      lab !== undefined &&
      labOf(each.raw, "keepalived") !== undefined &&
      !lab.services.some((service) => Object.values(DIFFERENCES).some((differs) => differs(service)))
    );
  });
  return fc.sample(able, { numRuns: count, seed });
}
