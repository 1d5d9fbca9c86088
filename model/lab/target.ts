/** What IPVS knows a virtual service by: a VIP's port, or whatever bears a firewall mark. */
import { endpoint, type Family } from "./address";
import { areAllPorts, portsText, type PortRange } from "./ports";

export interface EndpointTarget {
  readonly mark?: undefined;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly vip: string;
  readonly port: number;
}

export interface MarkTarget {
  readonly mark: number;
  /** A mark is two services, one a family: an address shows its family itself. */
  readonly family: Family;
}

export type Target = EndpointTarget | MarkTarget;

/** "tcp 10.0.0.100:80", "fwm 7", "fwm 7 -6": identifies a service in tables and messages. */
export function serviceKey(target: Target): string {
  return target.mark === undefined
    ? `${target.protocol} ${endpoint(target.vip, target.port)}`
    : `fwm ${markOf(target)}`;
}

/** "10.0.0.100:80/tcp", "10.0.0.100:80,443/tcp by mark 80": a service as people read it. */
export function serviceTitle(service: {
  readonly protocol: EndpointTarget["protocol"];
  readonly vip: string;
  readonly port: number;
  readonly mark?: number | undefined;
  readonly ports?: readonly PortRange[];
}): string {
  const { vip, port, protocol, mark, ports = [] } = service;
  if (mark === undefined) return `${endpoint(vip, port)}/${protocol}`;
  return `${endpoint(vip)}:${areAllPorts(ports) ? "all" : ports.map(portsText).join(",")}/${protocol} by mark ${mark}`;
}

const OPTION = { tcp: "-t", udp: "-u", sctp: "--sctp-service" } as const;

/** "-t 10.0.0.100:80", "-f 7 -6": the same as ipvsadm's arguments. */
export function targetArguments(target: Target): string {
  return target.mark === undefined
    ? `${OPTION[target.protocol]} ${endpoint(target.vip, target.port)}`
    : `-f ${markOf(target)}`;
}

function markOf({ mark, family }: MarkTarget): string {
  return `${mark}${family === 6 ? " -6" : ""}`;
}
