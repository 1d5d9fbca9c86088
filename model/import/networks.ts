/** Networks in which the addresses of a file can stay as they are, and what becomes of those that cannot. */
import { AddressPlan } from "../config/addressPlan";
import { RESERVED } from "../config/invariantsNetworks";
import { Address, Prefix } from "../lab/address";
import { sha256 } from "../../lib/text";

export interface Placed {
  readonly serverCidr: string;
  readonly clientCidr: string;
  /** Of each VIP of the file its network. */
  readonly vipNetworks: ReadonlyMap<string, Prefix>;
  /** New addresses of those that change. */
  readonly moved: ReadonlyMap<string, string>;
}

/** Host part of the router's address. */
const ROUTER = 200;
const USUAL = 24;
/** A wider one would leave the others no room. */
const WIDEST = 8;
const NOBODYS = RESERVED.map(({ cidr }) => Prefix.parse(cidr));
/** Addresses that host, router and director need beside. */
const SPARE = 8;
/** For servers of which no two have a network in common, or that have names only. */
const SPARE_SERVERS = ["192.168.7.0/24", "192.168.77.0/24", "172.30.7.0/24"];

const apart = (network: Prefix, others: readonly Prefix[]): boolean =>
  !others.some((each) => each.overlaps(network));
/** Whether it is an address of the file's, and does not stand for a name. */
const isReal = (address: string): boolean => NOBODYS.every((network) => !network.contains(address));
const holds = (network: Prefix, address: string): boolean =>
  network.contains(address) && network.kindOf(address) === "host";

/** The smallest usual network in which all of them can be hosts' addresses. */
function cover(addresses: readonly string[]): Prefix | undefined {
  const [first] = addresses;
  for (let length = USUAL; first !== undefined && length >= WIDEST; length--) {
    const network = Prefix.around(Address.parse(first), length);
    if (!apart(network, NOBODYS)) return undefined;
    if (network.hosts >= addresses.length + SPARE && addresses.every((each) => holds(network, each)))
      return network;
  }
  return undefined;
}

/** A network for all of them, or for as many as have one in common. */
function serverNetwork(addresses: readonly string[], vips: readonly string[]): Prefix {
  const real = addresses.filter(isReal);
  const groups = new Map<string, string[]>([["all", real]]);
  for (const each of real) {
    const key = String(Prefix.around(Address.parse(each), 16));
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const largest = [...groups.values()].sort((a, b) => b.length - a.length);
  const found = largest.map(cover).find((network) => network !== undefined);
  const free = SPARE_SERVERS.map((cidr) => Prefix.parse(cidr)).find(
    (network) => !vips.some((vip) => network.contains(vip)),
  );
  return found ?? free ?? Prefix.parse("192.168.7.0/24");
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
  let server = serverNetwork(servers, vips);
  // A VIP at the first or last address of a network that is guessed: it must be wider.
  const inside = vips.filter((vip) => server.contains(vip) && isReal(vip));
  if (inside.some((vip) => !holds(server, vip)))
    server = cover([...servers.filter((each) => server.contains(each)), ...inside]) ?? server;
  const plan = new AddressPlan(server, [...servers, ...vips]);
  const moved = new Map<string, string>();
  const move = (address: string, from: number): void => {
    const to = plan.next(from);
    if (to !== undefined) moved.set(address, to);
  };
  for (const each of servers) if (!holds(server, each) && !moved.has(each)) move(each, 11);
  const vipNetworks = new Map<string, Prefix>();
  for (const vip of vips) {
    if (!isReal(vip)) move(vip, 100);
    if (!isReal(vip) || server.contains(vip)) vipNetworks.set(vip, server);
  }
  for (const vip of vips.filter((each) => !vipNetworks.has(each))) {
    const usual = [...known.map((cidr) => Prefix.parse(cidr)), Prefix.around(Address.parse(vip), USUAL)];
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
    vipNetworks.set(vip, usual.find(fits) ?? Prefix.around(Address.parse(vip), Address.parse(vip).bits));
  }
  return {
    serverCidr: String(server),
    clientCidr: clientNetwork(stack, [server, ...vipNetworks.values()]),
    vipNetworks,
    moved,
  };
}

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
