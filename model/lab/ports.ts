/** The ports that a group of them (a service by firewall mark) has at its VIP. */

/** Both ends are in it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export const ALL_PORTS: readonly PortRange[] = [{ first: 1, last: 65535 }];

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
