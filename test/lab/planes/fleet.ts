/** The real servers that both planes look at, and the table that they should end with. */
import { negotiates } from "../../../model/director/checkServices";
import { expectedTable, renderTable } from "../../../model/director/ipvs/table";
import { addressByRule } from "../../../model/config/dualStack";
import { Prefix } from "../../../model/lab/address";
import type { Lab, RealServerEntry, VirtualService } from "../../../model/lab/types";

/** How many there are of each kind, and the last octet of the first one's address; bed.sh says what they do. */
const KINDS = {
  good: { first: 11, count: 16 },
  refused: { first: 31, count: 2 },
  silent: { first: 41, count: 8 },
  wrong: { first: 51, count: 2 },
  error: { first: 61, count: 2 },
} as const;
export type Kind = keyof typeof KINDS;

const NETWORK = "192.168.31.0/24";
const NETWORK6 = "fd00:31::/64";

interface Server {
  readonly name: string;
  readonly kind: Kind;
  readonly address: string;
  readonly address6: string;
}

export const FLEET: readonly Server[] = (Object.keys(KINDS) as Kind[]).flatMap((kind) =>
  Array.from({ length: KINDS[kind].count }, (_unused, index) => {
    const address = `192.168.31.${KINDS[kind].first + index}`;
    const address6 = addressByRule(address, Prefix.parse(NETWORK), Prefix.parse(NETWORK6));
    return { name: `${kind}${index + 1}`, kind, address, address6 };
  }),
);

/** Lines for bed.sh. */
export const SERVERS = FLEET.flatMap(({ kind, address, address6 }) => [
  `${kind} ${address}\n`,
  `${kind} ${address6}\n`,
]).join("");

/** What every configuration of the bed begins with. */
export const NETWORKS = {
  clientNetwork: { cidr: "172.31.0.0/16", cidr6: "fd00:18::/64" },
  serverNetwork: { cidr: NETWORK, cidr6: NETWORK6 },
  vipCidr: "10.31.0.0/16",
  vip: "10.31.0.100",
  vip6Cidr: "fd00:1031::/64",
} as const;

/** Pages as bed.sh serves them. */
function page(kind: Kind, path: string, host: string | undefined): { status: number; body: string } {
  const body = kind === "good" ? "a test page, v1.5\nand more\n" : "something else\n";
  if (kind === "error") return { status: 500, body };
  if (path.startsWith("/absent")) return { status: 404, body: "" };
  if (path.startsWith("/named") && host !== "www.example.com") return { status: 404, body: "" };
  return { status: 200, body };
}

export const kindOf = (name: string): Kind | undefined => FLEET.find((each) => each.name === name)?.kind;

export function passes(service: VirtualService, server: RealServerEntry): boolean {
  const { checktype, service: protocol, virtualhost, request = "", receive = "" } = service.check;
  const kind = kindOf(server.name) ?? "silent";
  if (checktype === "on") return true;
  if (kind === "silent") return false;
  if (checktype === "ping") return true;
  if (kind === "refused") return false;
  if (!negotiates(checktype)) return true;
  if (protocol === "smtp") return kind === "good";
  const path = (server.request ?? request).replace(/^\/?/, "/");
  const { status, body } = page(kind, path, virtualhost);
  return status === 200 && new RegExp(server.receive ?? receive).test(body);
}

/** Lines of `ipvsadm -Sn` when each server has been judged, sorted. */
export function judgedTable(lab: Lab): string[] {
  const table = expectedTable(lab).map((entry, index) => {
    const service = lab.services[index] as VirtualService;
    const alive = service.realServers.map((server) => passes(service, server));
    const { sorry, quiescent } = service;
    const servers = entry.servers.flatMap((server, at) =>
      alive[at] ? [server] : quiescent ? [{ ...server, weight: 0 }] : [],
    );
    return sorry === undefined || alive.includes(true)
      ? { ...entry, servers }
      : { ...entry, servers: [...servers, { ...sorry, forward: "gate" as const, weight: 1 }] };
  });
  return renderTable(table).sort();
}
