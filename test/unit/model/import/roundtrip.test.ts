/** What the lab renders for ldirectord is imported to the same lab: the daemon's own parser reads it in between. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../model/config/config";
import { negotiates } from "../../../../model/director/checkServices";
import { expectedTable } from "../../../../model/director/ipvs/table";
import { ldirectordFor, renderLdirectord } from "../../../../model/director/ldirectord/ldirectord";
import { serviceKey } from "../../../../model/lab/target";
import type { Lab, VirtualService } from "../../../../model/lab/types";
import { CONFIGURATIONS } from "../../golden/configurations";
import { labOf } from "../config/arbitraries";
import { IDENTITY, importCf, missing } from "./support";

const CHECKS = [
  { service: "http", request: "/a/b.html?c=d", receive: "o[kn] \\d+" },
  { service: "http", httpmethod: "HEAD", virtualhost: "www.example.com" },
  { service: "https", receive: "x" },
  { checktype: "connect", checkport: 8081 },
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
const service = fc.record({
  number: fc.integer({ min: 100, max: 104 }),
  port: fc.integer({ min: 1024, max: 1100 }),
  scheduler: fc.constantFrom("rr", "wrr", "wlc", "sh"),
  persistent: fc.constantFrom(0, 300),
  quiescent: fc.boolean(),
  sorryServer: fc.constantFrom(false, undefined),
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
const cluster = fc
  .tuple(
    networks,
    fc.uniqueArray(service, {
      minLength: 1,
      maxLength: 5,
      selector: ({ number, port }) => `${number} ${port}`,
    }),
    fc.boolean(),
  )
  .map(([{ vips, raw }, services, fork]) => ({
    ...raw,
    vip: `${vips}.99`,
    realServers: Array.from({ length: 5 }, (_unused, index) => ({
      name: `rs${index + 1}`,
      weight: index + 1,
    })),
    services: services.map(({ number, members, check, times: own, ...rest }) => ({
      ...rest,
      vip: `${vips}.${number}`,
      realServers: members.map((each) => ({ name: `rs${each.number}`, weight: each.weight })),
      healthCheck: { ...check, ...own, ...(fork ? {} : { checkinterval: 1 }) },
    })),
    ldirectord: { fork },
  }));

type Move = (address: string) => string;

/** What a check does: what it does not use may differ. */
function checked({ check, quiescent, realServers, sorry, extras }: VirtualService, move: Move): unknown {
  const { checktype, checktimeout, negotiatetimeout, checkinterval, failurecount, checkport } = check;
  const { login, passwd, database, secret, httpmethod = "GET", virtualhost } = check;
  const plain = (text: string | undefined): string | undefined => text?.replace(/^\//, "");
  const answer = (text: string | undefined): string => (text === undefined || text === ".*" ? "" : text);
  const own = realServers.map(({ request, receive }) => [plain(request), receive]);
  return {
    times: [checktimeout, negotiatetimeout, checkinterval, failurecount],
    checktype,
    checkport,
    ...(negotiates(checktype) && {
      asked: [check.service, plain(check.request) ?? "", answer(check.receive), own],
      as: { login, passwd, database, secret, httpmethod, virtualhost },
    }),
    quiescent: quiescent || realServers.some(({ drain }) => drain),
    sorry: sorry && {
      ...sorry,
      address: sorry.address === "127.0.0.1" ? sorry.address : move(sorry.address),
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
      return [key, { ...rest, servers: moved, check: judged(key) && checked(service, move) }];
    }),
  );
}

async function expectSame(lab: Lab): Promise<void> {
  const text = renderLdirectord(ldirectordFor(lab));
  const imported = await importCf(text);
  const moves = new Map(imported.mapped.map(({ from, to }) => [from, to]));
  const served = new Map(
    lab.services.map((service) => [serviceKey(service), service.workload === undefined]),
  );
  const judged = (key: string): boolean => served.get(key) !== false;
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
  const moved = described(lab, judged, (address) => moves.get(address) ?? address);
  expect(plain(described(imported.lab, judged))).toEqual(plain(moved));
  const { ldirectord } = imported.lab;
  const { fork, cleanstop, readdquiescent } = lab.ldirectord;
  expect(ldirectord).toMatchObject({ fork, cleanstop, readdquiescent });
}

describe.skipIf(missing)(
  `import of what the lab renders${missing ? ` (skipped: no ${missing})` : ""}`,
  () => {
    const labs = Object.entries(CONFIGURATIONS)
      // What names a program of the director's, or bears a mark, is not taken over.
      .filter(([name]) => !["external", "static"].includes(name))
      .map(([name, raw]) => [name, parseConfig(raw, { project: "lvs-dr", stack: "dev" })] as const);
    it.each(labs)("golden configuration %s", (_name, lab) => expectSame(lab), 30_000);

    it("any lab", async () => {
      const labs = fc.sample(cluster, { numRuns: 40, seed: 14 }).flatMap((raw) => labOf(raw, IDENTITY) ?? []);
      expect(labs.length).toBeGreaterThanOrEqual(20);
      for (const lab of labs) await expectSame(lab);
    }, 120_000);
  },
);
