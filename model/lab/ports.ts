/** The ports that a service has at its VIP: one, or a group of them by firewall mark. */
import type { VirtualService } from "./types";

/** Both ends are in it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const ALL = { first: 1, last: 65535 };
export const ALL_PORTS: readonly PortRange[] = [ALL];

export function areAllPorts([only]: readonly PortRange[]): boolean {
  return only?.first === ALL.first && only.last === ALL.last;
}

/** "80" or "30000-30099"; undefined where it is neither. */
export function readPorts(text: string): PortRange | undefined {
  const match = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text);
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  return first <= last && last <= 65535 ? { first, last } : undefined;
}

export function portsText({ first, last }: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

export function overlap(one: PortRange, other: PortRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}

/** Those that stand alone in a group: a range is for connections that another one has agreed on, as FTP's data. */
export function singlePorts(ports: readonly PortRange[]): number[] {
  return ports.flatMap(({ first, last }) => (first === last ? [first] : []));
}

/** The ports where clients come to. */
export function portsOf(service: VirtualService): readonly PortRange[] {
  return service.mark === undefined ? [{ first: service.port, last: service.port }] : service.ports;
}

/** Ports of a service where programs listen: of all ports, or of a range, only the one that is asked. */
export function listenedPorts(service: VirtualService): readonly number[] {
  return [...new Set([service.port, ...singlePorts(portsOf(service))])];
}
