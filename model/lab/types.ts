/**
 * The validated description of one lab: what `parseConfig` (config.ts) yields and everything else reads.
 * Plain data, no Pulumi: every field is resolved, every default filled in.
 */

import type { z } from "zod";
import { endpoint, type Family } from "./address";
import type { Config } from "../config/schema";
import type { DrillLimits } from "../config/schemaDrills";
import type { ldirectordSettings, virtualExtras } from "../config/schemaLdirectord";
import type { healthCheck } from "../config/schemaService";
import type { PortRange } from "./ports";
import type { EndpointTarget, MarkTarget } from "./target";
import { tlsPorts, webProtocol, type Workload } from "./workloads";

export type Role = "client" | "router" | "director" | "realServer";
export type ArpStrategy = "sysctl" | "arptables" | "static";
export type DirectorMode = "static" | "ldirectord" | "keepalived";
export type NetworkName = "client" | "server";

export interface LabNetwork {
  /** Which of the two segments this is. */
  readonly key: NetworkName;
  /** Name of the libvirt network; carries the stack's name. Unused when `existingBridge` is set. */
  readonly name: string;
  /** Linux bridge behind the network, at most 15 characters. */
  readonly bridge: string;
  /** An existing host bridge the guests attach to instead (the article's "bridged"); no network is created then. */
  readonly existingBridge?: string;
  /** IPv4 network in CIDR form, host bits zero. */
  readonly cidr: string;
  /** The same of IPv6; absent in a lab of IPv4 alone. */
  readonly cidr6?: string;
  /** The host's address on the segment, through which it reaches the guests; without prefix. */
  readonly hostAddress: string;
  /** MTU of every NIC on the segment, bytes. */
  readonly mtu: number;
  /** It follows from that of the hosts' underlay: program/tunnels.ts. */
  readonly mtuOfUnderlay?: true;
}

export interface Nic {
  readonly network: NetworkName;
  /** Name inside the guest: eth0, eth1. */
  readonly device: string;
  /** Lower-case, colon-separated. */
  readonly mac: string;
  /** Addresses in CIDR form, first is the primary one. The VIP is never among them. */
  readonly addresses: readonly string[];
}

export interface LabNode {
  /** Logical name, also the guest's host name: client, router, director, rs1 … */
  readonly name: string;
  readonly role: Role;
  /** It is a machine that exists, and no guest: how to log in to it. */
  readonly ssh?: Machine;
  /** Name of the libvirt host that the guest is on; absent: the lab's first. */
  readonly host?: string;
  /** It is none of the lab's: for a role that nobody has, it stands for the host that the program runs on. */
  readonly here?: true;
  /** Name of the libvirt domain; carries the stack's name. Empty for a machine that exists. */
  readonly domain: string;
  /** Where the host reaches it by SSH. */
  readonly address: string;
  /** Default gateway, absent on the router. */
  readonly gateway?: string;
  /** The same two of IPv6; absent in a lab of IPv4 alone. */
  readonly address6?: string;
  readonly gateway6?: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly nics: readonly Nic[];
}

export interface RealServerEntry {
  /** Node name (rs1). */
  readonly name: string;
  /** RIP. */
  readonly address: string;
  /** Always the service's port: Direct Routing cannot map ports. 0 in a service by mark, which keeps each packet's own. */
  readonly port: number;
  /** Configured weight, 0 to 65535. */
  readonly weight: number;
  /** Wanted out of rotation: weight 0 in the table, open connections keep running. */
  readonly drain: boolean;
  /** Connections below which an overloaded server gets new ones again (ipvsadm -y); absent = no threshold. */
  readonly lowerThreshold?: number;
  /** Connections above which it gets no new ones (ipvsadm -x); absent = no threshold. */
  readonly upperThreshold?: number;
  /** Overrides of the service's check for this server alone; ldirectord knows them only as a pair. */
  readonly request?: string;
  readonly receive?: string;
}

/** What the configuration's schema gives, where nothing is changed; a key without a value is left out. */
type Given<T> = {
  readonly [K in keyof T]: NonNullable<T[K]> extends readonly (infer E)[] ? readonly E[] : T[K];
};

/** How one virtual service is checked; fields as in ldirectord(8), described in model/config/schemaService.ts. Times are in seconds. */
export type HealthCheck = Given<z.output<typeof healthCheck>> & {
  readonly [K in "checktimeout" | "negotiatetimeout" | "checkinterval" | "failurecount"]: number;
} & { readonly checktype: NonNullable<z.output<typeof healthCheck>["checktype"]> };

/** ldirectord's per-virtual options that neither check nor schedule; fields as in ldirectord(8). */
export type VirtualExtras = Given<z.output<typeof virtualExtras>>;

/** ldirectord's global options; fields as in ldirectord(8). */
export type LdirectordSettings = Given<Omit<z.output<typeof ldirectordSettings>, "execute">>;

interface ServiceFields {
  readonly name: string;
  /** Name of the workload that serves it; absent: over TCP the built-in web server, over UDP nobody of the lab's. */
  readonly workload?: string;
  readonly scheduler: string;
  readonly schedulerFlags: readonly string[];
  /** Persistence timeout in seconds; absent = none. */
  readonly persistent?: number;
  /** Persistence granularity: a dotted netmask, or the length of a prefix of IPv6. */
  readonly netmask?: string;
  readonly ops: boolean;
  readonly quiescent: boolean;
  readonly realServers: readonly RealServerEntry[];
  /** Sorry server (ldirectord's fallback); absent = none. `address` 127.0.0.1 or ::1 is the director's own. */
  readonly sorry?: { readonly address: string; readonly port: number };
  readonly check: HealthCheck;
  readonly extras: VirtualExtras;
}

/** Of an endpoint, or of the firewall mark that packets to `ports` of `vip` get: then `port` is the one that is checked and asked. */
export type VirtualService = ServiceFields &
  (EndpointTarget | (MarkTarget & Omit<EndpointTarget, "mark"> & { readonly ports: readonly PortRange[] }));

/** Another machine: one whose libvirt keeps the guests, one that a node is, or one on the way there. */
export interface RemoteHost {
  readonly host: string;
  readonly user: string;
  readonly port: number;
  /** Public host key that it must show; absent: any is believed, while the guests' own stay pinned. */
  readonly hostKey?: string;
  /** File of the private key that opens it, on this machine; absent: the SSH agent's. */
  readonly keyFile?: string;
}

/** A host whose libvirt has guests of the lab's. */
export interface LibvirtHost {
  /** Empty for the one host of a lab whose configuration names none. */
  readonly name: string;
  /** Its number among all that the stack has had, from 0; absent: its place in the list. See ordinalOf. */
  readonly ordinal?: number;
  readonly libvirtUri: string;
  /** Set when `libvirtUri` names another host: SSH to its guests goes through it. */
  readonly remote?: RemoteHost;
  /** What it has on each segment: see LabNetwork. */
  readonly segments: Readonly<Record<NetworkName, Pick<LabNetwork, "hostAddress" | "existingBridge">>>;
  /** Its address among the hosts, between which VXLAN carries the segments; absent where existing bridges do. */
  readonly underlay?: string;
}

/** A machine that exists, with a role of the lab's. */
export interface Machine extends RemoteHost {
  /** The only way to it leads through this one. */
  readonly jump?: RemoteHost;
}

/** Two directors, of which one holds the VIPs. Described in model/config/schemaHighAvailability.ts. */
export type HighAvailability = NonNullable<Config["highAvailability"]> & {
  /** In VRRP, by director. */
  readonly priorities: Readonly<Record<string, number>>;
};

export interface Lab {
  readonly project: string;
  readonly stack: string;
  /** One, if the configuration names none. */
  readonly hosts: readonly [LibvirtHost, ...LibvirtHost[]];
  readonly accelerator: "auto" | "kvm" | "qemu";
  /** A user's own cloud image (qcow2 with cloud-init); absent = the image this project builds. */
  readonly image?: { readonly path: string; readonly sha256?: string };
  /** An existing storage pool; absent = one of the stack's own. */
  readonly pool?: string;
  /** Name of the stack's own pool, and the prefix of domain, volume and network names. */
  readonly prefix: string;
  /** How many guests may boot at a time under TCG. */
  readonly bootParallel: number;
  /** Seconds a guest has to answer SSH. */
  readonly bootTimeout: number;
  readonly segments: Readonly<Record<NetworkName, LabNetwork>>;
  readonly vipCidr: string;
  /** Further networks of VIPs; absent: none. */
  readonly moreVipCidrs?: readonly string[];
  /** The VIPs' network of IPv6; absent in a lab of IPv4 alone. */
  readonly vip6Cidr?: string;
  /** One today, as of routers; of directors there may be two. */
  readonly clients: readonly [LabNode, ...LabNode[]];
  readonly routers: readonly [LabNode, ...LabNode[]];
  readonly directors: readonly [LabNode, ...LabNode[]];
  /** What the directors have between them, when there are two. */
  readonly highAvailability?: HighAvailability;
  readonly realServers: readonly LabNode[];
  readonly arpStrategy: ArpStrategy;
  readonly mode: DirectorMode;
  /** Texts by file name that each director has, for programs that its configuration names; absent: none. */
  readonly directorFiles?: Readonly<Record<string, string>>;
  readonly ldirectord: LdirectordSettings;
  /** The first is the lab's main service: outputs `vip` and `url`. */
  readonly services: readonly [VirtualService, ...VirtualService[]];
  /** What the real servers run beside their web server; absent where that is all. */
  readonly workloads?: readonly Workload[];
  /** Certificate and key of the built-in web server, PEM; absent: of the lab's own authority. */
  readonly web?: { readonly certificate: string; readonly key: string };
  /** The secret that the lab's own authority is made of: of an applied lab that has one. */
  readonly authority?: { readonly secret: string };
  /** Body of the director's sorry page. */
  readonly sorryPage: string;
  /** Longest wait for open connections when a real server is drained before removal, seconds. */
  readonly drainTimeout: number;
  /** Seconds after which the kernel forgets an idle connection. Absent in a lab that was applied before this key existed. */
  readonly ipvsTimeouts?: Config["ipvsTimeouts"];
  /** What drills promise; reaches no guest. Absent in a lab that was applied before this key existed. */
  readonly drills?: { readonly limits: DrillLimits };
  /** sha256 over everything above that reaches a guest; in the health output as `configHash`. */
  readonly configHash: string;
}

/**
 * A node's NIC on one of the two segments.
 * @throws Error when it has none: only the router is on both
 */
export function nicOn(node: Pick<LabNode, "name" | "nics">, network: NetworkName): Nic {
  const nic = node.nics.find((each) => each.network === network);
  if (nic === undefined) throw new Error(`${node.name} has no NIC on the ${network} network`);
  return nic;
}

/** The service that the client's requests are for: the first that the built-in web server serves. Without one there is nothing that it could ask. */
export function clientService(lab: Pick<Lab, "services">): VirtualService | undefined {
  return lab.services.find((service) => webProtocol(service) !== undefined);
}

/** The networks of the VIPs. */
export function vipCidrsOf({
  vipCidr,
  moreVipCidrs = [],
  vip6Cidr,
}: Pick<Lab, "vipCidr" | "moreVipCidrs" | "vip6Cidr">): string[] {
  return [vipCidr, ...moreVipCidrs, ...(vip6Cidr === undefined ? [] : [vip6Cidr])];
}

/** Each VIP once. */
export function vipsOf({ services }: Pick<Lab, "services">): string[] {
  return [...new Set(services.map(({ vip }) => vip))];
}

/** Whether the director itself stands in for a service's real servers. */
export function isOwnSorry({ sorry }: Pick<VirtualService, "sorry">): boolean {
  return sorry?.address === "127.0.0.1" || sorry?.address === "::1";
}

/** A node's default gateway of one family. */
export function gatewayOf(node: LabNode, family: Family): string | undefined {
  return family === 6 ? node.gateway6 : node.gateway;
}

/** A node's address of one family, on the segment where the host reaches it. */
export function addressOf(node: LabNode, family: Family): string | undefined {
  return family === 6 ? node.address6 : node.address;
}

/** A node's addresses of both families, on that segment. */
export function addressesOf({ address, address6 }: Pick<LabNode, "address" | "address6">): string[] {
  return address6 === undefined ? [address] : [address, address6];
}

/**
 * Where a service is, as a URL: of the web server's scheme where that serves it or an HTTP check asks it, else of its transport's
 * ("tcp://10.0.0.100:3306/").
 * @param address by default the VIP
 * @param port of a group's, another than the one that is checked
 */
export function serviceUrl(service: VirtualService, address = service.vip, port = service.port): string {
  return `${schemeOf(service, port)}://${endpoint(address, port)}/`;
}

function schemeOf(service: VirtualService, port: number): string {
  const { protocol, check } = service;
  const web = webProtocol(service);
  if (web === undefined) return isHttp(check.service) ? check.service : protocol;
  return (port === service.port ? web === "https" : tlsPorts(service).includes(port)) ? "https" : "http";
}

const isHttp = (name: string | undefined): name is "http" | "https" => name === "http" || name === "https";

/** Where verify asks for a service: only of the built-in web server's answers does it know what they must be; elsewhere a connection is one. */
export function askedUrl(service: VirtualService, address = service.vip): string {
  return webProtocol(service) === undefined
    ? `tcp://${endpoint(address, service.port)}/`
    : serviceUrl(service, address);
}

/** Whether a health check logs in somewhere. */
export function hasPassword({ services }: Lab): boolean {
  return services.some(({ check }) => check.passwd !== undefined || check.secret !== undefined);
}

type Nodes = Pick<Lab, "clients" | "routers" | "directors" | "realServers">;

/** Every node of the lab in boot order. */
export function labNodes(lab: Nodes): readonly LabNode[] {
  return [...lab.routers, ...lab.clients, ...lab.directors, ...lab.realServers].filter(({ here }) => !here);
}

/** Those of them that are libvirt's. */
export function guestsOf(lab: Nodes): readonly LabNode[] {
  return labNodes(lab).filter(({ ssh }) => ssh === undefined);
}

/**
 * What guests stay the same by from one `up` to the next, whatever else changes: a real server's name, the role of the first guest of each
 * other role, and the name of a further one. No guest has a role for its name.
 */
export function guestIds<N extends Pick<LabNode, "name" | "role">>(nodes: readonly N[]): Map<N, string> {
  const seen = new Set<Role>(["realServer"]);
  return new Map(
    nodes.map((node) => {
      const { name, role } = node;
      const id = seen.has(role) ? name : role;
      seen.add(role);
      return [node, id];
    }),
  );
}
