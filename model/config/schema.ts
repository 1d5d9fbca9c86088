/** The configuration's schema: keys, types, ranges, descriptions and fixed defaults. What depends on other keys is in defaults.ts. */
import { z } from "zod";
import { DIAGNOSIS_MARKS } from "../director/ipvs/table";
import {
  addressInNetwork,
  choice,
  cidr,
  cidr6,
  directive,
  flag,
  integer,
  ipAddress,
  ipv4,
  ipv6,
  list,
  mac,
  needs,
  nodeName,
  optional,
  says,
} from "./schemaParts";
import { DIRECTOR_FILES } from "../lab/directorFiles";
import { LIBVIRT_URI } from "../lab/hosts";
import type { Lab } from "../lab/types";
import { drillSettings } from "./schemaDrills";
import { hosts, mtu, onHost } from "./schemaHosts";
import { highAvailability } from "./schemaHighAvailability";
import { ldirectordSettings, virtualExtras } from "./schemaLdirectord";
import { hostKey, machine } from "./schemaMachine";
import {
  healthCheck,
  mainSorryServer,
  port,
  portGroup,
  realServerService,
  schedulerFields,
  serviceRealServer,
  sorryServer,
  weight,
} from "./schemaService";
import { textFiles, workload } from "./schemaWorkload";

export const MAX_REAL_SERVERS = 250;
const MAX_SERVICES = 256;
const MAX_WORKLOADS = 64;

/** 31 days, the most that ipvsadm 1.31 takes; a kernel could wait longer. */
const ipvsTimeout = () => integer(1, 2678400, "seconds");
const memory = () => integer(256, 65536, "MiB", "; a Debian 12 guest does not boot reliably below 256 MiB");
const vcpus = () => integer(1, 16, "virtual CPUs");

const sizing = {
  memory: optional(memory(), "Memory of this guest in MiB.", "memory"),
  vcpus: optional(vcpus(), "Virtual CPUs of this guest.", "vcpus"),
  host: onHost,
};
const name = (fallback: string) =>
  nodeName().default(fallback).describe("Name of the guest, and its host name.");
const address = (part: string) =>
  optional(ipv4(), "IPv4 address, without prefix.", `host part ${part} of its network`);
const address6 = (of = "address") =>
  optional(
    ipv6(),
    "IPv6 address, without prefix, in a lab that has IPv6.",
    `host part of ${of}, digit for digit`,
  );
const macField = () =>
  optional(mac(), "MAC address.", "52:54:00 and a digest of project, stack, guest and NIC");

const realServer = z.strictObject({
  name: optional(nodeName(), "Name of the guest, and its host name.", "rs1, rs2, …"),
  address: address(".10, .20, .31, .32 …").describe(
    "IPv4 address, without prefix. The default goes by the number in which the name ends, and so stays when another server goes; by the position in the list, where not every name has a number of its own from 1 to 64.",
  ),
  address6: address6(),
  weight: weight().default(1).describe("Weight in the table."),
  drain: flag()
    .default(false)
    .describe(
      "Take out of rotation: weight 0, open connections keep running. Do it before you remove a server.",
    ),
  mac: macField(),
  gateway: optional(
    ipv4(),
    "Default gateway. Only the router: replies must bypass the director.",
    "router.serverAddress",
  ),
  ...realServerService,
  request: realServerService.request.describe(
    "Replaces the check's request for this server, in services whose check has the same service as main's; needs receive.",
  ),
  ...sizing,
  ssh: machine,
});

const director = z.strictObject({
  name: optional(nodeName(), "Name of the guest, and its host name.", "director, or director1 and director2"),
  address: address(".30, .29").describe("DIP."),
  address6: address6(),
  priority: optional(
    integer(1, 254),
    "Priority in VRRP. The higher one takes the VIP where both start at once, and with failback automatic whenever it can.",
    "200, 190",
  ),
  mac: macField(),
  ...sizing,
  ssh: machine,
});

const client = z.strictObject({
  name: name("client"),
  network: choice(["client", "server"], "network")
    .default("client")
    .describe(
      "client: behind the router. server: among the real servers, where it asks for the VIP by ARP itself; then the VIPs lie there too.",
    ),
  address: address("7.70, .70 on the server segment"),
  address6: address6(),
  mac: macField(),
  ...sizing,
  ssh: machine,
});

const router = z.strictObject({
  name: name("router"),
  clientAddress: address("7.200"),
  serverAddress: address(".200"),
  vipAddress: optional(ipv4(), "Its address in vipCidr.", "host part .200 of vipCidr"),
  clientAddress6: address6("clientAddress"),
  serverAddress6: address6("serverAddress"),
  vipAddress6: address6("vipAddress"),
  clientMac: macField(),
  serverMac: macField(),
  ...sizing,
  ssh: machine,
});

/** false: the lab has none. */
const orNone = <T extends z.ZodObject>(fields: T) =>
  z
    .union([z.literal(false), fields], {
      error: says("must be an object, or false for none", "write its fields, or false"),
    })
    .prefault({} as never);

const service = z.strictObject({
  name: optional(
    nodeName(),
    "Name of the service. `main` changes the lab's main service.",
    "service1, service2, …",
  ),
  vip: optional(
    ipAddress(),
    "VIP of the service, in vipCidr, in vip6Cidr for a service of IPv6 alone, or in a network of vips. A service that names its VIP is served there alone.",
    "vip, and vip6 where there is one",
  ),
  port: optional(port(), "Port of the service; required but for `main`, or `ports`."),
  ports: optional(
    portGroup(),
    "Instead of `port`: ports that clients use together, which go to one real server while `persistent` lasts, such as [80, 443], [21, 30000-30099] or all. IPVS tells them by a firewall mark, which the director's nftables gives their packets. The first one is checked; a range has nothing that listens by itself.",
  ),
  mark: optional(
    integer(
      1,
      2147483647,
      "",
      `, not ${DIAGNOSIS_MARKS.first} to ${DIAGNOSIS_MARKS.last}, which verify uses`,
    ),
    "The firewall mark of `ports`.",
    "its first port, or 1 for all; the next one that is free",
  ),
  protocol: choice(["tcp", "udp"], "protocol").default("tcp").describe("Protocol of the service."),
  workload: optional(
    nodeName(),
    "Name of the workload that serves it on the real servers.",
    "web over tcp, none over udp",
  ),
  scheduler: optional(schedulerFields.scheduler, "See `scheduler`.", "scheduler"),
  schedulerFlags: optional(schedulerFields.schedulerFlags, "Flags of the scheduler.", "none"),
  persistent: optional(schedulerFields.persistent, "Persistence in seconds; 0 = off.", "0"),
  persistenceNetmask: optional(schedulerFields.persistenceNetmask, "Granularity of persistence."),
  persistencePrefix6: optional(
    schedulerFields.persistencePrefix6,
    "The same of clients of IPv6, bits.",
    "128",
  ),
  ops: flag().default(false).describe("One-packet scheduling, udp only."),
  quiescent: optional(schedulerFields.quiescent, "See `quiescent`.", "quiescent"),
  realServers: optional(
    z.array(serviceRealServer, { error: says("must be a list", "write a list of real servers") }).min(1, {
      error: says("is empty: need at least one real server", "name one, or leave the key out for all"),
    }),
    "The real servers of this service.",
    "all, with their weights",
  ),
  sorryServer: optional(
    sorryServer,
    "Sorry server, or false for none.",
    "127.0.0.1 for http and unknown protocols over tcp, else false",
  ),
  healthCheck: optional(healthCheck, "See `healthCheck`. Times default to those of the main service."),
  ldirectord: virtualExtras.default({}).describe("ldirectord's other options of this service."),
});

export const configSchema = z.strictObject({
  libvirtUri: directive(512)
    .default(LIBVIRT_URI)
    .describe(
      "libvirt connection; qemu+ssh://USER@HOST:PORT/system?keyfile=/path/to/key builds the lab on another host.",
    ),
  remoteHostKey: optional(
    hostKey(),
    "Public SSH host key of the other host that libvirtUri names; it must show this one.",
  ),
  hosts,
  accelerator: choice(["auto", "kvm", "qemu"], "accelerator")
    .default("auto")
    .describe("kvm, qemu (TCG, slow) or auto: kvm where a probe guest boots with it."),
  image: optional(
    directive(2048),
    "Absolute path of an own cloud image (qcow2 with cloud-init).",
    "the image that the project builds",
  ),
  imageSha256: optional(
    directive(64).regex(/^[0-9a-fA-F]{64}$/, {
      error: says("is not a SHA-256 digest", "write 64 hexadecimal digits"),
    }),
    "SHA-256 that the file of image must have.",
  ),
  pool: optional(
    directive(64).regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, {
      error: says("is not a pool name", "use letters, digits, . _ and -"),
    }),
    "An existing libvirt storage pool.",
    "one of the stack's own",
  ),
  memory: memory().default(384).describe("Memory of each guest in MiB."),
  vcpus: vcpus().default(1).describe("Virtual CPUs of each guest."),
  bootParallel: optional(
    integer(1, 64, "guests"),
    "Guests that may boot at the same time without KVM.",
    "6, or 2 with image, whose guests take longer",
  ),
  bootTimeout: integer(30, 3600, "seconds").default(300).describe("Seconds that a guest has to answer SSH."),
  clientNetwork: z
    .strictObject({
      cidr: cidr().default("172.18.0.0/16").describe("IPv4 network of the client segment."),
      cidr6: optional(
        cidr6(),
        "IPv6 network of the client segment; with it go serverNetwork.cidr6 and vip6Cidr or vip6.",
        "none: a lab of IPv4 alone",
      ),
      hostAddress: address("0.1").describe("The host's address on the segment."),
      bridge: optional(
        directive(64),
        "An existing bridge of the host that the segment is attached to (the article's bridged network).",
      ),
      mtu: mtu(),
    })
    .prefault({})
    .describe("The client segment."),
  serverNetwork: z
    .strictObject({
      cidr: cidr().default("192.168.7.0/24").describe("IPv4 network of the director and the real servers."),
      cidr6: optional(
        cidr6(),
        "IPv6 network of the director and the real servers.",
        "none: a lab of IPv4 alone",
      ),
      hostAddress: address(".1").describe("The host's address on the segment."),
      bridge: optional(
        directive(64),
        "An existing bridge of the host that the segment is attached to, such as the one that machines that exist are on.",
      ),
      mtu: mtu(),
    })
    .prefault({})
    .describe("The server segment: one layer 2 segment for router, director and real servers."),
  vipCidr: cidr(32)
    .default("10.0.0.0/8")
    .describe(
      "The VIPs' network; the router has an address in it on the server segment. The same as serverNetwork.cidr where the VIPs lie among the real servers. A /32 is the VIP alone: the router has a route to it on the server segment.",
    ),
  vips: list(addressInNetwork(), "VIPs", MAX_SERVICES)
    .default([])
    .describe(
      "VIPs in other networks than vipCidr and vip6Cidr, each with its network's prefix, such as 203.0.113.10/29 or 2001:db8:2::10/64; a /32 or /128 is the VIP alone, to which the router has a route. The router is in each network, as in vipCidr. `services[].vip` names them.",
    ),
  vip6Cidr: optional(
    cidr6(),
    "The VIPs' network of IPv6; the router has an address in it. The same as serverNetwork.cidr6 where they lie among the real servers.",
    "the /64 that vip6 is in",
  ),
  client: orNone(client).describe(
    "The client guest; false for none: requests are then made from where the program runs.",
  ),
  router: orNone(router).describe(
    "The router guest between the two segments; false for none: machines have their way to clients by themselves.",
  ),
  director: z
    .strictObject({
      name: name("director"),
      address: address(".30").describe("DIP."),
      address6: address6(),
      mac: macField(),
      mode: choice(["ldirectord", "keepalived", "static"], "mode")
        .default("ldirectord")
        .describe(
          "Who checks the real servers and keeps the table: ldirectord, or keepalived's own checkers; static fills the table once: checks, sorry servers and quiescent wait for another mode.",
        ),
      files: textFiles(
        `Text files that every director gets as ${DIRECTOR_FILES}NAME, such as the programs of checkcommand, fallbackcommand and callback`,
      ),
      ...sizing,
      ssh: machine,
    })
    .prefault({})
    .describe("The director guest."),
  directors: optional(
    z
      .array(director, { error: says("must be a list", "write a list of one or two directors") })
      .min(1, needs("a director")),
    "Two directors, of which one holds the VIP (docs/explanation/pair.md); `director` is short for a list of one. Its `mode`, `files`, `memory` and `vcpus` are for both.",
    "the one that director describes",
  ),
  highAvailability: optional(highAvailability, "How two directors share the VIP."),
  vip: optional(ipv4(), "Virtual IP of the cluster.", "host part .100 of vipCidr"),
  vip6: optional(
    ipv6(),
    "Virtual IP of IPv6. Every service that names no VIP is served there too.",
    "host part of vip in vip6Cidr, digit for digit",
  ),
  port: port().default(80).describe("Port of the main service, and of the real servers."),
  scheduler: schedulerFields.scheduler
    .default("wrr")
    .describe("IPVS scheduler of the main service; twos is refused with the project's own image."),
  schedulerFlags: schedulerFields.schedulerFlags
    .default([])
    .describe("Flags of the scheduler, such as sh-port."),
  persistent: schedulerFields.persistent
    .default(0)
    .describe("Seconds for which a client sticks to one real server; 0 = off, since it hides the weights."),
  persistenceNetmask: schedulerFields.persistenceNetmask
    .default("255.255.255.255")
    .describe("Clients that share this part of their address stick together."),
  persistencePrefix6: schedulerFields.persistencePrefix6
    .default(128)
    .describe("Clients of IPv6 that share so many bits of their address stick together."),
  realServerCount: optional(
    integer(1, MAX_REAL_SERVERS, "real servers"),
    "Number of real servers with names, addresses and weights of their own.",
    "2",
  ),
  realServers: optional(
    list(realServer, "real servers", MAX_REAL_SERVERS).min(1, needs("at least one real server")),
    "The real servers one by one, instead of realServerCount. An address that one guest gives up is free for another only at the next `up`, since guests are deleted last: such a change is refused.",
    "rs1 with weight 1 and rs2 with weight 3",
  ),
  arpStrategy: choice(["sysctl", "arptables", "static"], "ARP strategy")
    .default("sysctl")
    .describe("How the VIP's ARP conflict is solved on the real servers and the router."),
  sorryServer: mainSorryServer
    .prefault({})
    .describe(
      "Answers while no real server is up (ldirectord's fallback), or false for none. A main service that is udp, or checked by another protocol than http, has none unless an address is set.",
    ),
  healthCheck: healthCheck
    .prefault({})
    .describe("How the main service's real servers are checked; see ldirectord(8)."),
  quiescent: schedulerFields.quiescent
    .default(false)
    .describe("Keep a dead real server with weight 0 instead of removing it."),
  services: list(service, "services", MAX_SERVICES)
    .default([])
    .describe("More virtual services, or changes to `main`."),
  workloads: list(workload, "workloads", MAX_WORKLOADS)
    .default([])
    .describe("What the real servers run beside the built-in web server; docs/reference/workloads.md."),
  ldirectord: ldirectordSettings.prefault({}).describe("ldirectord's global options."),
  ipvsTimeouts: z
    .strictObject({
      tcp: ipvsTimeout()
        .default(300)
        .describe(
          "TCP connections that are open. The kernel's own default is 900. One that is idle for longer is forgotten, and its next packet answered by a reset: keep it above the keepalive of what runs over it.",
        ),
      tcpfin: ipvsTimeout().default(120).describe("TCP connections after a FIN."),
      udp: ipvsTimeout().default(300).describe("UDP exchanges."),
    })
    .prefault({})
    .describe("Seconds after which IPVS forgets a connection without traffic (`ipvsadm --set`)."),
  drainTimeout: integer(0, 3600, "seconds")
    .default(60)
    .describe("Seconds that removing a real server waits for its open connections."),
  drills: drillSettings
    .prefault({})
    .describe("What `scripts/lab drill` promises, for another host or other needs."),
});

type Parsed = z.output<typeof configSchema>;

/** Client and router have their fields also where the lab has none: which those are, `absent` says. */
export type Config = Omit<Parsed, "client" | "router"> & {
  readonly client: z.output<typeof client>;
  readonly router: z.output<typeof router>;
  readonly absent: ReadonlySet<"client" | "router">;
  /** The lab as it was last applied, as far as hosts keep what they have. */
  readonly last?: LastLab | undefined;
};
export type LastLab = Pick<Lab, "hosts" | "segments">;

export function withAbsent(parsed: Parsed): Config {
  const absent = new Set((["client", "router"] as const).filter((role) => parsed[role] === false));
  return {
    ...parsed,
    client: parsed.client || client.parse({}),
    router: parsed.router || router.parse({}),
    absent,
  };
}
export type ServiceConfig = Config["services"][number];
export type HealthCheckConfig = z.output<typeof healthCheck>;
