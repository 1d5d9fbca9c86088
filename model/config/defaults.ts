/** From typed configuration to the lab: every default that depends on another key, and every derived name. */
import { vxlanOverhead } from "../lab/hosts";
import { bridgeFor, macFor, prefixFor } from "../lab/naming";
import type {
  Lab,
  LabNetwork,
  LabNode,
  LibvirtHost,
  Machine,
  NetworkName,
  RealServerEntry,
  Role,
} from "../lab/types";
import { HERE } from "../../lib/sshHop";
import { resolveAddresses, type Place, type RealServerDraft } from "./addresses";
import { highAvailabilityOf } from "./directors";
import { vip6CidrOf } from "./dualStack";
import { hostsOf, placed, placeOf, resolveHosts } from "./hosts";
import type { Config } from "./schema";
import { MTU } from "./schemaHosts";
import { bareKey } from "./schemaMachine";
import { given, resolveServices } from "./serviceDefaults";
import { NO_TEXT, textsOf, type ReadText } from "./textFiles";
import { vip6Networks, vipNetworks } from "./vipNetworks";
import { resolveWorkloads } from "./workloads";

export interface Identity {
  readonly project: string;
  readonly stack: string;
}

/** A lab before the invariants are checked, and without its digest. */
export type Draft = Omit<Lab, "configHash">;

/** What the configuration says of any node. */
interface NodeDraft {
  readonly name: string;
  readonly memory?: number | undefined;
  readonly vcpus?: number | undefined;
  readonly ssh?: Config["director"]["ssh"];
  readonly host?: string | undefined;
}

/** A NIC's device, MAC address, if one is configured, and addresses. */
type NicDraft = readonly [NetworkName, device: string, mac: string | undefined, addresses: readonly string[]];

/** @param read the text files that the configuration names */
export function resolve(config: Config, identity: Identity, read: ReadText = () => NO_TEXT): Draft {
  const { project, stack } = identity;
  const prefix = prefixFor(project, stack);
  const { client, router, absent } = config;
  const addresses = resolveAddresses(config);
  const { directors, realServers } = addresses;

  const explicitMacs = [client, ...directors, ...realServers].map(({ mac }) => mac);
  const takenMacs = new Set(
    [router.clientMac, router.serverMac, ...explicitMacs].flatMap((mac) => mac?.toLowerCase() ?? []),
  );
  const node = (
    role: Role,
    from: NodeDraft,
    at: Place & { readonly gateway?: string | undefined; readonly gateway6?: string | undefined },
    nics: readonly NicDraft[],
    place = 0,
  ): LabNode => {
    // A machine's own are found by its addresses: program/machines.ts.
    const { name, ssh } = from;
    return given({
      name,
      role,
      domain: ssh === undefined ? `${prefix}-${name}` : "",
      memoryMiB: from.memory ?? config.memory,
      vcpus: from.vcpus ?? config.vcpus,
      ssh: machineOf(from, at.address),
      host: ssh === undefined ? placed(config, from.host, place) : undefined,
      address: at.address,
      gateway: at.gateway,
      address6: at.address6,
      gateway6: at.gateway6,
      nics: nics.map(([network, device, mac, own]) => ({
        network,
        device: ssh === undefined ? device : "",
        mac: ssh === undefined ? (mac?.toLowerCase() ?? macFor(project, stack, name, device, takenMacs)) : "",
        addresses: own,
      })),
    }) as LabNode;
  };
  /** A node on one segment, whose way out is the router. */
  const leaf = (
    role: Role,
    from: NodeDraft & { readonly mac?: string | undefined },
    segment: NetworkName,
    at: Place,
    place = 0,
  ): LabNode => {
    const { address: gateway, address6: gateway6 } =
      absent.has("router") && segment === "server" ? {} : addresses.router[segment];
    const nic: NicDraft = [segment, "eth0", from.mac, addresses.inNetwork(segment, at)];
    return node(role, from, { ...at, gateway, gateway6 }, [nic], place);
  };
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

  const moreVipNetworks = [vipNetworks(config), vip6Networks(config)].flatMap((networks) =>
    networks.slice(1),
  );
  const hosts = resolveHosts(config, addresses.hosts, addresses.free);
  const segments = resolveSegments(config, identity, hosts[0].segments);
  const services = resolveServices(
    config,
    {
      vip: addresses.vip,
      vip6: addresses.vip6,
      addresses6: new Map(realServers.map(({ address, address6 = "" }) => [address, address6])),
    },
    realServers.map((server) => entryOf(server, config.port)),
  );
  const sorry = config.sorryServer === false ? undefined : config.sorryServer;
  return {
    project,
    stack,
    hosts,
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
    ...(moreVipNetworks.length > 0 && {
      moreVipCidrs: moreVipNetworks.map(({ prefix: each }) => String(each)),
    }),
    ...given({ vip6Cidr: addresses.vip6 && vip6CidrOf(config) }),
    clients: [
      absent.has("client") ? here("client") : leaf("client", client, client.network, addresses.client),
    ],
    routers: [
      absent.has("router")
        ? here("router")
        : node("router", router, addresses.router.server, [
            ["client", "eth0", router.clientMac, addresses.inNetwork("client", addresses.router.client)],
            ["server", "eth1", router.serverMac, addresses.routerOnServer],
          ]),
    ],
    directors: directors.map((each, index) =>
      leaf("director", each, "server", each, index),
    ) as unknown as Draft["directors"],
    ...highAvailabilityOf(config),
    realServers: realServers.map((each, index) =>
      leaf("realServer", each, "server", each, placeOf(each.name, index)),
    ),
    arpStrategy: config.arpStrategy,
    mode: config.director.mode,
    ...(config.director.files.length > 0 && { directorFiles: textsOf(read, config.director.files) }),
    ldirectord: given(config.ldirectord),
    services,
    ...resolveWorkloads(config, services, read),
    sorryPage: sorry?.page ?? "sorry server",
    drainTimeout: config.drainTimeout,
    ipvsTimeouts: config.ipvsTimeouts,
    drills: { limits: given(config.drills.limits) },
  };
}

/** @param ofHost what the first host of the list has on them */
function resolveSegments(
  config: Config,
  { project, stack }: Identity,
  ofHost: LibvirtHost["segments"],
): Draft["segments"] {
  const hosts = hostsOf(config);
  // Until the hosts are asked: program/tunnels.ts.
  const overheads = hosts.flatMap(({ underlay }) =>
    underlay === undefined ? [] : [vxlanOverhead(underlay)],
  );
  const overhead = Math.max(0, ...overheads);
  const network = (key: NetworkName): LabNetwork => {
    const { cidr, cidr6, mtu } = config[`${key}Network`];
    const last = config.last?.segments[key];
    // When VXLAN goes, its MTU stays: with another one the network would be made anew, and every guest would start again.
    const kept = (overhead === 0 || hosts.length === 1) && last?.mtuOfUnderlay ? last.mtu : undefined;
    return given({
      key,
      name: `${prefixFor(project, stack)}-${key}`,
      bridge: bridgeFor(project, stack, key),
      cidr,
      cidr6,
      ...ofHost[key],
      mtu: mtu ?? kept ?? MTU.usual - overhead,
      mtuOfUnderlay: mtu === undefined && (overhead > 0 || kept !== undefined) ? true : undefined,
    }) as LabNetwork;
  };
  return { client: network("client"), server: network("server") };
}

function machineOf({ ssh }: NodeDraft, address: string): Machine | undefined {
  if (ssh === undefined) return undefined;
  const { jump, ...own } = ssh;
  return given({
    ...own,
    host: ssh.host ?? address,
    hostKey: bareKey(ssh.hostKey),
    jump: jump && given({ ...jump, host: jump.host ?? "", hostKey: bareKey(jump.hostKey) }),
  }) as Machine;
}

export function entryOf(server: RealServerDraft, port: number): RealServerEntry {
  const { name, address, weight, drain, lowerThreshold, upperThreshold, request, receive } = server;
  return given({ name, address, port, weight, drain, lowerThreshold, upperThreshold, request, receive });
}
