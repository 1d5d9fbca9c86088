/** What the lab renders for ldirectord and for keepalived is imported to the same lab: in between ldirectord's own parser reads it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderCheckers } from "../../../../model/director/keepalived/conf";
import { renderKeepalived } from "../../../../model/director/vrrp/holder";
import { negotiates } from "../../../../model/director/checkServices";
import { expectedTable } from "../../../../model/director/ipvs/table";
import { ldirectordFor, renderLdirectord } from "../../../../model/director/ldirectord/ldirectord";
import { areAllPorts } from "../../../../model/lab/ports";
import { serviceKey } from "../../../../model/lab/target";
import type { Imported, Marks } from "../../../../model/import/stack";
import type { Lab, VirtualService } from "../../../../model/lab/types";
import { CONFIGURATIONS } from "../../golden/configurations";
import { labOf } from "../config/arbitraries";
import { unread } from "../../../../model/import/checkOptions";
import { IDENTITY, importCf, importKeepalived, missing } from "./support";

const CHECKS = [
  { service: "http", request: "/a/b.html?c=d", receive: "o[kn] \\d+" },
  { service: "http", httpmethod: "HEAD", virtualhost: "www.example.com" },
  { service: "https", receive: "x" },
  { checktype: "connect", checkport: 8081 },
  { checktype: 3, service: "https", virtualhost: "www.example.com", request: "/a" },
  { checktype: 7, service: "http", login: "check er", passwd: "p'a$$ w@rd\\" },
  { service: "simpletcp", request: "/PING\\n", receive: "PONG" },
  { checktype: "on" },
  { checktype: "ping" },
] as const;
const times = fc.record(
  {
    checktimeout: fc.integer({ min: 1, max: 99 }),
    checkinterval: fc.integer({ min: 1, max: 99 }),
    failurecount: fc.integer({ min: 1, max: 9 }),
  },
  { requiredKeys: [] },
);
const networks = fc.constantFrom(
  { vips: "10.0.0", raw: {} },
  { vips: "192.168.7", raw: { vipCidr: "192.168.7.0/24" } },
  { vips: "203.0.113", raw: { vipCidr: "203.0.113.0/24", serverNetwork: { cidr: "10.20.0.0/16" } } },
);
/** By the VIPs of IPv4 alone, or of both families: among the servers, or in a network of their own. */
const families = fc.constantFrom(
  undefined,
  { server: "fd00:7::/64", vips: "fd00:10::/64" },
  { server: "2001:db8:7::/64", vips: "2001:db8:7::/64" },
  { server: "2001:db8:0:700::/56", vips: "2001:db8:1::/48" },
);
const service = fc.record({
  at: fc.constantFrom("4", "6", "both"),
  ports: fc.constantFrom(1, 1, 2),
  number: fc.integer({ min: 100, max: 104 }),
  port: fc.integer({ min: 1024, max: 1100 }),
  scheduler: fc.constantFrom("rr", "wrr", "wlc", "sh"),
  persistent: fc.constantFrom(0, 300),
  quiescent: fc.boolean(),
  sorry: fc.constantFrom("none", "own", "own", "far"),
  members: fc.uniqueArray(
    fc.record({ number: fc.integer({ min: 1, max: 5 }), weight: fc.integer({ min: 1, max: 9 }) }),
    {
      minLength: 1,
      selector: ({ number }) => number,
    },
  ),
  check: fc.constantFrom(...CHECKS),
  times,
});
/** Nearly always one that is accepted. */
const cluster = (mode: "ldirectord" | "keepalived") =>
  fc
    .tuple(
      networks,
      fc.uniqueArray(service, {
        minLength: 1,
        maxLength: 5,
        selector: ({ number, port }) => `${number} ${port}`,
      }),
      fc.boolean(),
      families,
      fc.boolean(),
    )
    .map(([{ vips, raw }, services, fork, six, isPair]) => ({
      ...raw,
      director: { mode },
      ...(six && {
        clientNetwork: { cidr6: "fd00:18::/64" },
        serverNetwork: { ...(raw as { serverNetwork?: object }).serverNetwork, cidr6: six.server },
        vip6Cidr: six.vips,
      }),
      ...(isPair && { directors: [{}, {}], highAvailability: { virtualRouterId: 9, advertInterval: 2 } }),
      vip: `${vips}.99`,
      realServers: Array.from({ length: 5 }, (_unused, index) => ({
        name: `rs${index + 1}`,
        weight: index + 1,
      })),
      services: services.map(({ at, number, port, ports, members, check, sorry, times: own, ...rest }) => ({
        ...rest,
        ...(ports === 1
          ? { port }
          : { ports: Array.from({ length: ports }, (_unused, index) => port + 200 * index) }),
        vip:
          !six || at === "4"
            ? `${vips}.${number}`
            : at === "6"
              ? six.vips.replace(/::.*/, `::${number}`)
              : undefined,
        sorryServer: {
          none: false as const,
          own: undefined,
          far: {
            address: "serverNetwork" in raw ? "10.20.0.250" : "192.168.7.250",
            ...(six && { address6: six.server.replace(/::.*/, "::fa") }),
          },
        }[sorry],
        realServers: members.map((each) => ({ name: `rs${each.number}`, weight: each.weight })),
        healthCheck: { ...check, ...own, ...(fork || mode === "keepalived" ? {} : { checkinterval: 1 }) },
      })),
      ...(mode === "ldirectord" && { ldirectord: { fork } }),
    }));

type Move = (address: string) => string;

/** What a check does: what it does not use may differ. */
function checked(
  { check, quiescent, realServers, sorry, extras }: VirtualService,
  { mode }: Lab,
  move: Move,
): unknown {
  const { checktype, checktimeout, negotiatetimeout, checkinterval, failurecount, checkport } = check;
  const { login, passwd, database, secret, httpmethod = "GET", virtualhost } = check;
  const plain = (text: string | undefined): string | undefined => text?.replace(/^\//, "");
  const answer = (text: string | undefined): string => (text === undefined || text === ".*" ? "" : text);
  const own = realServers.map(({ request, receive }) => [plain(request), receive]);
  const ofKeepalived = mode === "keepalived";
  // keepalived's checkers say no time that they do not use.
  const times = {
    checktimeout: !ofKeepalived || checktype !== "negotiate" ? checktimeout : 0,
    negotiatetimeout: !ofKeepalived || negotiates(checktype) ? negotiatetimeout : 0,
  };
  return {
    ...(ofKeepalived && checktype === "on" ? {} : { times: [times, checkinterval, failurecount], checkport }),
    checktype,
    ...(negotiates(checktype) && {
      asked: [check.service, plain(check.request) ?? "", answer(check.receive), own],
      as: Object.fromEntries(
        Object.entries({ login, passwd, database, secret, httpmethod, virtualhost }).filter(
          ([option]) => unread(option, checktype, check.service ?? "none") === undefined,
        ),
      ),
    }),
    quiescent: quiescent || (!ofKeepalived && realServers.some(({ drain }) => drain)),
    sorry: sorry && {
      ...sorry,
      address: /^(127.0.0.1|::1)$/.test(sorry.address) ? sorry.address : move(sorry.address),
    },
    extras: { ...extras, fallbackcommand: undefined, cleanstop: undefined },
  };
}

/** @param judged by the service's key: what a workload answers is not taken over */
function described(
  lab: Lab,
  judged: (key: string) => boolean,
  move: Move = (address) => address,
): Record<string, unknown> {
  const table = expectedTable(lab);
  return Object.fromEntries(
    lab.services.map((service, index) => {
      const { servers = [], ...entry } = table[index] ?? {};
      const rest = { ...entry, vip: "" };
      const moved = servers.map((server) => ({ ...server, address: move(server.address) }));
      const key =
        service.mark === undefined ? serviceKey({ ...service, vip: move(service.vip) }) : serviceKey(service);
      return [key, { ...rest, servers: moved, check: judged(key) && checked(service, lab, move) }];
    }),
  );
}

const marksOf = ({ services }: Lab): Marks =>
  new Map(
    services.flatMap((each) =>
      each.mark === undefined
        ? []
        : [[serviceKey(each), { vip: each.vip, ports: areAllPorts(each.ports) ? "all" : each.ports }]],
    ),
  );

async function importOf(lab: Lab): Promise<Imported> {
  if (lab.mode === "ldirectord") return importCf(renderLdirectord(ldirectordFor(lab)), marksOf(lab));
  const vrrp = lab.directors.length > 1 ? renderKeepalived(lab, lab.directors[0]) : "";
  return importKeepalived(vrrp + renderCheckers(lab), marksOf(lab));
}

async function expectSame(lab: Lab): Promise<void> {
  const imported = await importOf(lab);
  const moves = new Map(imported.mapped.map(({ from, to }) => [from, to]));
  const served = new Map(
    lab.services.map((service) => [serviceKey(service), service.workload === undefined]),
  );
  const judged = (key: string): boolean => served.get(key) !== false;
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  const moved = described(lab, judged, (address) => moves.get(address) ?? address);
  expect(plain(described(imported.lab, judged))).toEqual(plain(moved));
  const { ldirectord, mode, highAvailability } = imported.lab;
  expect(mode).toBe(lab.mode);
  const { fork, cleanstop, readdquiescent } = lab.ldirectord;
  expect(ldirectord).toMatchObject({ fork, cleanstop, readdquiescent });
  if (mode === "ldirectord") return;
  const { virtualRouterId, advertInterval, failback } = lab.highAvailability ?? {};
  if (lab.highAvailability === undefined) expect(highAvailability).toBeUndefined();
  else expect(highAvailability).toMatchObject({ virtualRouterId, advertInterval, failback });
  // Nothing of what the lab writes of a service, but for what it asks a mark for, has no counterpart.
  const told = imported.left.filter(
    ({ text }) =>
      !/^(script|enable_|router_id|vrrp_|state|interface|interval|timeout|fall|rise|init_fail|preempt_delay|priority|down_timer|track_|router$|fe80:)/.test(
        text,
      ),
  );
  expect(told).toEqual([]);
}

describe.skipIf(missing)(
  `import of what the lab renders${missing ? ` (skipped: no ${missing})` : ""}`,
  () => {
    const IDENTITY_OF = { project: "lvs-dr", stack: "dev" };
    const labs = Object.entries(CONFIGURATIONS)
      // What names a program of the director's is not taken over.
      .filter(([name]) => !["external", "static"].includes(name))
      .flatMap(([name, raw]) =>
        (["ldirectord", "keepalived"] as const).flatMap((mode) => {
          const lab = labOf({ ...raw, director: { ...(raw.director as object), mode } }, IDENTITY_OF);
          return lab === undefined ? [] : [[mode, name, lab] as const];
        }),
      );
    it("has both", () => {
      const count = (mode: string): number => labs.filter(([each]) => each === mode).length;
      expect([count("ldirectord"), count("keepalived")]).toEqual([
        expect.closeTo(30, -1),
        expect.closeTo(20, -1),
      ]);
    });
    it.each(labs)("%s: golden configuration %s", (_mode, _name, lab) => expectSame(lab), 30_000);

    it.each(["ldirectord", "keepalived"] as const)(
      "any lab of %s",
      async (mode) => {
        const labs = fc
          .sample(cluster(mode), { numRuns: mode === "ldirectord" ? 40 : 150, seed: 14 })
          .flatMap((raw) => labOf(raw, IDENTITY) ?? []);
        expect(labs.length).toBeGreaterThanOrEqual(15);
        expect(labs.filter(({ vip6Cidr }) => vip6Cidr !== undefined).length).toBeGreaterThanOrEqual(5);
        for (const lab of labs) await expectSame(lab);
      },
      120_000,
    );
  },
);
