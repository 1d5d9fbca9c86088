/** The services of a file on their way into a configuration, and the lines that stay behind. */
import { serviceOfPort, type CheckService } from "../director/checkServices";
import { MAIN, sixthName } from "../config/serviceDefaults";
import type { Family } from "../lab/address";
import { portsText, type PortRange } from "../lab/ports";
import { serviceKey } from "../lab/target";
import type { Leaving } from "./left";
import { isOwn, type Fields, type SourceServer, type SourceService } from "./source";

/** What bears a firewall mark, which is not in the file: by the mark's serviceKey. */
export type Marks = ReadonlyMap<
  string,
  { readonly vip: string; readonly ports: readonly PortRange[] | "all" }
>;

export interface Draft {
  readonly source: SourceService;
  name: string;
  readonly vip: string;
  readonly family: Family;
  readonly members: readonly { readonly source: SourceServer; readonly fields: Fields }[];
  readonly fields: Fields;
}

/** None where nothing of the service can be had. */
export function draftOf(source: SourceService, marks: Marks, leaving: Leaving): Draft[] {
  const { mark, family } = source;
  if (mark !== undefined && !(mark > 0)) {
    leaving.leave(source.at, "0 is not a firewall mark: the kernel gives it to every unmarked packet");
    return [];
  }
  const marked = mark === undefined ? undefined : marks.get(serviceKey({ mark, family }));
  const vip = source.vip ?? marked?.vip;
  if (vip === undefined) {
    const bearer = `--mark ${mark}=${family === 6 ? "[VIP]" : "VIP"}:PORTS`;
    leaving.leave(source.at, `the file does not say what bears mark ${mark}: name it by ${bearer}`);
    return [];
  }
  if (source.servers.length === 0) {
    leaving.leave(source.at, "has no real servers");
    return [];
  }
  const members = source.servers.filter((server, index) => {
    tellForwarding(source, server, leaving);
    const twice = source.servers.slice(0, index).some(({ address }) => address === server.address);
    if (twice) {
      leaving.leave(server.at, "is a real server of this service already");
      leaving.leaveRest(server.inner ?? [], `is of the real server in line ${server.at.line}`);
    }
    return !twice;
  });
  if (source.sorry && !isOwn(source.sorry)) tellForwarding(source, source.sorry, leaving);
  const ports =
    marked === undefined
      ? source.port === 0
        ? { ports: "all" }
        : { port: source.port }
      : {
          ports:
            marked.ports === "all"
              ? marked.ports
              : marked.ports.map((each) => (each.first === each.last ? each.first : portsText(each))),
          mark,
        };
  const fields: Fields = { ...structuredClone(source.fields), ...ports };
  if (marked !== undefined)
    nameChecked(fields, members, marked.ports === "all" ? undefined : marked.ports[0]?.first, leaving);
  return [
    {
      source,
      name: "",
      vip,
      family,
      fields,
      members: members.map((each) => ({ source: each, fields: { ...each.fields } })),
    },
  ];
}

/** By mark a server's port is the one that is checked, which a lab takes for the first of the mark's. */
function nameChecked(
  { healthCheck }: Fields,
  servers: readonly SourceServer[],
  first: number | undefined,
  leaving: Leaving,
): void {
  const check = healthCheck as Fields;
  if (check.checkport !== undefined || /^(ping|on|off)$/.test(String(check.checktype))) return;
  const port = servers.find((each) => each.port !== 0)?.port;
  if (port === undefined) return;
  if (port !== first) check.checkport = port;
  for (const { at, port: other } of servers)
    if (other !== 0 && other !== port)
      leaving.leave(at, `is checked at port ${port}: a lab checks all servers of a service alike`);
}

/** Of each address, port and protocol the first. */
export function distinct(drafts: readonly Draft[], leaving: Leaving): Draft[] {
  const lines = new Map<string, number>();
  return drafts.filter(({ vip, source: { at, mark, port }, fields: { protocol } }) => {
    const key = [protocol, mark, vip, port].join(" ");
    const first = lines.get(key);
    if (first === undefined) lines.set(key, at.line);
    else leaving.leave(at, `is the service of line ${first} again`);
    return first === undefined;
  });
}

function tellForwarding(
  { port, mark }: SourceService,
  server: Omit<SourceServer, "fields">,
  leaving: Leaving,
): void {
  if (server.forward !== "gate")
    leaving.leave(
      server.at,
      server.method === undefined
        ? `${server.forward} becomes gate: a lab is Direct Routing`
        : `${server.method} becomes DR: a lab is Direct Routing`,
    );
  if (server.port !== 0 && port !== 0 && mark === undefined && server.port !== port)
    leaving.leave(
      server.at,
      `port ${server.port} becomes ${port}, the service's: Direct Routing maps no ports`,
    );
}

/** Whether the two are one service of people's: the same ports in both families. */
export function areTwins({ source: one }: Draft, { source: other }: Draft): boolean {
  return (
    one.family !== other.family &&
    one.mark === other.mark &&
    one.port === other.port &&
    one.fields.protocol === other.fields.protocol
  );
}

/** The main service first: plain TCP at a VIP of IPv4, where there is one. */
export function nameServices(drafts: Draft[]): void {
  const isPlain = ({ fields: { protocol, mark, healthCheck } }: Draft): boolean =>
    protocol === "tcp" && mark === undefined && (healthCheck as Fields).service !== "https";
  const fours = drafts.filter(({ family }) => family === 4);
  const main = fours.find(isPlain) ?? drafts.find(isPlain) ?? drafts[0];
  const taken = new Set([MAIN]);
  for (const draft of [...fours, ...drafts.filter(({ family }) => family === 6)]) {
    const { protocol, healthCheck } = draft.fields;
    const { port } = draft.source;
    const known = (healthCheck as { service?: CheckService }).service ?? serviceOfPort(port);
    const target =
      draft.source.mark === undefined ? `${String(protocol)}-${port}` : `fwm-${draft.source.mark}`;
    const own = known === "none" || known === "simpletcp" ? target : known.replace("_", "-");
    const twin = draft.family === 6 ? fours.find((each) => areTwins(each, draft)) : undefined;
    const base = twin === undefined ? own : sixthName(twin.name);
    draft.name = draft === main ? MAIN : base;
    for (let number = 2; draft !== main && taken.has(draft.name); number++) draft.name = `${base}-${number}`;
    taken.add(draft.name);
  }
  drafts.sort((a, b) => Number(b.name === MAIN) - Number(a.name === MAIN));
}
