/** Which configuration key each address, MAC address and name of a lab comes from. */
import type { Draft } from "./defaults";
import { directorsOf } from "./directors";
import { familyOf, withoutLength, type Family } from "../lab/address";
import { hostTitle } from "../lab/hosts";
import { guestsOf, type NetworkName } from "../lab/types";
import { hostKeyOf, hostsOf } from "./hosts";
import type { Config } from "./schema";
import { allVipNetworks, vipNetworks } from "./vipNetworks";

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

export function ownedAddresses(config: Config, draft: Draft): OwnedAddress[] {
  const { client, router, clientNetwork, serverNetwork } = config;
  const address = (nic: number, position: number, family: Family = 4) => {
    const own = draft.routers[0].nics[nic]?.addresses.map(withoutLength) ?? [];
    return own.filter((each) => familyOf(each) === family)[position] ?? "";
  };
  const networks = {
    client: { key: "clientNetwork.cidr", cidr: clientNetwork.cidr },
    server: { key: "serverNetwork.cidr", cidr: serverNetwork.cidr },
    client6: { key: "clientNetwork.cidr6", cidr: clientNetwork.cidr6 ?? "" },
    server6: { key: "serverNetwork.cidr6", cidr: serverNetwork.cidr6 ?? "" },
  };
  const one = (
    segment: keyof typeof networks,
    owner: string,
    key: string,
    value: string,
    configured: unknown,
  ): OwnedAddress => ({ network: networks[segment], owner, key, value, explicit: configured !== undefined });
  const isOnSegments = guestsOf(draft).length > 0;
  const onSegments = (address: string): string => (isOnSegments ? address : "");
  return [
    ...hosts("client"),
    one("client", "the router", "router.clientAddress", address(0, 0), router.clientAddress),
    one("client", "the client", "client.address", draft.clients[0].address, client.address),
    ...hosts("server"),
    one("server", "the router", "router.serverAddress", address(1, 0), router.serverAddress),
    ...draft.directors.map((node, index) =>
      one(
        "server",
        `${directorTitle(draft, node)} (DIP)`,
        directorKey(config, index, "address"),
        node.address,
        directorsOf(config)[index]?.address,
      ),
    ),
    ...draft.realServers.map((server, index) =>
      one(
        "server",
        server.name,
        realServerKey(config, index, "address"),
        server.address,
        config.realServers?.[index]?.address,
      ),
    ),
    ...vipNetworks(config)
      .filter(({ by }) => by === "address")
      .map(({ key, prefix }, place) => ({
        network: { key, cidr: String(prefix) },
        owner: "the router",
        key: key === "vipCidr" ? "router.vipAddress" : key,
        value: address(1, 1 + place),
        explicit: key === "vipCidr" && router.vipAddress !== undefined,
      })),
    ...(draft.vip6Cidr === undefined ? [] : addressesOfSix()),
  ];

  function hosts(network: NetworkName): OwnedAddress[] {
    return draft.hosts.map((host, index) => {
      const own = hostsOf(config)[index]?.[`${network}Address`] ?? config[`${network}Network`].hostAddress;
      const key = hostKeyOf(config, index, `${network}Network.hostAddress`);
      return one(network, hostTitle(host), key, onSegments(host.segments[network].hostAddress), own);
    });
  }

  function addressesOfSix(): OwnedAddress[] {
    return [
      one("client6", "the router", "router.clientAddress6", address(0, 0, 6), router.clientAddress6),
      one("client6", "the client", "client.address6", draft.clients[0].address6 ?? "", client.address6),
      one("server6", "the router", "router.serverAddress6", address(1, 0, 6), router.serverAddress6),
      ...draft.directors.map((node, index) =>
        one(
          "server6",
          `${directorTitle(draft, node)} (DIP)`,
          directorKey(config, index, "address6"),
          node.address6 ?? "",
          directorsOf(config)[index]?.address6,
        ),
      ),
      ...draft.realServers.map((server, index) =>
        one(
          "server6",
          server.name,
          realServerKey(config, index, "address6"),
          server.address6 ?? "",
          config.realServers?.[index]?.address6,
        ),
      ),
      ...allVipNetworks(config)
        .filter(({ by, prefix }) => by === "address" && prefix.network.family === 6)
        .map(({ key, prefix }) => ({
          network: { key, cidr: String(prefix) },
          owner: "the router",
          key: "router.vipAddress6",
          value: address(1, 1, 6),
          explicit: router.vipAddress6 !== undefined,
        })),
    ];
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
  const one = (owner: string, key: string, value: string | undefined, configured: unknown): Owned => ({
    owner,
    key,
    value: value ?? "",
    explicit: configured !== undefined,
  });
  return [
    one("the client", "client.mac", draft.clients[0].nics[0]?.mac, client.mac),
    one("the router (eth0)", "router.clientMac", draft.routers[0].nics[0]?.mac, router.clientMac),
    one("the router (eth1)", "router.serverMac", draft.routers[0].nics[1]?.mac, router.serverMac),
    ...draft.directors.map((node, index) =>
      one(
        directorTitle(draft, node),
        directorKey(config, index, "mac"),
        node.nics[0]?.mac,
        directorsOf(config)[index]?.mac,
      ),
    ),
    ...draft.realServers.map((server, index) =>
      one(
        server.name,
        realServerKey(config, index, "mac"),
        server.nics[0]?.mac,
        config.realServers?.[index]?.mac,
      ),
    ),
  ].filter(({ value }) => value !== "");
}

export function ownedNames(config: Config, draft: Draft): Owned[] {
  const one = (owner: string, key: string, value: string): Owned => ({ owner, key, value, explicit: true });
  return [
    ...(config.absent.has("client") ? [] : [one("the client", "client.name", draft.clients[0].name)]),
    ...(config.absent.has("router") ? [] : [one("the router", "router.name", draft.routers[0].name)]),
    ...draft.directors.map((node, index) =>
      one(
        draft.directors.length === 1 ? "the director" : `director ${index + 1}`,
        directorKey(config, index, "name"),
        node.name,
      ),
    ),
    ...draft.realServers.map((server, index) =>
      one(`real server ${index + 1}`, realServerKey(config, index, "name"), server.name),
    ),
  ];
}
