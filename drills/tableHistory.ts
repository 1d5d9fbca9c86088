/** The kernel's IPVS table over time, as guest/table.pl tells it. */
import { Address, endpoint } from "../model/lab/address";
import { expectedTable, type IpvsService } from "../model/director/ipvs/table";
import { serviceKey } from "../model/lab/target";
import type { Lab } from "../model/lab/types";

/** Weight by server ("192.168.7.10:80") of the lab's main service; undefined while the service itself is missing. */
export type Weights = ReadonlyMap<string, number> | undefined;

export interface TableState {
  /** Seconds since the run began. */
  readonly t: number;
  readonly weights: Weights;
}

/** "C0A8070A:0050" → "192.168.7.10:80", "[fd00:0007:0000:…:0010]:0050" → "[fd00:7::10]:80". */
export function readEndpoint(hex: string): string {
  const [, six, port] = /^\[([0-9a-f:]+)\]:([0-9A-Fa-f]{4})$/.exec(hex) ?? [];
  if (six !== undefined && port !== undefined)
    return endpoint(String(Address.parse(six)), parseInt(port, 16));
  const match = /^([0-9A-F]{8}):([0-9A-F]{4})$/.exec(hex);
  if (match?.[1] === undefined || match[2] === undefined) return hex;
  const bytes = match[1].match(/../g) ?? [];
  return `${bytes.map((byte) => parseInt(byte, 16)).join(".")}:${parseInt(match[2], 16)}`;
}

/** A service as it stands in /proc/net/ip_vs, by its key: "TCP C0A80764:0050" or "FWM 00000050". */
function keyOf(kind: string, target: string): string {
  return kind === "FWM" ? `fwm ${parseInt(target, 16)}` : `${kind.toLowerCase()} ${readEndpoint(target)}`;
}

/** Reads the joined lines of /proc/net/ip_vs: the servers of the service with that key. */
export function readTable(text: string, service: string): Weights {
  const [name = service, six] = service.split(" -6");
  const found: Map<string, number>[] = [];
  let inside = false;
  for (const line of text.split("|")) {
    const [first = "", second = "", , weight] = line.trim().split(" ");
    if (first === "->") {
      if (inside) found.at(-1)?.set(readEndpoint(second), Number(weight));
    } else {
      inside = keyOf(first, second) === name;
      if (inside) found.push(new Map());
    }
  }
  // A mark's two services are told by their servers alone there: of one without, by those of the other.
  const isOther = (weights: Map<string, number>): boolean =>
    [...weights.keys()].some((server) => server.startsWith("[") !== (six !== undefined));
  return found.length < 2 ? found[0] : found.find((each) => !isOther(each));
}

/** As `ipvsadm -Ln` shows it, on one line. */
export function showWeights(weights: Weights): string {
  if (weights === undefined) return "no service";
  if (weights.size === 0) return "no server";
  return [...weights].map(([server, weight]) => `${server} weight ${weight}`).join(", ");
}

export class TableHistory {
  private readonly states: TableState[] = [];
  private waiting: (() => void)[] = [];
  private readonly expected: ReadonlyMap<string, number>;
  readonly serviceKey: string;

  constructor(lab: Lab) {
    const [main] = expectedTable(lab) as [IpvsService];
    this.serviceKey = serviceKey(main);
    this.expected = new Map(
      main.servers.map(({ address, port, weight }) => [endpoint(address, port), weight]),
    );
  }

  add(t: number, text: string): Weights {
    const weights = readTable(text, this.serviceKey);
    // The watcher also tells of other services' changes, and of itself when it starts anew.
    if (this.states.length === 0 || showWeights(weights) !== showWeights(this.latest)) {
      this.states.push({ t, weights });
    }
    for (const wake of this.waiting.splice(0)) wake();
    return weights;
  }

  get latest(): Weights {
    return this.states.at(-1)?.weights;
  }

  /** How often the table has changed after that time. */
  changesSince(since: number): number {
    return this.states.filter(({ t }) => t > since).length;
  }

  /** Whether the table is the configuration's: each server with its weight, no sorry server. */
  isAsExpected = (weights: Weights): boolean =>
    weights !== undefined &&
    weights.size === this.expected.size &&
    [...this.expected].every(([server, weight]) => weights.get(server) === weight);

  /** How often a server that belongs in the table left it, or got weight 0, between two times. */
  ejections(from: number, to: number): number {
    const serves = (weights: Weights, server: string): boolean => (weights?.get(server) ?? 0) > 0;
    return this.states.reduce((sum, { t, weights }, i) => {
      if (t <= from || t >= to) return sum;
      const before = this.states[i - 1]?.weights;
      const left = [...this.expected.keys()].filter((each) => serves(before, each) && !serves(weights, each));
      return sum + left.length;
    }, 0);
  }

  /** When `holds` first became true at or after `since`; undefined while it has not. */
  firstTime(holds: (weights: Weights) => boolean, since: number): number | undefined {
    for (let i = 0; i < this.states.length; i++) {
      const { t, weights } = this.states[i] as TableState;
      const until = this.states[i + 1]?.t ?? Infinity;
      if (until > since && holds(weights)) return Math.max(t, since);
    }
    return undefined;
  }

  /** Resolves at the next word from the watcher. */
  nextWord(): Promise<void> {
    return new Promise((done) => this.waiting.push(done));
  }
}
