/** What must outlive a failover: the ties of clients to their real servers. */
import { familyOf, Prefix, type Family } from "../../model/lab/address";
import { anyCertificate, curlOptions } from "../../health/requests";
import { sha256 } from "../../lib/text";
import { labNodes, serviceUrl, type Lab } from "../../model/lab/types";
import { sabotageBy, theDirector } from "../actions";
import type { Drill } from "../drill";
import type { DrillRun } from "../drillRun";
import {
  feltWithin,
  handover,
  needsPair,
  OF_A_PAIR,
  onDirectors,
  restorePair,
  stopHolder,
  takenOver,
} from "../pair";

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

export const tieDrills: readonly Drill[] = [ties];
