/** Faults of a whole libvirt host: all its guests are gone at once. */
import { endedOf, failover } from "../../failover/failover";
import { connections } from "../../model/director/ipvs/connections";
import { endpoint } from "../../model/lab/address";
import { hostOf } from "../../model/lab/hosts";
import { guestsOf, type LabNode, type LibvirtHost } from "../../model/lab/types";
import { answersAgain } from "../actions";
import type { Drill } from "../drill";
import type { DrillRun } from "../drillRun";
import { exposedRequests } from "../ejection";
import { named, needsPair, noStandby, observeClient, restorePair, standsBy, takenOver } from "../pair";

/** Seconds for the health to say which host is gone, and for the dead servers to leave the table, beyond a check's own time. */
const NAMED = 60;

/** Seconds in which a request is answered, and its connection closed. */
const REQUEST_OVER = 1;

/** The host that dies: one with a director, and without those who ask and pass on. */
function doomedHost({ lab }: DrillRun): LibvirtHost | undefined {
  const spared = [...lab.clients, ...lab.routers].map((node) => hostOf(lab, node));
  return lab.directors.map((node) => hostOf(lab, node)).find((host) => !spared.includes(host));
}

function unfit(run: DrillRun): string | undefined {
  const { hosts, directors } = run.lab;
  if (hosts.length < 2) return "this lab is on one host";
  const places = new Set(directors.map((node) => hostOf(run.lab, node)));
  return (
    needsPair(run) ??
    (places.size < 2 ? "both directors are on one host" : undefined) ??
    (doomedHost(run) === undefined ? "each director's host has the client or the router too" : undefined)
  );
}

const guestsOn = ({ lab }: DrillRun, host: LibvirtHost): LabNode[] =>
  guestsOf(lab).filter((node) => hostOf(lab, node) === host);

/**
 * Connections that stay open to some real servers, and end with them: requests are over sooner than that, and what this director has only from
 * one that died may have ended untold.
 */
async function flowsTo(run: DrillRun, servers: readonly LabNode[]): Promise<number> {
  const addresses = servers.map((node) => run.inFamily(node));
  const open = async (): Promise<string[]> => {
    const all = connections(run.lab, await run.ask(run.director.name, "ipvsadm -Lnc"), true);
    return [...all].filter((each) => addresses.some((address) => each.includes(`> ${endpoint(address)}:`)));
  };
  const before = new Set(await open());
  await run.sleep(REQUEST_OVER);
  const lasting = (await open()).filter((each) => before.has(each));
  return lasting.length - (await endedOf(run.shell, run.lab, lasting)).size;
}

/** The VIP is on the host that is to die. */
async function holdThere(run: DrillRun, host: LibvirtHost): Promise<LabNode> {
  await run.environment.findHolder();
  const there = run.lab.directors.find((node) => hostOf(run.lab, node) === host);
  if (there === undefined) throw new Error(`${host.name} has no director`);
  if (there === run.director) return there;
  run.event(`${there.name}, which is on ${host.name}, is to hold the VIP`);
  await failover(run.shell, run.lab, { to: there.name, say: (line) => void run.event(line) });
  await run.environment.findHolder();
  await run.watch();
  return there;
}

async function powerOn(run: DrillRun, guests: readonly LabNode[]): Promise<void> {
  await Promise.all(guests.map(({ domain }) => run.environment.power.on(domain)));
  for (const { name } of guests) {
    run.forgetClock(name);
    await answersAgain(run, name);
  }
}

const powerOff: Drill = {
  name: "host-power-off",
  takes: ["guests"],
  description:
    "The host of the active director dies with all its guests: the other host's director serves, and the health says which host is gone",
  maxSeconds: 400,
  unfit,
  async act(run) {
    const { promises } = run;
    const host = doomedHost(run) as LibvirtHost;
    const dead = await holdThere(run, host);
    const guests = guestsOn(run, host);
    const servers = run.servers.filter((node) => guests.includes(node));
    const sight = await observeClient(run);
    const doomed = await flowsTo(run, servers);
    const names = guests.map(({ name }) => name).join(", ");
    const off = run.event(
      `${host.name} loses its power, and with it ${names}; ${doomed} of the open connections lead there`,
    );
    await Promise.all(guests.map(({ domain }) => run.environment.power.off(domain)));
    await takenOver(run, dead, promises.takeoverMs / 1000 + 10);
    const limit = promises.ejectSilent() * Math.max(1, servers.length);
    const out = await run.tableUntil(
      `the servers of ${host.name} are out`,
      (weights) => servers.every((node) => run.isOut(node)(weights)),
      off,
      limit,
      "not-out",
    );
    if (servers.length > 0) run.duration("detectionSeconds", out - off, limit);
    run.duration("outageSeconds", sight.outage(off), promises.takeoverMs / 1000);
    run.figure("flowsToTheDead", doomed);
    await sight.flowsKept(off, doomed);
    await named(run, "host-silent", host.name, NAMED);
    const powered = run.event(`${host.name} and its guests are back`);
    await powerOn(run, guests);
    await standsBy(run, dead, promises.rebootSeconds);
    await run.watch();
    const back = await run.asConfigured(powered, promises.rebootSeconds, "all servers are back");
    run.duration("recoverySeconds", back - powered, promises.rebootSeconds);
    const share = servers.reduce((sum, { name }) => sum + exposedRequests(run, limit, name), 0);
    return { failed: share };
  },
  async restore(run) {
    const host = doomedHost(run);
    if (host !== undefined) await powerOn(run, guestsOn(run, host));
    await restorePair(run);
  },
  sabotage: {
    ...noStandby,
    async apply(run) {
      const host = doomedHost(run);
      if (host !== undefined) await holdThere(run, host);
      await noStandby.apply(run);
    },
  },
};

export const hostDrills: readonly Drill[] = [powerOff];
