/**
 * The path of Direct Routing, seen on the wire: requests cross the director, which rewrites nothing but the destination
 * MAC; replies go from the real server to the last hop, with the VIP as their source, past the director.
 */
import { lacksCommand } from "../../health/commands";
import { answered, PORTS_EACH } from "../../health/requests";
import { askEach } from "../../lib/askEach";
import { tableWeight } from "../../model/director/ipvs/table";
import { familyOf } from "../../model/lab/address";
import { lastHop, wayBack } from "../../model/lab/lastHop";
import { addressOf, askedUrl, nicOn, type VirtualService } from "../../model/lab/types";
import { webProtocol } from "../../model/lab/workloads";
import { Capture, parseCapture, RESOLUTION, type Frame } from "./capture";
import { lacksAnEnd, NOT_TCP, skipped, type CheckContext, type Finding, type Probe } from "./check";
import { judgePath } from "./pathJudgement";

/** Seconds for one request. */
const REQUEST_LIMIT = 4;

/** Enough that under wrr each server has its turn. */
function requestCount(service: VirtualService): number {
  const weights = service.realServers.map(tableWeight);
  return Math.min(
    24,
    Math.max(
      8,
      weights.reduce((sum, weight) => sum + weight, 0),
    ),
  );
}

/** A service and the client's ports of its requests, so that no other traffic counts as theirs. */
interface Part {
  readonly service: VirtualService;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/** Services of one capture, which ends by itself: more would take too long. */
const AT_ONCE = 8;
/** Source ports of the client, above its ephemeral ones. */
const PORTS = { first: 61_000, last: 65_000 };

/** @param services at most AT_ONCE */
function partsOf(services: readonly VirtualService[]): Part[] {
  const counts = services.map(requestCount);
  const span = PORTS_EACH * counts.reduce((sum, count) => sum + count, 0);
  let next = PORTS.first + Math.floor(Math.random() * (PORTS.last - PORTS.first - span));
  return services.map((service, i) => {
    const count = counts[i] ?? 0;
    const first = next;
    next += count * PORTS_EACH;
    return { service, count, first, last: next - 1 };
  });
}

/** How many of a service's requests were answered. */
function ask({ lab, shell }: CheckContext, { service, count, first }: Part): Promise<number> {
  const asked = Array.from({ length: count }, (_, i) => ({
    url: askedUrl(service),
    port: first + i * PORTS_EACH,
  }));
  return answered(shell, lab.clients[0].name, asked, REQUEST_LIMIT);
}

/** @param services of one family */
async function lookAt(context: CheckContext, services: readonly VirtualService[]): Promise<Finding[]> {
  const { lab, shell } = context;
  const family = familyOf(services[0]?.vip ?? "");
  const parts = partsOf(services);
  const ports = `${parts[0]?.first}-${parts.at(-1)?.last}`;
  const client = addressOf(lab.clients[0], family);
  const filter = `(tcp and host ${client} and portrange ${ports}) or ${RESOLUTION[family]}`;
  const atDirector = new Capture(
    shell,
    lab.directors[0].name,
    nicOn(lab.directors[0], "server").device,
    filter,
  );
  const hop = lastHop(lab);
  const atHop = new Capture(shell, hop.name, nicOn(hop, "server").device, filter);
  await Promise.all([atDirector.start(), atHop.start()]);
  // A real server that must ask for the last hop's MAC shows which source it asks with. Not before somebody listens.
  const forgotten = await askEach(lab.realServers, async (node) => {
    const { name } = node;
    const which = `to ${wayBack(lab, node, family)} dev ${nicOn(node, "server").device}`;
    const { stdout } = await shell.run(name, `ip neigh flush ${which}; ip neigh show ${which} nud permanent`);
    return { name, permanent: stdout.includes("PERMANENT") };
  });
  const answers: { readonly part: Part; readonly answered: number }[] = [];
  for (const part of parts) answers.push({ part, answered: await ask(context, part) });
  // A request has five packets of the client's at least, twice at the director, and four replies at the last hop; a bare connection three and two.
  const packets = answers
    .map(({ part, answered }) => answered * (webProtocol(part.service) === undefined ? 2 : 8))
    .reduce((sum, each) => sum + each, 0);
  const [seenByDirector, seenByHop] = (
    await Promise.all([atDirector.stop(packets), atHop.stop(packets)])
  ).map(parseCapture) as [ReturnType<typeof parseCapture>, ReturnType<typeof parseCapture>];
  const arp = [...seenByDirector.arp, ...seenByHop.arp];
  const permanent = forgotten.filter((each) => each.permanent).map(({ name }) => name);
  const commands = { director: atDirector.command, lastHop: atHop.command };
  return answers.flatMap(({ part: { service, count, first, last }, answered }) => {
    const own = ({ fromPort, toPort }: Frame): boolean =>
      [fromPort, toPort].some((port) => port >= first && port <= last);
    const frames = {
      director: seenByDirector.frames.filter(own),
      lastHop: seenByHop.frames.filter(own),
    };
    return judgePath(lab, service, { ...frames, arp, answered, permanent }, commands, count);
  });
}

export const pathProbe: Probe = {
  group: "path",
  async look(context) {
    const findings: Finding[] = [];
    const { lab, shell } = context;
    const ends = [lab.directors[0], lastHop(lab)].map((node) => [node, "tcpdump"] as const);
    const why = lacksAnEnd(lab) ?? (await lacksCommand(shell, ends));
    if (why !== undefined)
      return [skipped("path.requests", "requests cross the director, and replies do not", why)];
    for (const family of [4, 6]) {
      const services = lab.services.filter(
        ({ protocol, vip }) => protocol === "tcp" && familyOf(vip) === family,
      );
      for (let i = 0; i < services.length; i += AT_ONCE)
        findings.push(...(await lookAt(context, services.slice(i, i + AT_ONCE))));
    }
    const others = lab.services.filter(({ protocol }) => protocol !== "tcp");
    return [
      ...findings,
      ...others.map(({ name }) => skipped(`path.${name}.requests`, "requests cross the director", NOT_TCP)),
    ];
  },
};
