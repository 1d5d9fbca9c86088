/** Who answers "who has the VIP?": on the server segment, asked from the router and from the host, the director alone. */
import { exec } from "../../lib/process";
import { ARPING, parseArping, whoHas } from "../../health/arping";
import { vipMac } from "../../model/director/vipHolder";
import { familyOf, hostPrefix } from "../../model/lab/address";
import { labAt } from "../../model/lab/hosts";
import { guestsOf, labNodes, nicOn, vipsOf, type Lab, type LabNode } from "../../model/lab/types";
import { proxyArpRepair } from "./hazards";
import { Capture, parseCapture, RESOLUTION } from "./capture";
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

interface AskedWho {
  readonly from: string;
  readonly where: string;
  readonly command: string;
}

/** @param asked with what arping printed, or whose MACs were heard to answer */
export function judgeArp(
  lab: Lab,
  vip: string,
  asked: AskedWho & ({ readonly text: string } | { readonly macs: readonly string[] }),
): Finding {
  const macs = "macs" in asked ? asked.macs : parseArping(asked.text);
  const six = familyOf(vip) === 6;
  const director = vipMac(lab, vip);
  const others = macs.filter((mac) => mac !== director);
  const leaks = others.map((mac) => macOwner(lab, mac));
  const [router] = lab.routers;
  // The router has no VIP to keep quiet about.
  const fix =
    !router.here && others.includes(serverMac(router))
      ? `on ${lab.routers[0].name}, which answers for what is not its own: ${proxyArpRepair(lab.routers[0])};` +
        ` then on ${lab.directors[0].name} and every real server: ip neigh flush all`
      : leaks.length > 0 && six
        ? `${leaks.map((leak) => leak.split(" ")[0]).join(", ")} must have the VIP on lo alone, and proxy_ndp off: ip -6 addr;` +
          ` then ip neigh flush to ${vip} on ${lab.routers[0].name}`
        : leaks.length > 0
          ? `${leaks.map((leak) => leak.split(" ")[0]).join(", ")} must keep quiet: sysctl net.ipv4.conf.all.arp_ignore=1` +
            ` net.ipv4.conf.all.arp_announce=2 before the VIP is added; then ip neigh flush to ${vip} on ${lab.routers[0].name}`
          : `on ${lab.directors[0].name}: ip -${six ? 6 : 4} addr show (is ${hostPrefix(vip)} there?), tcpdump -nn ${six ? "icmp6" : "arp"}`;
  return judge(
    `arp.${vip}.${asked.from}`,
    `only the director answers ${six ? "NDP" : "ARP"} for ${vip}, asked from ${asked.where}`,
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

async function fromRouter({ lab, shell }: CheckContext, vip: string): Promise<Finding> {
  if (lab.routers[0].here)
    return skipped(
      `arp.${vip}.router`,
      `only the director answers ARP for ${vip}, asked from the router`,
      noneOfTheLab(lab.routers[0]),
    );
  const device = nicOn(lab.routers[0], "server").device;
  const command = whoHas(vip, device, 2);
  const where = lab.routers[0].name;
  const { code, stdout, stderr } = await shell.run(where, command);
  if (code !== null && code !== 255)
    return judgeArp(lab, vip, { from: "router", where, command, text: stdout });
  // Silence of who was not asked says nothing of the director.
  const seen = `${where}: cannot be asked (${code ?? "no answer in time"}): ${stderr}`;
  const title = `only the director answers ARP for ${vip}, asked from ${where}`;
  return judge(
    `arp.${vip}.router`,
    title,
    false,
    { where, command, seen, expected: "an answer" },
    "scripts/lab status",
  );
}

/** Who would answer does so at each of them; each forgets the one before. */
const SOLICITATIONS = 3;

/** The router forgets who has the VIP and asks again, while it listens who answers: of IPv6, the fastest alone is what it remembers. */
async function fromRouterByNdp({ lab, shell }: CheckContext, vip: string): Promise<Finding> {
  const [router] = lab.routers;
  if (router.here)
    return skipped(
      `arp.${vip}.router`,
      `only the director answers NDP for ${vip}, asked from the router`,
      noneOfTheLab(router),
    );
  const { device } = nicOn(router, "server");
  const capture = new Capture(shell, router.name, device, RESOLUTION[6]);
  await capture.start();
  const command = `ip neigh flush to ${vip} dev ${device}; ping -c 1 ${vip}`;
  await shell.run(
    router.name,
    `for ((i = 0; i < ${SOLICITATIONS}; i++)); do ip neigh flush to ${vip} dev ${device}; ping -n -q -c 1 -W 1 ${vip} >/dev/null; done`,
    { timeout: 20 },
  );
  const { arp } = parseCapture(await capture.stop(0));
  const answers = arp.filter(({ kind, address }) => kind === "reply" && address === vip);
  const macs = [...new Set(answers.map(({ fromMac }) => fromMac))];
  return judgeArp(lab, vip, {
    from: "router",
    where: router.name,
    command: `${capture.command}; ${command}`,
    macs,
  });
}

export const arpProbe: Probe = {
  group: "arp",
  async look(context) {
    const vips = vipsOf(context.lab);
    const asked = vips
      .filter((vip) => familyOf(vip) === 4)
      .flatMap((vip) => [fromRouter(context, vip), fromHost(context.lab, vip)]);
    // The host has no address of IPv6 on the segment.
    const six = vips.filter((vip) => familyOf(vip) === 6).map((vip) => fromRouterByNdp(context, vip));
    return Promise.all([...asked, ...six]);
  },
};
