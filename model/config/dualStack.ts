/** What a configuration says of IPv6: which networks there are, and which address each node has where none is given. */
import { Address, familyOf, Prefix, type Family } from "../lab/address";
import type { Config } from "./schema";
import type { RealServerEntry, VirtualService } from "../lab/types";

export interface SixNetworks {
  readonly client: Prefix;
  readonly server: Prefix;
  readonly vip: Prefix;
}

/** The VIPs' network: as configured, or the /64 that the VIP is in. */
export function vip6CidrOf({ vip6, vip6Cidr }: Pick<Config, "vip6" | "vip6Cidr">): string | undefined {
  return vip6Cidr ?? (vip6 === undefined ? undefined : String(Prefix.around(Address.parse(vip6), 64)));
}

/** Undefined in a lab of IPv4 alone, and where one of the three is missing, which the invariants refuse. */
export function sixNetworks(config: Config): SixNetworks | undefined {
  const [client, server, vip] = [
    config.clientNetwork.cidr6,
    config.serverNetwork.cidr6,
    vip6CidrOf(config),
  ].map((cidr) => (cidr === undefined ? undefined : Prefix.parse(cidr)));
  return client && server && vip && { client, server, vip };
}

/**
 * The address of a node by rule: the octets of its IPv4 address that are its own are the last groups of its IPv6 address, digit for digit.
 * 192.168.7.10/24 in fd00:7::/64 is fd00:7::10, and 172.18.7.70/16 in fd00:18::/64 is fd00:18::7:70.
 */
export function addressByRule(address: string, network: Prefix, six: Prefix): string {
  // An address alone has no host part: its last octet stands for one.
  const own = address.split(".").slice(Math.min(3, Math.floor(network.length / 8)));
  const host = own.reduce((sum, octet) => sum * 65536n + BigInt(`0x${octet}`), 0n);
  return String(six.network.plus(host));
}

/** A service as it is at its VIP: of IPv6, its real servers have their addresses of that family, and what belongs to them. */
export function inFamilyOfVip(
  service: VirtualService,
  addresses: ReadonlyMap<string, string>,
  { prefixLength, sorry }: { readonly prefixLength: number; readonly sorry: string | undefined },
): VirtualService {
  const family: Family = familyOf(service.vip);
  if (family === 4) return service;
  const former = service.sorry;
  const instead = sorry ?? addresses.get(former?.address ?? "");
  return {
    ...ofAnyFamily(service),
    ...(service.mark === undefined ? {} : { family }),
    ...(service.persistent === undefined || prefixLength === 128 ? {} : { netmask: String(prefixLength) }),
    realServers: service.realServers.map((server): RealServerEntry => ({
      ...server,
      address: addresses.get(server.address) ?? server.address,
    })),
    ...(former === undefined || instead === undefined ? {} : { sorry: { ...former, address: instead } }),
  } as VirtualService;
}

function ofAnyFamily({
  netmask: _netmask,
  sorry: _sorry,
  ...others
}: VirtualService): Omit<VirtualService, "netmask" | "sorry"> {
  return others;
}
