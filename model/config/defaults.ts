/** From typed configuration to the lab: every default that depends on another key, and every derived name. */
import { AddressPlan } from "./addressPlan";
import { addressByRule, sixNetworks, vip6CidrOf } from "./dualStack";
import { vxlanOverhead } from "../lab/hosts";
import { Prefix, withLength, withoutLength } from "../lab/address";
import { bridgeFor, macFor, prefixFor } from "../lab/naming";
import { hostsOf, NO_ADDRESS, placed, placeOf, resolveHosts } from "./hosts";
import type { Config } from "./schema";
import { MTU } from "./schemaHosts";
import { bareKey } from "./schemaMachine";
import { highAvailability } from "./schemaHighAvailability";
import { given, resolveServices } from "./serviceDefaults";
import { vipNetworks } from "./vipNetworks";
import { NO_TEXT, resolveWorkloads, type ReadText } from "./workloads";
import { HERE } from "../../lib/sshHop";
import type { Lab, LabNetwork, LabNode, Machine, Nic, RealServerEntry } from "../lab/types";

export interface Identity {
  readonly project: string;
  readonly stack: string;
}

/** A lab before the invariants are checked, and without its digest. */
export type Draft = Omit<Lab, "configHash">;

/** A real server as configured, with its name and address. */
export type RealServerDraft = NonNullable<Config["realServers"]>[number] & {
  readonly name: string;
  readonly address: string;
  readonly address6?: string | undefined;
};

/** Names that end in a higher number have their addresses by position: they always had, and an address stays. */
const HIGHEST_NUMBER = 64;

/** @param read the text files that the configuration names */
export function resolve(config: Config, { project, stack }: Identity, read: ReadText = () => NO_TEXT): Draft {
  const prefix = prefixFor(project, stack);
  const clientCidr = Prefix.parse(config.clientNetwork.cidr);
  const serverCidr = Prefix.parse(config.serverNetwork.cidr);
  const [vipNetwork, ...moreVipNetworks] = vipNetworks(config);
  const { client, router, director, clientNetwork, serverNetwork } = config;

  const hosts = hostsOf(config);
  const onClient = planFor(clientCidr, [
    clientNetwork.hostAddress,
    ...hosts.map(({ clientAddress }) => clientAddress),
    router.clientAddress,
    client.address,
  ]);
  const clientHost = hosts[0]?.clientAddress ?? clientNetwork.hostAddress ?? onClient.fixed(1);
  const clientRouter = router.clientAddress ?? onClient.fixed(7 * 256 + 200);
  const clientAddress = client.address ?? onClient.fixed(7 * 256 + 70);

  const listed = config.realServers ?? standardServers(config.realServerCount ?? 2);
  const vips = [config.vip, ...config.vips.map(withoutLength), ...config.services.map((each) => each.vip)];
  const onServer = planFor(serverCidr, [
    serverNetwork.hostAddress,
    ...hosts.map(({ serverAddress }) => serverAddress),
    router.serverAddress,
    ...directorsOf(config).map((each) => each.address),
    ...listed.map((server) => server.address),
    ...vips,
  ]);
  const serverHost = hosts[0]?.serverAddress ?? serverNetwork.hostAddress ?? onServer.fixed(1);
  const serverRouter = router.serverAddress ?? onServer.fixed(200);
  const directors = directorsOf(config).map((each, index) => ({
    ...each,
    // Below the first one's, where no real server has its default.
    address: each.address ?? onServer.fixed(30 - index),
  }));
  const named = listed.map((server, index) => ({ ...server, name: server.name ?? `rs${index + 1}` }));
  // The host, the router and the directors have an address too.
  const addresses = serverAddresses(named, onServer, serverCidr.hosts - 2 - directors.length);
  const servers: RealServerDraft[] = named.map((server, index) => ({
    ...server,
    address: addresses[index] ?? NO_ADDRESS,
  }));

  const onVip =
    vipNetwork.by === "serverAddress" ? onServer : planFor(vipNetwork.prefix, [...vips, router.vipAddress]);
  const vip = config.vip ?? onVip.fixed(100);
  // Without an address in the VIPs' network the router could not ask there who has one.
  const routerVips = [vipNetwork, ...moreVipNetworks].flatMap(({ by, prefix }, place) => {
    if (by !== "address") return [];
    const own = place === 0 ? (router.vipAddress ?? onVip.fixed(200)) : planFor(prefix, vips).fixed(200);
    return [withLength(own, prefix.length)];
  });

  const six = sixNetworks(config);
  const sixOf = (
    own: string | undefined,
    at: "client" | "server" | "vip",
    address = "",
  ): string | undefined =>
    six &&
    (own ??
      addressByRule(
        address,
        { client: clientCidr, server: serverCidr, vip: vipNetwork.prefix }[at],
        six[at],
      ));
  const sixIsFlat = six?.vip.toString() === six?.server.toString();
  const clientRouter6 = sixOf(router.clientAddress6, "client", clientRouter);
  const serverRouter6 = sixOf(router.serverAddress6, "server", serverRouter);
  const client6 = sixOf(client.address6, "client", clientAddress);
  const servers6 = servers.map((server) => sixOf(server.address6, "server", server.address));
  // That of a router without an address among the VIPs of IPv4 is by the one that it would have.
  const [routerVip = serverRouter] = routerVips.map(withoutLength);
  const routerVip6 = sixIsFlat ? undefined : sixOf(router.vipAddress6, "vip", routerVip);
  /** What a NIC has: its address of each family, where there is one. */
  const both = (at: "client" | "server", address: string, address6: string | undefined): string[] => [
    withLength(address, { client: clientCidr, server: serverCidr }[at].length),
    ...(six && address6 !== undefined ? [withLength(address6, six[at].length)] : []),
  ];

  const explicitMacs = [
    client.mac,
    router.clientMac,
    router.serverMac,
    ...directors.map((each) => each.mac),
    ...servers.map((each) => each.mac),
  ];
  const takenMacs = new Set(explicitMacs.flatMap((mac) => (mac === undefined ? [] : [mac.toLowerCase()])));
  const nic = (
    network: Nic["network"],
    device: string,
    node: string,
    mac: string | undefined,
    addresses: string[],
    ssh?: unknown,
  ): Nic => ({
    network,
    // A machine's own are found by its addresses: program/machines.ts.
    device: ssh === undefined ? device : "",
    mac: ssh === undefined ? (mac?.toLowerCase() ?? macFor(project, stack, node, device, takenMacs)) : "",
    addresses,
  });
  const node = (
    role: LabNode["role"],
    from: Sized & { name: string },
    rest: Pick<LabNode, "address" | "nics"> &
      Partial<Record<"gateway" | "address6" | "gateway6", string | undefined>>,
    place = 0,
  ): LabNode =>
    given({
      name: from.name,
      role,
      domain: from.ssh === undefined ? `${prefix}-${from.name}` : "",
      memoryMiB: from.memory ?? config.memory,
      vcpus: from.vcpus ?? config.vcpus,
      ssh: machineOf(from, rest.address),
      host: from.ssh === undefined ? placed(config, from.host, place) : undefined,
      ...rest,
    }) as LabNode;
  const here = (role: "client" | "router"): LabNode => ({
    name: HERE,
    role,
    here: true,
    domain: "",
    address: "",
    memoryMiB: 0,
    vcpus: 0,
    nics: [],
  });
  const gateway = config.absent.has("router") ? undefined : serverRouter;
  const gateway6 = config.absent.has("router") ? undefined : serverRouter6;
  // Until the hosts are asked: program/tunnels.ts.
  const overhead = Math.max(
    0,
    ...hosts.flatMap(({ underlay }) => (underlay === undefined ? [] : [vxlanOverhead(underlay)])),
  );
  const network = (key: LabNetwork["key"], hostAddress: string, existingBridge?: string): LabNetwork => {
    const configured = key === "client" ? clientNetwork : serverNetwork;
    const { cidr, cidr6, mtu = MTU.usual - overhead } = configured;
    const mtuOfUnderlay = overhead > 0 && configured.mtu === undefined ? true : undefined;
    const bridge = bridgeFor(project, stack, key);
    return given({
      key,
      name: `${prefix}-${key}`,
      bridge,
      existingBridge,
      cidr,
      cidr6,
      hostAddress,
      mtu,
      mtuOfUnderlay,
    });
  };

  const [firstHost] = hosts;
  const segments = {
    client: network("client", clientHost, firstHost?.bridges?.client),
    server: network("server", serverHost, firstHost?.bridges?.server),
  };

  const port = config.port;
  const entries: RealServerEntry[] = servers.map((server) => entryOf(server, port));
  const services = resolveServices(
    config,
    {
      vip,
      vip6: sixOf(config.vip6, "vip", vip),
      addresses6: new Map(servers.map(({ address }, index) => [address, servers6[index] ?? ""])),
    },
    entries,
  );
  const sorry = config.sorryServer === false ? undefined : config.sorryServer;
  return {
    project,
    stack,
    hosts: resolveHosts(config, segments, {
      client: { prefix: clientCidr, plan: onClient },
      server: { prefix: serverCidr, plan: onServer },
    }),
    accelerator: config.accelerator,
    ...(config.image !== undefined && {
      image: given({ path: config.image, sha256: config.imageSha256?.toLowerCase() }),
    }),
    ...given({ pool: config.pool }),
    prefix,
    bootParallel: config.bootParallel ?? (config.image === undefined ? 6 : 2),
    bootTimeout: config.bootTimeout,
    segments,
    vipCidr: config.vipCidr,
    ...(moreVipNetworks.length > 0 && { moreVipCidrs: moreVipNetworks.map(({ prefix }) => String(prefix)) }),
    ...given({ vip6Cidr: six && vip6CidrOf(config) }),
    clients: [
      config.absent.has("client")
        ? here("client")
        : node("client", client, {
            address: clientAddress,
            gateway: clientRouter,
            address6: client6,
            gateway6: clientRouter6,
            nics: [
              nic(
                "client",
                "eth0",
                client.name,
                client.mac,
                both("client", clientAddress, client6),
                client.ssh,
              ),
            ],
          }),
    ],
    routers: [
      config.absent.has("router")
        ? here("router")
        : node("router", router, {
            address: serverRouter,
            address6: serverRouter6,
            nics: [
              nic(
                "client",
                "eth0",
                router.name,
                router.clientMac,
                both("client", clientRouter, clientRouter6),
                router.ssh,
              ),
              nic(
                "server",
                "eth1",
                router.name,
                router.serverMac,
                [
                  withLength(serverRouter, serverCidr.length),
                  ...routerVips,
                  ...(six && serverRouter6 !== undefined
                    ? [withLength(serverRouter6, six.server.length)]
                    : []),
                  ...(six && routerVip6 !== undefined ? [withLength(routerVip6, six.vip.length)] : []),
                ],
                router.ssh,
              ),
            ],
          }),
    ],
    directors: directors.map((each, index) => {
      const address6 = sixOf(each.address6, "server", each.address);
      return node(
        "director",
        each,
        {
          address: each.address,
          address6,
          gateway,
          gateway6,
          nics: [
            nic("server", "eth0", each.name, each.mac, both("server", each.address, address6), each.ssh),
          ],
        },
        index,
      );
    }) as [LabNode, ...LabNode[]],
    ...highAvailabilityOf(config, directors),
    realServers: servers.map((server, index) =>
      node(
        "realServer",
        server,
        {
          address: server.address,
          gateway,
          address6: servers6[index],
          gateway6,
          nics: [
            nic(
              "server",
              "eth0",
              server.name,
              server.mac,
              both("server", server.address, servers6[index]),
              server.ssh,
            ),
          ],
        },
        placeOf(server.name, index),
      ),
    ),
    arpStrategy: config.arpStrategy,
    mode: director.mode,
    ldirectord: given(config.ldirectord),
    services,
    ...resolveWorkloads(config, services, read),
    sorryPage: sorry?.page ?? "sorry server",
    drainTimeout: config.drainTimeout,
    ipvsTimeouts: config.ipvsTimeouts,
    drills: { limits: given(config.drills.limits) },
  };
}

export interface DirectorDraft extends Sized {
  readonly name: string;
  readonly address?: string | undefined;
  readonly address6?: string | undefined;
  readonly mac?: string | undefined;
  readonly priority: number;
}

/** The directors as configured, by either form, with their names and priorities. */
export function directorsOf({ director, directors }: Config): DirectorDraft[] {
  if (directors === undefined) return [{ ...director, priority: FIRST_PRIORITY }];
  return directors.map((each, index) => ({
    memory: director.memory,
    vcpus: director.vcpus,
    ...given(each),
    name: each.name ?? (directors.length === 1 ? director.name : `director${index + 1}`),
    priority: each.priority ?? FIRST_PRIORITY - 10 * index,
  }));
}

/** Near the top: VRRP waits for (256 - priority)/256 of an interval more. */
const FIRST_PRIORITY = 200;

function highAvailabilityOf(
  { highAvailability: configured }: Config,
  directors: readonly DirectorDraft[],
): Pick<Draft, "highAvailability"> {
  if (directors.length < 2) return {};
  const priorities = Object.fromEntries(directors.map(({ name, priority }) => [name, priority]));
  return { highAvailability: { ...(configured ?? highAvailability.parse({})), priorities } };
}

interface Sized {
  readonly memory?: number | undefined;
  readonly vcpus?: number | undefined;
  readonly ssh?: Config["director"]["ssh"];
  readonly host?: string | undefined;
}

function machineOf({ ssh }: Sized, address: string): Machine | undefined {
  if (ssh === undefined) return undefined;
  const { jump, ...own } = ssh;
  return given({
    ...own,
    host: ssh.host ?? address,
    hostKey: bareKey(ssh.hostKey),
    jump: jump && given({ ...jump, host: jump.host ?? "", hostKey: bareKey(jump.hostKey) }),
  }) as Machine;
}

type Plan = { [K in "fixed" | "next"]: (hostPart: number) => string };

function planFor(prefix: Prefix, taken: readonly (string | undefined)[]): Plan {
  const plan = new AddressPlan(
    prefix,
    taken.filter((address) => address !== undefined),
  );
  return {
    fixed: (hostPart) => plan.fixed(hostPart) ?? NO_ADDRESS,
    next: (hostPart) => plan.next(hostPart) ?? NO_ADDRESS,
  };
}

/**
 * Each real server's address, or a default: by the number in which its name ends, so that it keeps it when another server
 * goes. By its position where not each name has a number of its own, or the network no room for so many.
 * @param room addresses that all real servers together can have
 */
function serverAddresses(
  servers: readonly { readonly name: string; readonly address?: string | undefined }[],
  plan: Plan,
  room: number,
): string[] {
  // The article's two end in .10 and .20; more follow the director's .30, wherever there is room.
  const standard = (place: number): string => (place <= 2 ? plan.fixed(10 * place) : plan.next(28 + place));
  const explicit = servers.filter(({ address }) => address !== undefined).length;
  const highest = Math.min(HIGHEST_NUMBER, room - explicit);
  const numbers = servers.map(({ name }) => Number(/\d+$/.exec(name)?.[0]));
  const numbered =
    new Set(numbers).size === numbers.length && numbers.every((number) => number >= 1 && number <= highest);
  if (!numbered) return servers.map(({ address }, index) => address ?? standard(index + 1));
  // Of those that are not there too: whether they are must make no difference.
  const all = Array.from({ length: Math.max(...numbers) }, (_unused, index) => standard(index + 1));
  return servers.map(({ address }, index) => address ?? all[(numbers[index] ?? 0) - 1] ?? NO_ADDRESS);
}

/** The article's weights are 1 and 3; further servers count 1. */
function standardServers(count: number): NonNullable<Config["realServers"]> {
  return Array.from({ length: count }, (_unused, index) => ({ weight: index === 1 ? 3 : 1, drain: false }));
}

export function entryOf(server: RealServerDraft, port: number): RealServerEntry {
  const { name, address, weight, drain, lowerThreshold, upperThreshold, request, receive } = server;
  return given({ name, address, port, weight, drain, lowerThreshold, upperThreshold, request, receive });
}
