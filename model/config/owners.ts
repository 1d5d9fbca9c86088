/** Which configuration key each address, MAC address and name of a lab comes from. */
import type { Draft } from "./defaults";
import { directorsOf } from "./directors";
import { familyOf, withoutLength, type Family } from "../lab/address";
import { hostTitle } from "../lab/hosts";
import { addressOf, guestsOf, type LabNode, type NetworkName } from "../lab/types";
import { hostKeyOf, hostsOf } from "./hosts";
import type { Config } from "./schema";
import { allVipNetworks } from "./vipNetworks";

export interface Owned {
  /** What has it, in the field's words: "the VIP", "the director (DIP)", "rs1". */
  readonly owner: string;
  readonly key: string;
  readonly value: string;
  /** Whether the value was configured rather than derived. */
  readonly explicit: boolean;
}

export interface OwnedAddress extends Owned {
  /** The network in which it must be, by its key. */
  readonly network: { readonly key: string; readonly cidr: string };
}

/** Key of a real server's field; a server that is only counted has none of its own. */
export function realServerKey(config: Config, index: number, field: string): string {
  if (config.realServers !== undefined) return `realServers[${index}].${field}`;
  return config.realServerCount === undefined ? "realServers" : "realServerCount";
}

/** Key of a director's field, in the form in which it is configured. */
export function directorKey({ directors }: Config, index: number, field: string): string {
  return directors === undefined ? `director.${field}` : `directors[${index}].${field}`;
}

/** "the director", or of two its name. */
export function directorTitle({ directors }: Draft, { name }: { readonly name: string }): string {
  return directors.length === 1 ? "the director" : name;
}

type Field = "address" | "address6" | "mac";

/** What each director and real server has of a field. */
function ofListed(config: Config, draft: Draft, field: Field): Owned[] {
  const valueOf = (node: LabNode): string => (field === "mac" ? node.nics[0]?.mac : node[field]) ?? "";
  return [
    ...draft.directors.map((node, index) => ({
      owner: `${directorTitle(draft, node)}${field === "mac" ? "" : " (DIP)"}`,
      key: directorKey(config, index, field),
      value: valueOf(node),
      explicit: directorsOf(config)[index]?.[field] !== undefined,
    })),
    ...draft.realServers.map((node, index) => ({
      owner: node.name,
      key: realServerKey(config, index, field),
      value: valueOf(node),
      explicit: config.realServers?.[index]?.[field] !== undefined,
    })),
  ];
}

export function ownedAddresses(config: Config, draft: Draft): OwnedAddress[] {
  return [...addressesOf(4), ...(draft.vip6Cidr === undefined ? [] : addressesOf(6))];

  function addressesOf(family: Family): OwnedAddress[] {
    const { client, router } = config;
    const suffix = family === 6 ? "6" : "";
    const networkOf = (segment: NetworkName): OwnedAddress["network"] => ({
      key: `${segment}Network.cidr${suffix}`,
      cidr: config[`${segment}Network`][`cidr${suffix}`] ?? "",
    });
    const ofRouter = (key: `${NetworkName | "vip"}Address`, value = ""): Owned => ({
      owner: "the router",
      key: `router.${key}${suffix}`,
      value,
      explicit: router[`${key}${suffix}`] !== undefined,
    });
    const [onClient = [], onServer = []] = draft.routers[0].nics.map(({ addresses }) =>
      addresses.map(withoutLength).filter((each) => familyOf(each) === family),
    );
    const theClient: Owned = {
      owner: "the client",
      key: `client.address${suffix}`,
      value: addressOf(draft.clients[0], family) ?? "",
      explicit: client[`address${suffix}`] !== undefined,
    };
    const ofClient = (segment: NetworkName): Owned[] => (client.network === segment ? [theClient] : []);
    const on = (segment: NetworkName, ...owned: readonly Owned[]): OwnedAddress[] =>
      [...(family === 4 ? hosts(segment) : []), ...owned].map((each) => ({
        network: networkOf(segment),
        ...each,
      }));
    return [
      ...on("client", ofRouter("clientAddress", onClient[0]), ...ofClient("client")),
      ...on(
        "server",
        ofRouter("serverAddress", onServer[0]),
        ...ofClient("server"),
        ...ofListed(config, draft, `address${suffix}`),
      ),
      ...allVipNetworks(config)
        .filter(({ by, prefix }) => by === "address" && prefix.network.family === family)
        .map(({ key, prefix }, place) => ({
          network: { key, cidr: String(prefix) },
          ...ofRouter("vipAddress", onServer[1 + place]),
          // Among further VIPs it has none that could be configured.
          ...(/^vips/.test(key) && { key, explicit: false }),
        })),
    ];
  }

  function hosts(network: NetworkName): Owned[] {
    const isOnSegments = guestsOf(draft).length > 0;
    return draft.hosts.map((host, index) => {
      const own = hostsOf(config)[index]?.[`${network}Address`] ?? config[`${network}Network`].hostAddress;
      return {
        owner: hostTitle(host),
        key: hostKeyOf(config, index, `${network}Network.hostAddress`),
        value: isOnSegments ? host.segments[network].hostAddress : "",
        explicit: own !== undefined,
      };
    });
  }
}

export interface OwnedVip extends Owned {
  /** Position in the lab's services. */
  readonly service: number;
}

/** Each service's VIP once; services that share the main one's are not named. */
export function ownedVips(config: Config, draft: Draft): OwnedVip[] {
  const seen = new Set<string>();
  return draft.services.flatMap((service, index) => {
    if (seen.has(service.vip)) return [];
    seen.add(service.vip);
    const configured = config.services.findIndex((each) => each.vip === service.vip);
    const inherited = familyOf(service.vip) === 6 ? "vip6" : "vip";
    const key = configured < 0 ? inherited : `services[${configured}].vip`;
    const explicit = configured >= 0 || config[inherited] !== undefined;
    return [
      {
        owner: index === 0 || configured < 0 ? "the VIP" : `the VIP of ${service.name}`,
        key,
        value: service.vip,
        explicit,
        service: index,
      },
    ];
  });
}

/** A machine keeps its own. */
export function ownedMacs(config: Config, draft: Draft): Owned[] {
  const { client, router } = config;
  const [onClient, onServer] = draft.routers[0].nics;
  const one = (owner: string, key: string, value = "", configured?: string): Owned => ({
    owner,
    key,
    value,
    explicit: configured !== undefined,
  });
  return [
    one("the client", "client.mac", draft.clients[0].nics[0]?.mac, client.mac),
    one("the router (eth0)", "router.clientMac", onClient?.mac, router.clientMac),
    one("the router (eth1)", "router.serverMac", onServer?.mac, router.serverMac),
    ...ofListed(config, draft, "mac"),
  ].filter(({ value }) => value !== "");
}

export function ownedNames(config: Config, { clients, routers, directors, realServers }: Draft): Owned[] {
  const one = (owner: string, key: string, { name }: LabNode): Owned => ({
    owner,
    key,
    value: name,
    explicit: true,
  });
  const title = (index: number): string =>
    directors.length === 1 ? "the director" : `director ${index + 1}`;
  return [
    ...(config.absent.has("client") ? [] : [one("the client", "client.name", clients[0])]),
    ...(config.absent.has("router") ? [] : [one("the router", "router.name", routers[0])]),
    ...directors.map((node, at) => one(title(at), directorKey(config, at, "name"), node)),
    ...realServers.map((node, at) => one(`real server ${at + 1}`, realServerKey(config, at, "name"), node)),
  ];
}
