/** What happens beside a failover, or must outlive it: a real server dies, clients are tied to their servers, the directors are busy. */
import { familyOf, Prefix, type Family } from "../../model/lab/address";
import { anyCertificate, curlOptions } from "../../health/requests";
import { sha256 } from "../../lib/text";
import { labNodes, serviceUrl, type Lab } from "../../model/lab/types";
import {
  KILL_WEB,
  needsTwoServers,
  sabotageBy,
  START_WEB,
  startDaemonCommand,
  startWebServers,
  theDaemon,
  theDirector,
  webServer,
} from "../actions";
import type { Drill } from "../drill";
import { RATE, type DrillRun } from "../drillRun";
import { isBack, isOut, refusalLimits } from "../ejection";
import {
  feltWithin,
  handover,
  needsManager,
  needsPair,
  NO_RETRY_LOST,
  OF_A_PAIR,
  onDirectors,
  restorePair,
  restoreUnits,
  roleChanges,
  stopHolder,
  takenOver,
  theStandby,
} from "../pair";

const serverDies: Drill = {
  ...OF_A_PAIR,
  name: "server-dies-in-failover",
  description:
    "A web server is killed while the VIP moves: the new active director has it out as soon as the former one would",
  maxSeconds: 120,
  unfit: (run) => needsPair(run) ?? needsTwoServers(run),
  async act(run) {
    const { target } = run;
    const [what, kill] = webServer(run, "is killed", KILL_WEB);
    const [dead, { former }] = await Promise.all([run.act(what, target.name, kill), stopHolder(run)]);
    await takenOver(run, former, handover(run) + 10);
    await isOut(run, dead, run.promises.eject);
    const [starts, start] = webServer(run, "starts", START_WEB);
    await isBack(run, await run.act(starts, target.name, start), run.promises.recover);
    const { failed = 0, ...felt } = refusalLimits(run);
    return { ...felt, failed: failed + Math.ceil(RATE * handover(run) * run.scale) };
  },
  restore: async (run) => {
    await startWebServers(run);
    await restorePair(run);
  },
  sabotage: sabotageBy(
    "nobody checks on the standby",
    ["not-out"],
    theStandby,
    ["the daemon that checks is stopped on the standby", (run) => theDaemon(run).stopChecks],
    (run) => onDirectors(run, startDaemonCommand(run)),
  ),
};

/** Clients beside the lab's own, each with an address. */
const CLIENTS = 12;
/** Seconds that their ties are old before anything happens: the standby was told of them by then. */
const TIES_AGE = 4;

/**
 * Addresses of the client's network that nobody has, in CIDR form: other ones every half a minute, since a director remembers a tie for as long
 * as persistence lasts.
 */
export function spareAddresses(lab: Lab, family: Family, seconds: number): string[] {
  const [client] = lab.clients;
  const network = client.nics
    .flatMap(
      ({ addresses }) =>
        Prefix.read(addresses.find((each) => familyOf(each.split("/")[0] ?? "") === family) ?? "") ?? [],
    )
    .at(0);
  if (network === undefined) throw new Error(`${client.name} has no address of IPv${family}`);
  const taken = new Set(labNodes(lab).flatMap(({ nics }) => nics.flatMap(({ addresses }) => addresses)));
  // The upper half, where the lab's own addresses are not by default.
  const half = Math.min(network.size, 65536) / 2;
  const block = Math.floor(seconds / 30) % Math.max(1, Math.floor((half - 1) / CLIENTS));
  return Array.from(
    { length: Math.min(CLIENTS, half - 1) },
    (_unused, at) => `${network.network.plus(half + block * CLIENTS + at)}/${network.length}`,
  ).filter((each) => !taken.has(each));
}

/** Who answers each of the addresses. */
async function answering(run: DrillRun, addresses: readonly string[]): Promise<string[]> {
  const url = serviceUrl(run.lab.services[0]);
  const one = `curl ${curlOptions(5)}${anyCertificate(url)} -o /dev/null -w '%header{x-real-server}\\n' ${url}`;
  const from = addresses.map((each) => each.split("/")[0]).join(" ");
  const { name } = run.lab.clients[0];
  const text = await run.ask(name, `for each in ${from}; do ${one} --interface $each || echo; done`, {
    timeout: CLIENTS * 6,
  });
  return text.split("\n").slice(0, addresses.length);
}

/** The client's further addresses, each with its device. */
const ADDED = "/run/lvs-dr-drill-addresses";
const TAKE_AWAY = `[ ! -e ${ADDED} ] || { while read -r each device; do ip addr del "$each" dev "$device" || true; done <${ADDED}; rm ${ADDED}; }`;

function needsTies({ lab }: DrillRun): string | undefined {
  const [{ persistent, netmask }] = lab.services;
  if (persistent === undefined || netmask !== undefined)
    return "it needs a main service with persistence, of each client alone";
  return lab.highAvailability?.sync === "daemon" ? undefined : "it needs highAvailability.sync: daemon";
}

const ties: Drill = {
  ...OF_A_PAIR,
  name: "persistence-over-failover",
  description: `The VIP moves: each of ${CLIENTS} clients that persistence ties to a real server stays with it`,
  maxSeconds: 150,
  takes: ["client"],
  unfit: (run) => needsPair(run) ?? needsTies(run),
  async act(run) {
    const client = run.lab.clients[0];
    const { vip } = run.lab.services[0];
    const addresses = spareAddresses(run.lab, familyOf(vip), Date.now() / 1000);
    const [nic] = client.nics;
    const each = `ip addr add "$each" dev ${nic?.device}${familyOf(vip) === 6 ? " nodad" : ""}`;
    const add = `printf '%s ${nic?.device}\\n' ${addresses.join(" ")} >${ADDED}; for each in ${addresses.join(" ")}; do ${each}; done`;
    await run.act(`${client.name} has ${addresses.length} more addresses`, client.name, add);
    const before = await answering(run, addresses);
    const tied = new Map(addresses.map((each, at) => [each, before[at] ?? ""]));
    await run.sleep(TIES_AGE);
    const { former } = await stopHolder(run);
    await takenOver(run, former, handover(run) + 10);
    // In another order: a director that knows nobody deals them out by turns, as the former one did.
    const again = addresses.toSorted((a, b) => sha256(a).localeCompare(sha256(b)));
    const after = await answering(run, again);
    const moved = again.filter((each, at) => tied.get(each) === "" || tied.get(each) !== after[at]);
    run.event(
      `tied: ${before.join(" ")}; moved: ${moved.map((each) => `${each} from ${tied.get(each)}`).join(", ") || "none"}`,
    );
    run.figure("clientsMoved", moved.length, { max: 0 });
    return feltWithin(handover(run), 0);
  },
  restore: async (run) => {
    await run.shell.check(run.lab.clients[0].name, TAKE_AWAY);
    await restorePair(run);
  },
  sabotage: sabotageBy(
    "the active director tells nobody of its connections",
    ["clientsMoved"],
    theDirector,
    ["connection sync is stopped", "ipvsadm --stop-daemon master"],
    (run) => onDirectors(run, "/usr/local/lib/lvs-dr/sync-daemons"),
  ),
};

/** Seconds for which the directors have more to do than they can. */
const BUSY_SECONDS = 60;
const BUSY = `for ((i = 0; i < 4 * $(nproc); i++)); do systemd-run -q --collect --unit=lvs-dr-drill-busy-$i -p RuntimeMaxSec=${BUSY_SECONDS} bash -c 'while :; do :; done'; done`;
const IDLE = "systemctl stop 'lvs-dr-drill-busy-*' 2>/dev/null || true";

const busy: Drill = {
  ...OF_A_PAIR,
  name: "directors-busy",
  description: `Every processor of both directors has four times what it can do, for ${BUSY_SECONDS} s: the VIP stays`,
  maxSeconds: 150,
  unfit: needsManager("keepalived"),
  async act(run) {
    const before = await roleChanges(run);
    await Promise.all(
      run.lab.directors.map(({ name }) => run.act(`${name}'s processors are busy`, name, BUSY)),
    );
    await run.sleep(BUSY_SECONDS);
    await onDirectors(run, IDLE);
    run.figure("roleChanges", (await roleChanges(run)) - before, { max: 0 });
    return NO_RETRY_LOST;
  },
  restore: async (run) => {
    await onDirectors(run, IDLE);
    await restorePair(run);
  },
  sabotage: sabotageBy(
    "keepalived of the active director is the last to get a processor",
    ["roleChanges"],
    theDirector,
    ["keepalived has no priority any more", "chrt --idle -p 0 $(cat /run/lvs-dr/keepalived-vrrp.pid)"],
    restoreUnits,
  ),
};

export const failoverDrills: readonly Drill[] = [serverDies, ties, busy];
