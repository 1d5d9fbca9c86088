/** The IPVS table that ldirectord makes of a configuration while every check passes. */
import { Address } from "../../../../../model/lab/address";
import type { Target } from "../../../../../model/lab/target";
import type { IpvsServer, IpvsService } from "../../../../../model/director/ipvs/table";
import type { LdirectordConf, RealLine, VirtualBlock } from "../../../../../model/director/ldirectord/conf";

export function tableFor(conf: LdirectordConf): IpvsService[] {
  return conf.virtuals.map((block) => serviceFor(conf, block));
}

function serviceFor(conf: LdirectordConf, block: VirtualBlock): IpvsService {
  const { target, family, options } = block;
  const where: Target =
    "fwmark" in target
      ? { mark: target.fwmark, family }
      : {
          protocol: protocolOf(options.protocol, target.port),
          vip: target.address,
          port: target.port,
        };
  const { persistent, netmask } = options;
  const everyone = netmask === (family === 6 ? "128" : "255.255.255.255");
  return {
    ...where,
    scheduler: options.scheduler ?? "wrr",
    flags: options.schedflags?.split(",") ?? [],
    ...(persistent === undefined ? {} : { persistent }),
    ...(persistent === undefined || netmask === undefined || everyone ? {} : { netmask }),
    ops: options.ops === true && where.mark === undefined && where.protocol === "udp",
    servers: serversOf(conf, block),
  };
}

/** Without checks nobody is ever up: the real servers are out or quiescent, and the sorry server is in. */
function serversOf(conf: LdirectordConf, block: VirtualBlock): IpvsServer[] {
  const reals = block.reals.flatMap(expand);
  if (block.options.checktype !== "off") return reals;
  const quiescent = block.options.quiescent ?? conf.options.quiescent === true;
  const fallback = block.fallback ?? (block.family === 6 ? conf.fallback6 : conf.fallback);
  const servicePort = "fwmark" in block.target ? 0 : block.target.port;
  return [
    ...(quiescent ? reals.map((real) => ({ ...real, weight: 0 })) : []),
    ...(fallback
      ? [
          {
            address: fallback.address,
            port: fallback.port ?? servicePort,
            forward: fallback.forward ?? "gate",
            weight: 1,
          } as const,
        ]
      : []),
  ];
}

/** ldirectord takes udp for port 53, else tcp, where nothing is said. */
export function protocolOf(protocol: string | undefined, port: number): "tcp" | "udp" {
  if (protocol === "tcp" || protocol === "udp") return protocol;
  return port === 53 ? "udp" : "tcp";
}

function expand({ address, to, port = 0, forward, weight }: RealLine): IpvsServer[] {
  const server = { port, forward, weight };
  if (to === undefined) return [{ address, ...server }];
  const first = Address.parse(address);
  return Array.from({ length: Number(Address.parse(to).value - first.value) + 1 }, (_unused, index) => ({
    address: String(first.plus(index)),
    ...server,
  }));
}
