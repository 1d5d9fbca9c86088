/**
 * Sysctls that are known to break Direct Routing and that the lab itself never sets: whoever set one has broken the lab
 * behind its back. Each comes with its evidence, and a reason that holds for this guest, not in general.
 */
import { Prefix, type Family } from "../../model/lab/address";
import { nicOn, vipsOf, type Lab, type LabNode, type Nic } from "../../model/lab/types";
import { judge, type Finding } from "./check";
import type { GuestFacts } from "./guestFacts";

/** A sysctl that breaks Direct Routing, as data; its text is derived. */
export interface Hazard {
  /** The guest. */
  readonly subject: string;
  /** The sysctl's own name, such as "rp_filter". */
  readonly code: string;
  readonly key: string;
  readonly value: string;
  /** Why it breaks Direct Routing here. */
  readonly detail: string;
  /** The value that puts it right. */
  readonly right: string;
}

type Facts = Pick<GuestFacts, "sysctls" | "routes"> & Partial<Pick<GuestFacts, "filtered">>;

/** Where a rule looks: one NIC of a guest, and what the guest said. */
interface At {
  readonly lab: Lab;
  readonly node: LabNode;
  readonly nic: Nic;
  readonly facts: Facts;
}

interface Rule {
  readonly code: string;
  /** The kernel takes the larger of the NIC's value and that of `all`, or only the NIC's. */
  readonly all: boolean;
  readonly right: string;
  /** NICs that it is about. */
  readonly concerns: (at: Pick<At, "lab" | "node" | "nic">) => boolean;
  /** Why `value` breaks Direct Routing at this NIC; undefined when it does not. */
  readonly breaks: (value: number, at: At) => string | undefined;
}

const onServerSegment = ({ nic }: { readonly nic: Nic }): boolean => nic.network === "server";

/** The NIC that the longest route to an address names; undefined without a route. */
export function deviceTo(routes: readonly string[], address: string): string | undefined {
  const found = routes
    .flatMap((route) => {
      const [, to = "", device] = /^(?:unicast )?(\S+).*? dev (\S+)/.exec(route) ?? [];
      const prefix = Prefix.read(to === "default" ? "0.0.0.0/0" : to);
      return device !== undefined && prefix?.contains(address) ? [{ device, length: prefix.length }] : [];
    })
    .sort((a, b) => b.length - a.length);
  return found[0]?.device;
}

/** Addresses that packets of the cluster's traffic, or who asks for an address by ARP, come from at a NIC. */
function sources({ lab, node, nic }: Pick<At, "lab" | "node" | "nic">): string[] {
  if (node.role === "client") return vipsOf(lab);
  if (node.role === "router" && nic.network !== "client") return vipsOf(lab);
  // By which of its addresses this host would ask is its routes' to say.
  const [{ here = false, address }] = lab.clients;
  return here ? [] : [address];
}

/** Which of a NIC's sources the guest would answer through another NIC, or not at all. */
function elsewhere(at: At): { readonly from: string; readonly device: string | undefined }[] {
  return sources(at)
    .map((from) => ({ from, device: deviceTo(at.facts.routes, from) }))
    .filter(({ device }) => device !== at.nic.device);
}

const RULES: readonly Rule[] = [
  {
    code: "proxy_arp_pvlan",
    all: false,
    right: "0",
    concerns: onServerSegment,
    breaks: (value, { nic, node }) =>
      value === 0
        ? undefined
        : `${node.name} answers ARP on ${nic.device} for every address of the segment, the VIP and the RIPs among them: what is for others goes to it`,
  },
  {
    code: "proxy_arp",
    all: true,
    right: "0",
    concerns: onServerSegment,
    breaks: (value, { nic, node }) =>
      value === 0
        ? undefined
        : `${node.name} answers ARP on ${nic.device} for addresses that it only has a route to: what is for others goes to it`,
  },
  {
    code: "arp_ignore",
    all: true,
    right: "0",
    concerns: ({ node }) => node.role !== "realServer",
    breaks: (value, { node, nic }) =>
      value === 8
        ? `${node.name} answers no ARP request on ${nic.device}`
        : value === 2 && node.role === "director"
          ? `${node.name} answers ARP only to addresses of the same subnet, and the VIP is a /32: nobody finds the VIP`
          : undefined,
  },
  {
    // Its `all` is the lab's own to set.
    code: "arp_ignore",
    all: false,
    right: "0",
    concerns: ({ node }) => node.role === "realServer",
    breaks: (value, { node, nic }) =>
      value === 8 ? `${node.name} answers no ARP request on ${nic.device}: nobody finds its RIP` : undefined,
  },
  {
    code: "arp_filter",
    all: true,
    right: "0",
    concerns: onServerSegment,
    breaks: (value, at) => {
      const [other] = value === 0 ? [] : elsewhere(at);
      return other === undefined
        ? undefined
        : `${at.node.name} does not answer ARP on ${at.nic.device} for whom its route leads elsewhere: ${other.from} by ${other.device ?? "no route"}`;
    },
  },
  {
    code: "rp_filter",
    all: true,
    right: "0",
    concerns: () => true,
    breaks: (value, at) => {
      const [other] =
        value === 1
          ? elsewhere(at)
          : value === 2
            ? elsewhere(at).filter(({ device }) => device === undefined)
            : [];
      if (other === undefined) return undefined;
      const dropped = at.facts.filtered ?? 0;
      return (
        `${at.node.name} drops what comes from ${other.from} on ${at.nic.device}, because its route there is ` +
        (other.device === undefined ? "missing" : `by ${other.device}`) +
        (dropped > 0 ? ` (${dropped} packets dropped since its boot: IPReversePathFilter)` : "")
      );
    },
  },
  {
    code: "accept_local",
    all: true,
    right: "0",
    concerns: ({ node }) => node.role === "director" || node.role === "realServer",
    breaks: (value, { node }) =>
      value === 0
        ? undefined
        : `${node.name} accepts packets whose source is the VIP, its own address: a reply that went astray is taken instead of dropped as a martian`,
  },
  {
    code: "forwarding",
    all: false,
    right: "1",
    concerns: ({ node }) => node.role === "router",
    breaks: (value, { node, nic }) =>
      value === 1
        ? undefined
        : `${node.name} forwards nothing that comes in on ${nic.device}, whatever ip_forward says`,
  },
];

/** Of the whole director, without a NIC. */
const IPVS_RULES = [
  { code: "drop_packet", why: "IPVS drops packets on purpose" },
  { code: "drop_entry", why: "IPVS drops connections on purpose" },
] as const;

/** The key of a NIC's own sysctl; that of eth0.7 is net.ipv4.conf.eth0/7. */
export const confKey = (family: Family, device: string, code: string): string =>
  `net.ipv${family}.conf.${device.replaceAll(".", "/")}.${code}`;
const keyOf = (device: string, code: string): string => confKey(4, device, code);

/** Every sysctl that is looked at in a guest. */
export function hazardKeys(lab: Lab, node: LabNode): string[] {
  const conf = node.nics.flatMap((nic) =>
    RULES.filter((rule) => rule.concerns({ lab, node, nic })).flatMap(({ code, all }) =>
      (all ? ["all", nic.device] : [nic.device]).map((device) => keyOf(device, code)),
    ),
  );
  const ipvs = node.role === "director" ? IPVS_RULES.map(({ code }) => `net.ipv4.vs.${code}`) : [];
  return [...new Set([...conf, ...ipvs])];
}

/** What breaks Direct Routing in one guest. Pure. */
export function hazardsOf(lab: Lab, node: LabNode, facts: Facts): Hazard[] {
  const numberOf = (key: string): number => Number(facts.sysctls[key] ?? NaN);
  const conf = node.nics.flatMap((nic) =>
    RULES.filter((rule) => rule.concerns({ lab, node, nic })).flatMap(
      ({ code, all, right, breaks }): Hazard[] => {
        const keys = (all ? [nic.device, "all"] : [nic.device]).map((device) => keyOf(device, code));
        const values = keys.map(numberOf).filter((value) => !Number.isNaN(value));
        if (values.length === 0) return [];
        const value = Math.max(...values);
        const detail = breaks(value, { lab, node, nic, facts });
        if (detail === undefined) return [];
        // Each that has the value would be enough.
        return keys
          .filter((key) => numberOf(key) === value)
          .map((key) => ({ subject: node.name, code, key, value: String(value), detail, right }));
      },
    ),
  );
  const ipvs =
    node.role !== "director"
      ? []
      : IPVS_RULES.flatMap(({ code, why }): Hazard[] => {
          const key = `net.ipv4.vs.${code}`;
          const value = numberOf(key);
          if (!(value > 0)) return [];
          const detail = `${why} (${value === 3 ? "always" : "when memory is short"})`;
          return [{ subject: node.name, code, key, value: String(value), detail, right: "0" }];
        });
  const found = [...conf, ...ipvs];
  return found.filter((each, i) => found.findIndex(({ key }) => key === each.key) === i);
}

export function judgeHazards(lab: Lab, node: LabNode, facts: Facts): Finding {
  const hazards = hazardsOf(lab, node, facts);
  const keys = hazardKeys(lab, node);
  return judge(
    `guests.${node.name}.hazards`,
    `${node.name}: no sysctl that is known to break Direct Routing`,
    hazards.length === 0,
    {
      where: node.name,
      command: `sysctl ${keys.join(" ")}`,
      seen:
        hazards.map(({ key, value, detail }) => `${key}=${value}: ${detail}`).join("\n") ||
        `${keys.length} sysctls, none that breaks it`,
      expected: hazards.map(({ key, right }) => `${key}=${right}`).join(", ") || "none that breaks it",
    },
    `sysctl -w ${hazards.map(({ key, right }) => `${key}=${right}`).join(" ")}` +
      (hazards.some(({ code }) => code.startsWith("proxy_arp"))
        ? `; on ${[lab.directors[0], ...lab.realServers, lab.routers[0]]
            .filter(({ name, here }) => name !== node.name && !here)
            .map(({ name }) => name)
            .join(", ")}: ip neigh flush all`
        : "") +
      `; find what set it: grep -rs ${hazards[0]?.code ?? ""} /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d`,
  );
}

/** For a guest that answers ARP for the VIP without having it: what else makes it do so. */
export function proxyArpRepair(node: LabNode): string {
  const { device } = nicOn(node, "server");
  const keys = [keyOf(device, "proxy_arp_pvlan"), keyOf(device, "proxy_arp"), keyOf("all", "proxy_arp")];
  return `sysctl -w ${keys.map((key) => `${key}=0`).join(" ")}`;
}
