/** The networks in which VIPs lie: vipCidr, and those that `vips` brings. */
import { vip6CidrOf } from "./dualStack";
import { Prefix } from "../lab/address";
import type { Config } from "./schema";

export interface VipNetwork {
  /** The configuration's key that names it. */
  readonly key: string;
  readonly prefix: Prefix;
  /**
   * How the router finds the VIPs: by an address of its own in their network, by the one that it has among the director and
   * the real servers, or, for a single VIP, by a route to it on the server segment.
   */
  readonly by: "address" | "serverAddress" | "route";
}

/** Those of both families. */
export function allVipNetworks(config: Config): [VipNetwork, ...VipNetwork[]] {
  return [...vipNetworks(config), ...vip6Networks(config)];
}

/** Whether a client or the router is on the client segment: not where both are left to machines that nobody here knows. */
export function hasClientSegment({ absent }: Pick<Config, "absent">): boolean {
  return !(absent.has("client") && absent.has("router"));
}

type Networks = Pick<Config, "vipCidr" | "vips" | "serverNetwork">;

/** Those of IPv4, each once, vipCidr first. */
export function vipNetworks(config: Networks): [VipNetwork, ...VipNetwork[]] {
  return withFurther(config, network(config, "vipCidr", config.vipCidr));
}

/** Those of IPv6, each once, that of vip6 first; none in a lab of IPv4 alone. */
export function vip6Networks(config: Config): VipNetwork[] {
  const cidr = vip6CidrOf(config);
  if (cidr === undefined) return [];
  return withFurther(config, network(config, config.vip6Cidr === undefined ? "vip6" : "vip6Cidr", cidr));
}

function network({ serverNetwork: { cidr, cidr6 } }: Networks, key: string, text: string): VipNetwork {
  const prefix = Prefix.parse(text);
  const flat = [cidr, cidr6].includes(String(prefix));
  return { key, prefix, by: flat ? "serverAddress" : prefix.size === 1 ? "route" : "address" };
}

/** With those of its family that `vips` brings. */
function withFurther(config: Networks, first: VipNetwork): [VipNetwork, ...VipNetwork[]] {
  const { family } = first.prefix.network;
  const seen = new Set([String(first.prefix)]);
  const further = config.vips.flatMap((text, at) => {
    const prefix = Prefix.read(text);
    if (prefix?.network.family !== family || seen.has(String(prefix))) return [];
    seen.add(String(prefix));
    return [network(config, `vips[${at}]`, String(prefix))];
  });
  return [first, ...further];
}
