/** Networks in which the addresses of a file can stay as they are, and what becomes of those that cannot. */
import { AddressPlan } from "../config/addressPlan";
import { addressByRule } from "../config/dualStack";
import { RESERVED } from "../config/invariantsNetworks";
import { Address, hostPrefix, Prefix, type Family } from "../lab/address";
import { sha256 } from "../../lib/text";

export interface Placed {
  readonly serverCidr: string;
  readonly clientCidr: string;
  /** Of each VIP of the file its network. */
  readonly vipNetworks: ReadonlyMap<string, Prefix>;
  /** New addresses of those that change. */
  readonly moved: ReadonlyMap<string, string>;
}

/** Of IPv6. */
export interface PlacedSix {
  readonly serverCidr: string;
  readonly clientCidr: string;
  readonly vipCidr: string;
  readonly moved: ReadonlyMap<string, string>;
}

/** Host part of the router's address. */
const ROUTER = 200;
const USUAL = { 4: 24, 6: 64 } as const;
/** A wider one would leave the others no room, or is no segment's. */
const WIDEST = { 4: 8, 6: 16 } as const;
/** What servers that have no network in common have in common all the same. */
const GROUP = { 4: 16, 6: 48 } as const;
/** Of IPv6 the longest that a segment can have. */
const LONGEST6 = 96;
const NOBODYS = RESERVED.map(({ cidr }) => Prefix.parse(cidr));
/** Addresses that host, router and director need beside. */
const SPARE = 8;
/** For servers of which no two have a network in common, or that have names only. */
const SPARE_SERVERS = {
  4: ["192.168.7.0/24", "192.168.77.0/24", "172.30.7.0/24"],
  6: ["fd00:7::/64", "fd00:77::/64"],
} as const;

const apart = (network: Prefix, others: readonly Prefix[]): boolean =>
  !others.some((each) => each.overlaps(network));
/** Whether it is a host's address, and does not stand for a name. */
export const isReal = (address: string): boolean => NOBODYS.every((network) => !network.contains(address));
const holds = (network: Prefix, address: string): boolean =>
  network.contains(address) && network.kindOf(address) === "host";

/** The smallest usual network in which all of them can be hosts' addresses. */
function cover(addresses: readonly string[]): Prefix | undefined {
  const [first] = addresses;
  if (first === undefined) return undefined;
  const { family } = Address.parse(first);
  for (let length: number = USUAL[family]; length >= WIDEST[family]; length--) {
    const network = Prefix.around(Address.parse(first), length);
    if (!apart(network, NOBODYS)) return undefined;
    if (network.hosts >= addresses.length + SPARE && addresses.every((each) => holds(network, each)))
      return network;
  }
  return undefined;
}

/** A network for all of them, or for as many as have one in common. */
function commonNetwork(family: Family, addresses: readonly string[]): Prefix | undefined {
  const real = addresses.filter(isReal);
  const groups = new Map<string, string[]>([["all", real]]);
  for (const each of real) {
    const key = String(Prefix.around(Address.parse(each), GROUP[family]));
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const largest = [...groups.values()].sort((a, b) => b.length - a.length);
  return largest.map(cover).find((network) => network !== undefined);
}

function serverNetwork(family: Family, addresses: readonly string[], vips: readonly string[]): Prefix {
  const spare = SPARE_SERVERS[family].map((cidr) => Prefix.parse(cidr));
  const free = spare.find((network) => !vips.some((vip) => network.contains(vip)));
  return commonNetwork(family, addresses) ?? free ?? Prefix.parse(SPARE_SERVERS[family][0]);
}

/** Gives addresses of a network to whoever cannot keep theirs. */
function mover(
  network: Prefix,
  taken: readonly string[],
  moved: Map<string, string>,
): (address: string, from: number) => void {
  const plan = new AddressPlan(network, taken);
  return (address, from) => {
    const to = moved.has(address) ? undefined : plan.next(from);
    if (to !== undefined) moved.set(address, to);
  };
}

/**
 * @param servers real servers, and what stands in for them @param known networks that the file names
 * @param stack by which the clients' network is chosen, so that two stacks seldom have the same
 */
export function placeAddresses(
  servers: readonly string[],
  vips: readonly string[],
  known: readonly string[],
  stack: string,
): Placed {
  let server = serverNetwork(4, servers, vips);
  // A VIP at the first or last address of a network that is guessed: it must be wider.
  const inside = vips.filter((vip) => server.contains(vip) && isReal(vip));
  if (inside.some((vip) => !holds(server, vip)))
    server = cover([...servers.filter((each) => server.contains(each)), ...inside]) ?? server;
  const moved = new Map<string, string>();
  const move = mover(server, [...servers, ...vips], moved);
  for (const each of servers) if (!holds(server, each)) move(each, 11);
  const vipNetworks = new Map<string, Prefix>();
  for (const vip of vips) {
    if (!isReal(vip)) move(vip, 100);
    if (!isReal(vip) || server.contains(vip)) vipNetworks.set(vip, server);
  }
  for (const vip of vips.filter((each) => !vipNetworks.has(each))) {
    const usual = [...ofFamily(4, known), Prefix.around(Address.parse(vip), USUAL[4])];
    const others = [server, ...vipNetworks.values()];
    const fits = (network: Prefix): boolean =>
      network.length <= 29 &&
      network.contains(vip) &&
      // All of them, beside the router's own address, or each alone.
      vips.every(
        (each) =>
          !network.contains(each) ||
          (holds(network, each) && network.offsetOf(each) !== ROUTER % network.size),
      ) &&
      others.every((each) => String(each) === String(network) || !each.overlaps(network));
    const alone = Prefix.parse(hostPrefix(vip));
    const isAlone = known.includes(String(alone));
    vipNetworks.set(vip, (isAlone ? undefined : usual.find(fits)) ?? alone);
  }
  return {
    serverCidr: String(server),
    clientCidr: clientNetwork(stack, [server, ...vipNetworks.values()]),
    vipNetworks,
    moved,
  };
}

/** The same of IPv6, whose VIPs all lie in one network: one of their own, or that of the servers. */
export function placeSix(
  servers: readonly string[],
  vips: readonly string[],
  known: readonly string[],
  stack: string,
): PlacedSix {
  const usual = serverNetwork(6, servers, vips);
  const outside = vips.filter((vip) => isReal(vip) && !holds(usual, vip));
  const isFree = (network: Prefix | undefined): network is Prefix =>
    network !== undefined && !network.overlaps(usual);
  const holdsAll = (network: Prefix): boolean =>
    network.length >= WIDEST[6] && network.length <= LONGEST6 && outside.every((vip) => holds(network, vip));
  const own = [...ofFamily(6, known).filter(holdsAll), cover(outside)].find(isFree);
  const both = cover([...servers, ...vips].filter(isReal));
  // Some of them among the servers, some not.
  const isMixed = outside.length > 0 && (own === undefined || outside.length < vips.filter(isReal).length);
  const most = commonNetwork(6, outside);
  const server = isMixed && both !== undefined ? both : usual;
  const vip =
    outside.length === 0 || (isMixed && both !== undefined) ? server : ([own, most].find(isFree) ?? server);
  const moved = new Map<string, string>();
  const taken = [...servers, ...vips];
  const moveServer = mover(server, taken, moved);
  for (const each of servers) if (!holds(server, each)) moveServer(each, 0x11);
  const moveVip = String(vip) === String(server) ? moveServer : mover(vip, taken, moved);
  for (const each of vips) if (!holds(vip, each)) moveVip(each, 0x100);
  const start = sha256(`${stack} clients`).slice(0, 10);
  const clients = ["fd", "fc"].map((first) =>
    `${first}${start}`.replace(/(.{4})(.{4})(.{4})/, "$1:$2:$3::/64"),
  );
  const client = clients
    .map((cidr) => Prefix.read(cidr))
    .find((each) => isFree(each) && apart(each, [vip, server]));
  return { serverCidr: String(server), clientCidr: String(client), vipCidr: String(vip), moved };
}

const ofFamily = (family: Family, networks: readonly string[]): Prefix[] =>
  networks.map((cidr) => Prefix.parse(cidr)).filter(({ network }) => network.family === family);

function clientNetwork(stack: string, avoid: readonly Prefix[]): string {
  const start = parseInt(sha256(stack).slice(0, 6), 16);
  const candidates = ["172.20", "172.21", "192.168", "10.255"].flatMap((half) =>
    Array.from({ length: 200 }, (_unused, index) => `${half}.${20 + ((start + index) % 200)}.0/24`),
  );
  return candidates.find((cidr) => apart(Prefix.parse(cidr), avoid)) ?? "172.18.0.0/16";
}

/** Explicit addresses for nodes whose usual ones are taken. */
export function nodeAddresses(
  cidr: string,
  taken: readonly string[],
  usual: Readonly<Record<string, number>>,
): Record<string, string> {
  const network = Prefix.parse(cidr);
  const plan = new AddressPlan(network, taken);
  return Object.fromEntries(
    Object.entries(usual).flatMap(([node, part]) => {
      const address = plan.next(part);
      return address === undefined || address === String(network.network.plus(part)) ? [] : [[node, address]];
    }),
  );
}

/** The same of IPv6, for nodes whose addresses by rule are taken. @param fours what each has in the network of IPv4 */
export function nodeAddresses6(
  cidr6: string,
  taken: readonly string[],
  cidr: string,
  fours: Readonly<Record<string, string>>,
): Record<string, string> {
  const network = Prefix.parse(cidr6);
  const byRule = (four: string): number => network.offsetOf(addressByRule(four, Prefix.parse(cidr), network));
  return nodeAddresses(
    cidr6,
    taken,
    Object.fromEntries(Object.entries(fours).map(([node, four]) => [node, byRule(four)])),
  );
}
