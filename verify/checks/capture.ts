/** Packet captures in guests: started and known to listen before the traffic, stopped when enough was seen. */
import { randomBytes } from "node:crypto";
import type { Family } from "../../model/lab/address";
import type { Shell } from "../../lib/ssh";

export interface Frame {
  /** Seconds since 1970 by the guest's clock. */
  readonly time: number;
  readonly fromMac: string;
  readonly toMac: string;
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
  /** tcpdump's flags: S, S., ., P., F. … */
  readonly flags: string;
}

/** A packet of ARP, or what NDP has in its place: a neighbour solicitation, or an advertisement. */
export interface ArpFrame {
  readonly fromMac: string;
  readonly kind: "request" | "reply";
  /** The address that is asked for, or said to be at `fromMac`. */
  readonly address: string;
  /** Who asks; "" in a reply. */
  readonly tell: string;
}

const TCP =
  /^([\d.]+) ([0-9a-f:]{17}) > ([0-9a-f:]{17}), .*?: ([0-9a-f.:]+)\.(\d+) > ([0-9a-f.:]+)\.(\d+): Flags \[([^\]]*)\]/;
const ARP_REQUEST = /^[\d.]+ ([0-9a-f:]{17}) > .*Request who-has (\S+?)(?: \(\S+\))? tell (\S+),/;
const ARP_REPLY = /^[\d.]+ ([0-9a-f:]{17}) > .*Reply (\S+) is-at /;
const SOLICITATION =
  /^[\d.]+ ([0-9a-f:]{17}) > .*: (\S+) > \S+: ICMP6, neighbor solicitation, who has ([0-9a-f:]+)/;
const ADVERTISEMENT = /^[\d.]+ ([0-9a-f:]{17}) > .*ICMP6, neighbor advertisement, tgt is ([0-9a-f:]+)/;

/** What tcpdump takes for the packets by which nodes find each other's MAC addresses. */
export const RESOLUTION: Readonly<Record<Family, string>> = {
  4: "arp",
  6: "(icmp6 and (ip6[40] == 135 or ip6[40] == 136))",
};

/** Reads `tcpdump -nn -e -tt`: its lines of TCP, of ARP and of NDP. */
export function parseCapture(text: string): { frames: Frame[]; arp: ArpFrame[] } {
  const frames: Frame[] = [];
  const arp: ArpFrame[] = [];
  for (const line of text.split("\n")) {
    const tcp = TCP.exec(line);
    if (tcp) {
      const [, time, fromMac = "", toMac = "", from = "", fromPort, to = "", toPort, flags = ""] = tcp;
      frames.push({
        time: Number(time),
        fromMac,
        toMac,
        from,
        fromPort: Number(fromPort),
        to,
        toPort: Number(toPort),
        flags,
      });
      continue;
    }
    const [, asker, wanted = "", tell = ""] = ARP_REQUEST.exec(line) ?? [];
    const [, solicitor, from = "", sought = ""] = SOLICITATION.exec(line) ?? [];
    const [, owner, address = ""] = ARP_REPLY.exec(line) ?? ADVERTISEMENT.exec(line) ?? [];
    if (asker !== undefined) arp.push({ fromMac: asker, kind: "request", address: wanted, tell });
    else if (solicitor !== undefined)
      arp.push({ fromMac: solicitor, kind: "request", address: sought, tell: from });
    else if (owner !== undefined) arp.push({ fromMac: owner, kind: "reply", address, tell: "" });
  }
  return { frames, arp };
}

/** Seconds after which a capture ends by itself, whatever became of us. */
const LIMIT = 40;

/** Bytes of a packet that are kept. The kernel's buffer has slots of that size: of whole packets it takes a few dozen, and drops the rest. */
const HEADERS = 256;

/** A capture under way in one guest. */
export class Capture {
  private readonly file = `/run/lvs-dr-capture-${randomBytes(4).toString("hex")}`;

  constructor(
    private readonly shell: Shell,
    readonly node: string,
    readonly device: string,
    readonly filter: string,
  ) {}

  /** What a person would type. */
  get command(): string {
    return `tcpdump -p -nn -e -i ${this.device} '${this.filter}'`;
  }

  /** Returns when packets are being captured. -p: only what reaches this guest anyway. */
  async start(): Promise<void> {
    const { file, device, filter } = this;
    const { code, stderr } = await this.shell.run(this.node, "bash -s", {
      stdin: `
setsid timeout -s INT ${LIMIT} tcpdump -p -l --immediate-mode -s ${HEADERS} -nn -e -tt -i ${device} '${filter}' >${file} 2>${file}.err </dev/null &
echo $! >${file}.pid
for ((i = 0; i < 100; i++)); do
  [[ $(<${file}.err) == *"listening on"* ]] && exit 0
  kill -0 $! || break
  sleep 0.1
done
cat ${file}.err >&2
rm -f ${file}*
exit 1
`,
      timeout: 20,
    });
    if (code !== 0) throw new Error(`${this.node}: no capture on ${device}: ${stderr}`);
  }

  /**
   * Ends the capture, as soon as it has that many TCP packets and no more come, or after three seconds, and removes its traces.
   * ARP and NDP do not count: many real servers ask for many neighbours.
   */
  async stop(packets: number): Promise<string> {
    const { file } = this;
    const { stdout } = await this.shell.run(this.node, "bash -s", {
      stdin: `
before=-1
for ((i = 0; i < 20; i++)); do
  seen=$(grep -c 'Flags \\[' ${file})
  ((seen >= ${packets} && (seen == before || ${packets} == 0))) && break
  before=$seen
  sleep 0.15
done
kill -INT "$(<${file}.pid)" 2>/dev/null
cat ${file}
rm -f ${file} ${file}.*
`,
      timeout: 20,
    });
    return stdout;
  }
}
