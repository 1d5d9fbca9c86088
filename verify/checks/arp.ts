/** Who answers "who has the VIP?": on the server segment, asked from the router, from a client that is there, and from the host, the director alone. */
import { exec } from "../../lib/process";
import { ARPING, parseArping, whoHas } from "../../health/arping";
import { vipMac } from "../../model/director/vipHolder";
import { familyOf, hostPrefix } from "../../model/lab/address";
import { labAt } from "../../model/lab/hosts";
import { isOnServerSegment, lastHop } from "../../model/lab/lastHop";
import { guestsOf, labNodes, nicOn, vipsOf, type Lab, type LabNode } from "../../model/lab/types";
import { proxyArpRepair } from "./hazards";
import { RESOLUTION } from "./capture";
import { judge, noneOfTheLab, skipped, type CheckContext, type Finding, type Probe } from "./check";

/** MAC of a node's NIC on the server segment. */
export function serverMac(node: LabNode): string {
  return nicOn(node, "server").mac;
}

/** "director 52:54:…", or the bare MAC when it is nobody's. */
export function macOwner(lab: Lab, mac: string): string {
  const owner = labNodes(lab).find((node) => node.nics.some((nic) => nic.mac === mac));
  const name =
    owner?.name ?? (vipsOf(lab).some((vip) => mac === vipMac(lab, vip)) ? lab.directors[0].name : "unknown");
  return `${name} ${mac}`;
}

const protocolOf = (vip: string): "ARP" | "NDP" => (familyOf(vip) === 6 ? "NDP" : "ARP");

interface AskedWho {
  readonly from: string;
  readonly where: string;
  readonly command: string;
  /** What {@link parseArping} reads. */
  readonly text: string;
}

export function judgeArp(lab: Lab, vip: string, asked: AskedWho): Finding {
  const macs = parseArping(asked.text);
  const six = familyOf(vip) === 6;
  const director = vipMac(lab, vip);
  const others = macs.filter((mac) => mac !== director);
  const leaks = others.map((mac) => macOwner(lab, mac));
  // Who asks has no VIP to keep quiet about.
  const proxy = askers(lab).find((node) => others.includes(serverMac(node)));
  const forget = `ip neigh flush to ${vip} on ${lastHop(lab).name}`;
  const fix =
    proxy !== undefined
      ? `on ${proxy.name}, which answers for what is not its own: ${proxyArpRepair(proxy)};` +
        ` then on ${lab.directors[0].name} and every real server: ip neigh flush all`
      : leaks.length > 0 && six
        ? `${leaks.map((leak) => leak.split(" ")[0]).join(", ")} must have the VIP on lo alone, and proxy_ndp off: ip -6 addr;` +
          ` then ${forget}`
        : leaks.length > 0
          ? `${leaks.map((leak) => leak.split(" ")[0]).join(", ")} must keep quiet: sysctl net.ipv4.conf.all.arp_ignore=1` +
            ` net.ipv4.conf.all.arp_announce=2 before the VIP is added; then ${forget}`
          : `on ${lab.directors[0].name}: ip -${six ? 6 : 4} addr show (is ${hostPrefix(vip)} there?), tcpdump -nn ${six ? "icmp6" : "arp"}`;
  return judge(
    `arp.${vip}.${asked.from}`,
    `only the director answers ${protocolOf(vip)} for ${vip}, asked from ${asked.where}`,
    macs.length === 1 && leaks.length === 0,
    {
      where: asked.where,
      command: asked.command,
      seen: macs.map((mac) => macOwner(lab, mac)).join(", ") || "nobody answered",
      expected: macOwner(lab, director),
    },
    fix,
  );
}

/** The host's arping runs where the CLI runs: in the network namespace that holds the lab's bridges. */
function arpingOnHost(args: readonly string[]): Promise<string | undefined> {
  return exec("arping", args).then(
    ({ output }) => output,
    // Not installed.
    () => undefined,
  );
}

interface Segment {
  readonly device: string;
  /** The host's own address there. */
  readonly from: string;
}

function bridgeTo({ segments: { server } }: Lab): Segment {
  return { device: server.existingBridge ?? server.bridge, from: server.hostAddress };
}

/** Where no guest is on a bridge of the host's: the NIC by which it reaches the VIP, if that is a neighbour of its. */
async function segmentOf(vip: string): Promise<Segment | undefined> {
  const { stdout } = await exec("ip", ["-4", "route", "get", vip]);
  const [, device, from] = /^\S+ dev (\S+) src (\S+)/.exec(stdout) ?? [];
  return device === undefined || from === undefined ? undefined : { device, from };
}

async function fromHost(lab: Lab, vip: string): Promise<Finding> {
  const title = `only the director answers ARP for ${vip}, asked from the host`;
  const host = lab.hosts.find(({ remote }) => remote === undefined);
  if (host === undefined) return skipped(`arp.${vip}.host`, title, "the guests run on another host");
  const segment = guestsOf(lab).length > 0 ? bridgeTo(labAt(lab, host)) : await segmentOf(vip);
  if (segment === undefined)
    return skipped(`arp.${vip}.host`, title, "the host is not on the segment that the VIP is on");
  const args = [...ARPING.split(" ").slice(1), "-w", "2", "-s", segment.from, "-I", segment.device, vip];
  const text = await arpingOnHost(args);
  if (text === undefined) {
    return skipped(`arp.${vip}.host`, title, "the host has no arping: apt-get install iputils-arping");
  }
  return judgeArp(lab, vip, { from: "host", where: "host", command: `arping ${args.join(" ")}`, text });
}

/** Who asks for the VIP on the server segment: the router, and a client that is there. */
const askers = ({ clients: [client], routers: [router] }: Lab): LabNode[] =>
  [router, client].filter(isOnServerSegment);

const noRouter = (lab: Lab, vip: string): Finding =>
  skipped(
    `arp.${vip}.router`,
    `only the director answers ${protocolOf(vip)} for ${vip}, asked from the router`,
    noneOfTheLab(lab.routers[0]),
  );

/** What a person would type to see who answers for an address. */
export function lookFor(address: string, device: string): string {
  return familyOf(address) === 6
    ? `tcpdump -nn -e -i ${device} '${RESOLUTION[6]}'`
    : `arping -b -I ${device} ${address}`;
}

async function fromNode({ lab, shell }: CheckContext, node: LabNode, vip: string): Promise<Finding> {
  const { device } = nicOn(node, "server");
  const command = lookFor(vip, device);
  const { name: where, role: from } = node;
  const { code, stdout, stderr } = await shell.run(where, whoHas(vip, device, 2));
  if (code !== null && code !== 255) return judgeArp(lab, vip, { from, where, command, text: stdout });
  // Silence of who was not asked says nothing of the director.
  const seen = `${where}: cannot be asked (${code ?? "no answer in time"}): ${stderr}`;
  const title = `only the director answers ${protocolOf(vip)} for ${vip}, asked from ${where}`;
  return judge(
    `arp.${vip}.${from}`,
    title,
    false,
    { where, command, seen, expected: "an answer" },
    "scripts/lab status",
  );
}

export const arpProbe: Probe = {
  group: "arp",
  async look(context) {
    const { lab } = context;
    const all = askers(lab);
    const asked = vipsOf(lab).flatMap((vip) => {
      const nodes = all.map((node) => fromNode(context, node, vip));
      const none = lab.routers[0].here ? [noRouter(lab, vip)] : [];
      // The host has no address of IPv6 on the segment.
      const host = familyOf(vip) === 6 ? [] : [fromHost(lab, vip)];
      return [...none, ...nodes, ...host];
    });
    return Promise.all(asked);
  },
};
