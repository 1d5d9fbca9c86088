/** What the lab renders for ldirectord and for keepalived is imported to the same lab: in between ldirectord's own parser reads it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderCheckers } from "../../../../model/director/keepalived/conf";
import { renderKeepalived } from "../../../../model/director/vrrp/holder";
import { negotiates } from "../../../../model/director/checkServices";
import { expectedTable } from "../../../../model/director/ipvs/table";
import { ldirectordFor, renderLdirectord } from "../../../../model/director/ldirectord/ldirectord";
import { familyOf } from "../../../../model/lab/address";
import { areAllPorts } from "../../../../model/lab/ports";
import { serviceKey } from "../../../../model/lab/target";
import type { Imported, Marks } from "../../../../model/import/stack";
import { isOwnSorry, type Lab, type VirtualService } from "../../../../model/lab/types";
import { CONFIGURATIONS } from "../../golden/configurations";
import { labOf } from "../config/arbitraries";
import { unread } from "../../../../model/import/checkOptions";
import { cluster } from "./clusters";
import { IDENTITY, importCf, importKeepalived, missing } from "./support";

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
      const rest = { ...entry, vip: move(service.vip), ports: service.mark && service.ports };
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

/** Of the director's programs and directories. */
const ABSENT = /^names a (program|directory) of your director's/;
/** Options beside a check that asks for nothing. */
const UNREAD = /^is (not )?read by/;
/** Checks of what a workload answers. */
const UNSERVED = /^service finds all real servers of .* dead|^is of a check that is not taken over/;
const NOT_TAKEN = { callback: undefined, fallbackcommand: undefined, maintenancedir: undefined };

/** As many as have an address, and where both families are there those of which the file does not say whether they are one. */
function expectMachines({ lab: { realServers } }: Imported, lab: Lab): void {
  const served = lab.services.flatMap((service) => [
    ...service.realServers.map(({ address }) => address),
    ...(service.sorry && !isOwnSorry(service) ? [service.sorry.address] : []),
  ]);
  const [fours, sixes] = [4, 6].map(
    (family) => new Set(served.filter((each) => familyOf(each) === family)).size,
  );
  expect(realServers.length).toBeGreaterThanOrEqual(Math.max(fours ?? 0, sixes ?? 0));
  expect(realServers.length).toBeLessThanOrEqual((fours ?? 0) + (sixes ?? 0));
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
  expectMachines(imported, lab);
  if (mode === "ldirectord") {
    expect(plain(ldirectord)).toEqual(plain({ ...lab.ldirectord, ...NOT_TAKEN }));
    const known = lab.services.some(({ workload }) => workload)
      ? [ABSENT, UNREAD, UNSERVED]
      : [ABSENT, UNREAD];
    const told = imported.left.filter(({ reason }) => !known.some((each) => each.test(reason)));
    expect(told).toEqual([]);
    return;
  }
  const { fork, cleanstop, readdquiescent } = lab.ldirectord;
  expect(ldirectord).toMatchObject({ fork, cleanstop, readdquiescent });
  const { virtualRouterId, advertInterval, failback } = lab.highAvailability ?? {};
  // The lab's connection sync is no part of keepalived.conf.
  const pair = { virtualRouterId, advertInterval, failback, sync: "off" };
  if (lab.highAvailability === undefined) expect(highAvailability).toBeUndefined();
  else expect(highAvailability).toMatchObject(pair);
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
        let sixes = 0;
        const property = fc.asyncProperty(cluster(mode), async (raw) => {
          const lab = labOf(raw, IDENTITY);
          fc.pre(lab !== undefined);
          if (lab.vip6Cidr !== undefined) sixes++;
          await expectSame(lab);
        });
        await fc.assert(property, { numRuns: 30, seed: 14 });
        expect(sixes).toBeGreaterThanOrEqual(5);
      },
      120_000,
    );
  },
);
