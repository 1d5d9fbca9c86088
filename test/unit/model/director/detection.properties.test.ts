/** The time to removal that is computed, against a play of ldirectord's rounds as its own code makes them. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { detectionSeconds, holdSeconds } from "../../../../model/director/detection";
import type { Lab, VirtualService } from "../../../../model/lab/types";

const dev = { project: "lvs-dr", stack: "dev" };

interface Server {
  readonly service: VirtualService;
  readonly address: string;
  up: boolean;
  failures: number;
  /** Connects since the last negotiation (checktype N). */
  connects: number;
}

/** Machines that fall silent, for all their services, or one program that ends: the main service's. */
type Death = { readonly at: number; readonly dead: ReadonlySet<string>; readonly how: "silent" | "refuses" };

function isHit({ service, address }: Server, { dead, how }: Death): boolean {
  return dead.has(address) && (how === "silent" || service.name === "main");
}

/** One check: how long it takes, and whether it fails. */
function check(server: Server, now: number, death: Death): { took: number; fails: boolean } {
  const { check: settings, protocol } = server.service;
  const hits = now >= death.at && isHit(server, death);
  const silent = death.how === "silent" || protocol === "udp" || settings.checktype === "ping";
  const failing = { took: silent ? holdSeconds(settings) : 0, fails: true };
  if (typeof settings.checktype !== "number") return hits ? failing : { took: 0, fails: false };
  if (server.connects < settings.checktype) {
    // A hung server accepts.
    if (hits && !silent) {
      server.connects = 999_999;
      return failing;
    }
    server.connects++;
    return { took: 0, fails: false };
  }
  if (hits) return failing;
  server.connects = 0;
  return { took: 0, fails: false };
}

/** One process's rounds over its servers until all dead ones are out: when each left the table. */
function rounds(
  servers: readonly Server[],
  interval: number,
  start: number,
  death: Death,
): Map<Server, number> {
  const out = new Map<Server, number>();
  const expected = servers.filter((server) => isHit(server, death));
  for (let now = start; expected.some((server) => !out.has(server)); now += interval) {
    for (const server of servers) {
      const { took, fails } = check(server, now, death);
      now += took;
      server.failures = fails ? server.failures + 1 : 0;
      if (server.up && server.failures >= server.service.check.failurecount) {
        server.up = false;
        out.set(server, now);
      }
    }
  }
  return out;
}

/** Seconds from the death to each removal. */
function play(lab: Lab, start: number, death: Death): { service: VirtualService; seconds: number }[] {
  const of = (service: VirtualService): Server[] =>
    service.realServers.map(({ address }) => ({ service, address, up: true, failures: 0, connects: 0 }));
  const processes = lab.ldirectord.fork ? lab.services.map(of) : [lab.services.flatMap(of)];
  return processes.flatMap((servers) => {
    const interval = servers[0]?.service.check.checkinterval ?? 1;
    return [...rounds(servers, interval, start, death)].map(([{ service }, at]) => ({
      service,
      seconds: at - death.at,
    }));
  });
}

const seconds = fc.integer({ min: 1, max: 9 });
const times = fc.record({
  checktimeout: seconds,
  negotiatetimeout: seconds,
  failurecount: fc.integer({ min: 1, max: 4 }),
});
/** What any check needs. */
const SOUND = { request: "a", receive: "b", login: "u", database: "d" };
/** Whatever a check speaks is served. */
const OWN = { workloads: [{ name: "own" }], services: [{ name: "main", workload: "own" }] };
const main = fc.record({
  checktype: fc.constantFrom<unknown>("negotiate", "connect", "ping", 1, 5),
  service: fc.constantFrom("http", "imap", "imaps", "ldap", "pgsql"),
});
const other = fc.record({
  port: fc.constantFrom(53, 81, 143),
  protocol: fc.constantFrom("tcp", "udp"),
  checktype: fc.constantFrom<unknown>("negotiate", "ping", 2),
});
const setting = fc.record({
  count: fc.integer({ min: 1, max: 6 }),
  interval: fc.integer({ min: 1, max: 12 }),
  fork: fc.boolean(),
  main: fc.tuple(main, times),
  other: fc.option(fc.tuple(other, times), { nil: undefined }),
  dead: fc.integer({ min: 1, max: 6 }),
  how: fc.constantFrom("silent" as const, "refuses" as const),
  /** Fractions of a round, and which servers die. */
  phase: fc.integer({ min: 0, max: 400 }),
  first: fc.nat(5),
});

describe("detectionSeconds", () => {
  it("is kept: no play of the rounds takes a dead server out later", () => {
    let closest = Infinity;
    fc.assert(
      fc.property(setting, (given) => {
        const { interval, fork, how } = given;
        const [kind, ...mainTimes] = given.main;
        const services = (given.other === undefined ? [] : [given.other]).map(
          ([{ port, protocol, checktype }, ownTimes]) => ({
            port,
            protocol,
            ...(protocol === "tcp" && { workload: "own" }),
            healthCheck: { ...SOUND, ...ownTimes, checktype, service: "dns", checkinterval: interval },
          }),
        );
        const raw = {
          realServerCount: given.count,
          ldirectord: { fork },
          healthCheck: { ...SOUND, ...mainTimes[0], ...kind, checkinterval: interval },
          workloads: OWN.workloads,
          services: [...OWN.services, ...services],
        };
        const lab = parseConfig(raw, dev);
        const members = lab.realServers.map(({ address }) => address);
        const count = how === "refuses" ? 1 : Math.min(given.dead, members.length);
        const dead = new Set(
          Array.from(
            { length: count },
            (_unused, index) => members[(given.first + index) % members.length] ?? "",
          ),
        );
        const death = { at: 200 + given.phase / 10, dead, how };
        for (const { service, seconds: took } of play(lab, 0, death)) {
          const budget = detectionSeconds(service, how === "refuses" ? 0 : count, lab);
          if (how === "silent") closest = Math.min(closest, budget - took);
          expect(took).toBeLessThanOrEqual(budget - 2);
        }
      }),
      { numRuns: 300 },
    );
    // Nor is it idle: some play comes near it.
    expect(closest).toBeLessThan(3.5);
  });

  const service = (healthCheck: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    parseConfig({ healthCheck: { ...SOUND, ...healthCheck }, ...OWN, ...more }, dev).services[0];

  it.each([
    ["the article's", {}, [3, 6, 9]],
    ["imap's second try", { service: "imap", negotiatetimeout: 9 }, [8, 12, 21]],
    ["imap's second try within the limit", { service: "imap" }, [6, 6, 9]],
    ["one limit for every service", { service: "ldap", checktimeout: 10, negotiatetimeout: 3 }, [3, 6, 9]],
    [
      "an external program's way to end",
      { checktype: "external", checkcommand: "/x", service: "none", login: undefined },
      [3, 7, 11],
    ],
    ["a number's connects", { checktype: 4 }, [3, 10, 25]],
    ["ping's silence", { checktype: "ping" }, [6, 6, 9]],
  ])("counts %s", (_what, healthCheck, wanted) => {
    const lab = service(healthCheck);
    expect([0, 1, 2].map((silent) => detectionSeconds(lab, silent))).toEqual(wanted);
  });

  it("takes a dead UDP server for a silent one", () => {
    const lab = parseConfig({ services: [{ port: 53, protocol: "udp" }] }, dev);
    const [, dns] = lab.services;
    expect([0, 1, 2].map((silent) => detectionSeconds(dns as VirtualService, silent))).toEqual([6, 6, 9]);
  });

  it("counts the other services' silent servers where one process checks all", () => {
    const services = [{ port: 81, realServers: [{ name: "rs1" }], healthCheck: { checktimeout: 5 } }];
    const times = (fork: boolean) => {
      const lab = parseConfig({ ldirectord: { fork }, services }, dev);
      return [0, 1, 2].map((silent) => detectionSeconds(lab.services[0], silent, lab));
    };
    expect(times(true)).toEqual([3, 6, 9]);
    expect(times(false)).toEqual([3, 11, 14]);
  });

  it("leaves the service itself out of the others, also where it is given as a copy", () => {
    const services = [{ port: 81, realServers: [{ name: "rs1" }], healthCheck: { checktimeout: 5 } }];
    const lab = parseConfig({ ldirectord: { fork: false }, services }, dev);
    const [main] = lab.services;
    expect(detectionSeconds({ ...main, check: { ...main.check } }, 1, lab)).toBe(11);
  });
});
