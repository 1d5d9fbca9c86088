/** The address of every node, of each family: as configured, or by the host parts of the article's lab. */
import { Prefix, withLength, withoutLength } from "../lab/address";
import type { NetworkName } from "../lab/types";
import { AddressPlan } from "./addressPlan";
import { directorsOf, type DirectorDraft } from "./directors";
import { addressByRule, sixNetworks } from "./dualStack";
import { hostsOf, NO_ADDRESS } from "./hosts";
import type { Config } from "./schema";
import { given } from "./serviceDefaults";
import { vip6Networks, vipNetworks, type VipNetwork } from "./vipNetworks";

/** Where a node is on a segment. */
export interface Place {
  readonly address: string;
  /** Absent in a lab of IPv4 alone. */
  readonly address6?: string;
}

/** A real server as configured, with its name and addresses. */
export type RealServerDraft = NonNullable<Config["realServers"]>[number] & { readonly name: string } & Place;

/** Names that end in a higher number have their addresses by position: they always had, and an address stays. */
const HIGHEST_NUMBER = 64;

export interface Addresses {
  /** Of the host with the ordinal 0. */
  readonly hosts: Readonly<Record<NetworkName, string>>;
  readonly client: Place;
  readonly router: Readonly<Record<NetworkName, Place>>;
  /** All of the router's on the server segment, in CIDR form: without one in a VIP's network it could not ask there who has it. */
  readonly routerOnServer: readonly string[];
  readonly directors: readonly (DirectorDraft & Place)[];
  readonly realServers: readonly RealServerDraft[];
  readonly vip: string;
  readonly vip6?: string | undefined;
  /** What is left. */
  readonly free: Readonly<Record<NetworkName, { readonly prefix: Prefix; readonly plan: Plan }>>;
  /** In CIDR form, of each family where there is one. */
  readonly inNetwork: (segment: NetworkName, place: Place) => string[];
}

export function resolveAddresses(config: Config): Addresses {
  const { client, router, clientNetwork, serverNetwork } = config;
  const [vipNetwork, ...moreVipNetworks] = vipNetworks(config);
  const four = {
    client: Prefix.parse(clientNetwork.cidr),
    server: Prefix.parse(serverNetwork.cidr),
    vip: vipNetwork.prefix,
  };
  const six = sixNetworks(config);
  const sixOf = (at: keyof typeof four, address: string, own: string | undefined): string | undefined =>
    six && (own ?? addressByRule(address, four[at], six[at]));
  const place = (at: NetworkName, address: string, own?: string): Place =>
    given({ address, address6: sixOf(at, address, own) }) as Place;

  const hosts = hostsOf(config);
  const directors = directorsOf(config);
  const listed = config.realServers ?? standardServers(config.realServerCount ?? 2);
  const named = listed.map((server, index) => ({ ...server, name: server.name ?? `rs${index + 1}` }));
  const vips = [config.vip, ...config.vips.map(withoutLength), ...config.services.map((each) => each.vip)];
  const onClient = planFor(four.client, [
    clientNetwork.hostAddress,
    ...hosts.map(({ clientAddress }) => clientAddress),
    router.clientAddress,
    ...(client.network === "client" ? [client.address] : []),
  ]);
  const onServer = planFor(four.server, [
    serverNetwork.hostAddress,
    ...hosts.map(({ serverAddress }) => serverAddress),
    router.serverAddress,
    ...(client.network === "server" ? [client.address] : []),
    ...[...directors, ...listed].map(({ address }) => address),
    ...vips,
  ]);
  const onVip =
    vipNetwork.by === "serverAddress" ? onServer : planFor(four.vip, [...vips, router.vipAddress]);

  const first = hosts.find(({ ordinal }) => ordinal === 0);
  const hostAddresses = {
    client: first?.clientAddress ?? clientNetwork.hostAddress ?? onClient.fixed(1),
    server: first?.serverAddress ?? serverNetwork.hostAddress ?? onServer.fixed(1),
  };
  const routerPlaces = {
    client: place("client", router.clientAddress ?? onClient.fixed(7 * 256 + 200), router.clientAddress6),
    server: place("server", router.serverAddress ?? onServer.fixed(200), router.serverAddress6),
  };
  const clientAddress =
    client.address ?? (client.network === "client" ? onClient.fixed(7 * 256 + 70) : onServer.fixed(70));
  // Below the first one's, where no real server has its default.
  const directorAddresses = directors.map(({ address }, index) => address ?? onServer.fixed(30 - index));
  // The host, the router, the directors and perhaps the client have an address too.
  const others = 2 + directors.length + (client.network === "server" ? 1 : 0);
  const addresses = serverAddresses(named, onServer, four.server.hosts - others);
  const vip = config.vip ?? onVip.fixed(100);
  const routerVip = vipNetwork.by === "address" ? (router.vipAddress ?? onVip.fixed(200)) : undefined;
  // Among further VIPs there is no key for the router's address: there it gives way to all of them.
  const amongFurther = (networks: readonly VipNetwork[], hostPart: number): string[] =>
    networks.flatMap(({ by, prefix }) =>
      by === "address" ? [withLength(planFor(prefix, vips).next(hostPart), prefix.length)] : [],
    );
  // That of a router without an address among the VIPs of IPv4 is by the one that it would have.
  const routerVip6 = sixOf("vip", routerVip ?? routerPlaces.server.address, router.vipAddress6);
  const sixIsFlat = six?.vip.toString() === six?.server.toString();
  const inNetwork: Addresses["inNetwork"] = (segment, { address, address6 }) => [
    withLength(address, four[segment].length),
    ...(six && address6 !== undefined ? [withLength(address6, six[segment].length)] : []),
  ];
  const [onServerFour = "", ...onServerSix] = inNetwork("server", routerPlaces.server);
  return {
    hosts: hostAddresses,
    client: place(client.network, clientAddress, client.address6),
    router: routerPlaces,
    routerOnServer: [
      onServerFour,
      ...(routerVip === undefined ? [] : [withLength(routerVip, four.vip.length)]),
      ...amongFurther(moreVipNetworks, 200),
      ...onServerSix,
      ...(six && routerVip6 !== undefined && !sixIsFlat ? [withLength(routerVip6, six.vip.length)] : []),
      ...(six ? amongFurther(vip6Networks(config).slice(1), 0x200) : []),
    ],
    directors: directors.map((each, index) => ({
      ...each,
      ...place("server", directorAddresses[index] ?? NO_ADDRESS, each.address6),
    })),
    realServers: named.map((each, index) => ({
      ...each,
      ...place("server", addresses[index] ?? NO_ADDRESS, each.address6),
    })),
    vip,
    vip6: sixOf("vip", vip, config.vip6),
    free: {
      client: { prefix: four.client, plan: onClient },
      server: { prefix: four.server, plan: onServer },
    },
    inNetwork,
  };
}

type Plan = { [K in "fixed" | "next"]: (hostPart: number) => string };

function planFor(prefix: Prefix, taken: readonly (string | undefined)[]): Plan {
  const plan = new AddressPlan(
    prefix,
    taken.filter((address) => address !== undefined),
  );
  return {
    fixed: (hostPart) => plan.fixed(hostPart) ?? NO_ADDRESS,
    next: (hostPart) => plan.next(hostPart) ?? NO_ADDRESS,
  };
}

/**
 * Each real server's address, or a default: by the number in which its name ends, so that it keeps it when another server
 * goes. By its position where not each name has a number of its own, or the network no room for so many.
 * @param room addresses that all real servers together can have
 */
function serverAddresses(
  servers: readonly { readonly name: string; readonly address?: string | undefined }[],
  plan: Plan,
  room: number,
): string[] {
  // The article's two end in .10 and .20; more follow the director's .30, wherever there is room.
  const standard = (place: number): string => (place <= 2 ? plan.fixed(10 * place) : plan.next(28 + place));
  const explicit = servers.filter(({ address }) => address !== undefined).length;
  const highest = Math.min(HIGHEST_NUMBER, room - explicit);
  const numbers = servers.map(({ name }) => Number(/\d+$/.exec(name)?.[0]));
  const numbered =
    new Set(numbers).size === numbers.length && numbers.every((number) => number >= 1 && number <= highest);
  if (!numbered) return servers.map(({ address }, index) => address ?? standard(index + 1));
  // Of those that are not there too: whether they are must make no difference.
  const all = Array.from({ length: Math.max(...numbers) }, (_unused, index) => standard(index + 1));
  return servers.map(({ address }, index) => address ?? all[(numbers[index] ?? 0) - 1] ?? NO_ADDRESS);
}

/** The article's weights are 1 and 3; further servers count 1. */
function standardServers(count: number): NonNullable<Config["realServers"]> {
  return Array.from({ length: count }, (_unused, index) => ({ weight: index === 1 ? 3 : 1, drain: false }));
}
