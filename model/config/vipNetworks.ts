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
  const cidr = vip6CidrOf(config);
  if (cidr === undefined) return vipNetworks(config);
  const by = cidr === config.serverNetwork.cidr6 ? "serverAddress" : "address";
  const key = config.vip6Cidr === undefined ? "vip6" : "vip6Cidr";
  return [...vipNetworks(config), { key, prefix: Prefix.parse(cidr), by }];
}

type Networks = Pick<Config, "vipCidr" | "vips" | "serverNetwork">;

/** Each once, vipCidr first. */
export function vipNetworks({ vipCidr, vips, serverNetwork }: Networks): [VipNetwork, ...VipNetwork[]] {
  const network = (key: string, prefix: Prefix): VipNetwork => {
    const flat = String(prefix) === serverNetwork.cidr;
    return { key, prefix, by: flat ? "serverAddress" : prefix.size === 1 ? "route" : "address" };
  };
  const first = network("vipCidr", Prefix.parse(vipCidr));
  const seen = new Set([vipCidr]);
  const more = vips.flatMap((text, at) => {
    const prefix = Prefix.read(text);
    if (prefix === undefined || seen.has(String(prefix))) return [];
    seen.add(String(prefix));
    return [network(`vips[${at}]`, prefix)];
  });
  return [first, ...more];
}
