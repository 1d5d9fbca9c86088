import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { hasFencing } from "../model/director/pacemaker/fencing";
import { imagePackages } from "../model/guest/imagePackages";
import { guestSettings, roleAt } from "../model/guest/settings";
import { Prefix } from "../model/lab/address";
import { hostOf, labAt, suffixOf } from "../model/lab/hosts";
import { MAIN_CLUSTER, poolPath } from "../model/lab/naming";
import { KEY_SECRET, sshKeyPair } from "../model/guest/sshKey";
import {
  guestIds,
  guestsOf,
  hasPassword,
  labNodes,
  type Lab,
  type LabNetwork,
  type LabNode,
  type LibvirtHost,
  type Machine,
  type NetworkName,
  type RemoteHost,
  type Role,
} from "../model/lab/types";
import { hasTunnels, joinCalls, proveCalls, tunnelDevices } from "../model/lab/tunnels";
import { hasFiles, needsAuthority } from "../model/lab/workloads";
import { AppliedLab } from "./appliedLab";
import { Fencing } from "./fencing";
import { GuestImage, type GuestImageArgs } from "./guestImage";
import type { GuestRole, GuestRoleArgs, Host } from "./guestRole";
import { Network, type NetworkArgs } from "./network";
import { Pool, type PoolArgs } from "./pool";
import { Client, Director, RealServer, Router } from "./roles";
import { Tunnels } from "./tunnels";
import { VirtualMachine, type VirtualMachineArgs } from "./virtualMachine";

export interface ClusterPartsArgs {
  /** The validated description. Plain: it decides which resources there are. */
  readonly lab: Lab;
  /** `kvm` or `qemu` (TCG). */
  readonly accelerator: "kvm" | "qemu";
  /** Names of two directors in the order in which they are changed, one after the other; absent: at once. */
  readonly directorOrder?: readonly string[] | undefined;
  /** The private keys that open libvirt's other hosts, machines that exist, and those on the way there, by the files that the configuration names. */
  readonly privateKeys?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Names of hosts that do not answer: nothing is registered of what they have, which the engine then keeps as it is. */
  readonly absent?: ReadonlySet<string>;
  /** The provider of the resources of each host's libvirt, by the host's name; absent for the one that the cluster itself was given. */
  readonly providers?: ReadonlyMap<string, pulumi.ProviderResource>;
}

export interface ClusterParts {
  /** The private key that opens every guest; secret. */
  readonly privateKey: pulumi.Output<string>;
  /** "sha256:…" of the guests' image. */
  readonly imageDigest: pulumi.Output<string | undefined>;
  /** The nodes, in the order in which they are configured, without those of hosts that do not answer. */
  readonly hosts: readonly Host[];
  /** Resolve when the guests are configured. */
  readonly configured: readonly pulumi.CustomResource[];
}

type RoleClass = new (name: string, args: GuestRoleArgs, opts: pulumi.ComponentResourceOptions) => GuestRole;
const ROLES: Readonly<Record<Role, RoleClass>> = {
  router: Router,
  client: Client,
  realServer: RealServer,
  director: Director,
};

/** What guests share, or are given by the others. */
type SharedArgs = Pick<VirtualMachineArgs, "boot" | "pool" | "authorizedKey" | "accelerator" | "bootAfter">;

export function poolArgs({ pool, prefix }: Lab): PoolArgs {
  return { existing: pool, poolName: prefix, path: poolPath(prefix) };
}

export function networkArgs({
  name,
  bridge,
  hostAddress,
  cidr,
  mtu,
  existingBridge,
}: LabNetwork): NetworkArgs {
  const prefix = Prefix.parse(cidr).length;
  return { networkName: name, bridge, address: hostAddress, prefix, mtu, existingBridge };
}

export function imageArgs(lab: Lab, pool: pulumi.Input<string>): GuestImageArgs {
  const { image, hosts, prefix } = lab;
  return { image, packages: imagePackages(lab), upload: hosts[0].remote && { pool, prefix } };
}

/** What a guest has of its own, without what it shares with others. */
export function machineArgs(
  lab: Lab,
  node: LabNode,
  networks: Readonly<Record<NetworkName, Network>>,
): Omit<VirtualMachineArgs, keyof SharedArgs> {
  return {
    domainName: node.domain,
    // The audit knows a stack's guests by it.
    title: `${lab.project} ${lab.stack}: ${node.role} ${node.name}`,
    hostName: node.name,
    address: node.address,
    gateway: node.gateway,
    gateway6: node.gateway6,
    memoryMiB: node.memoryMiB,
    vcpus: node.vcpus,
    nics: node.nics.map(({ network, device, mac, addresses }) => ({
      network: networks[network],
      device,
      mac,
      addresses: [...addresses],
    })),
    place: `host${suffixOf(lab, hostOf(lab, node))}`,
    libvirtUri: hostOf(lab, node).libvirtUri,
    proxy: hostOf(lab, node).remote,
    bootTimeout: lab.bootTimeout,
    seedDirectory: `.lab/${lab.stack}/seeds`,
  };
}

/**
 * The whole cluster on one libvirt host: pool, networks, image, guests, and what each guest is for.
 * @param cluster their parent
 * @param name its name
 */
export function clusterParts(
  cluster: pulumi.ComponentResource,
  name: string,
  args: ClusterPartsArgs,
): ClusterParts {
  const { lab, accelerator, providers, privateKeys = {}, absent = new Set() } = args;
  const present = lab.hosts.filter(({ name }) => !absent.has(name));
  const own = name === MAIN_CLUSTER;
  const named = (part: string): string => (own ? part : `${name}-${part}`);
  // The parts were the stack's own children before there was a cluster.
  const key = { parent: cluster, ...(own && { aliases: [{ parent: pulumi.rootStackResource }] }) };
  const childOn = ({ name }: LibvirtHost) => {
    const provider = providers?.get(name);
    return { ...key, ...(provider && { providers: { libvirt: provider } }) };
  };

  const shared = guestsOf(lab).length > 0 ? sharedByGuests() : undefined;
  const imageDigest = shared?.image?.contentDigest() ?? pulumi.output(undefined);
  const privateKey = shared?.privateKey ?? pulumi.secret("");

  const ids = guestIds(labNodes(lab));
  const authority =
    needsAuthority(lab) || hasFencing(lab)
      ? new random.RandomPassword(named("authority"), KEY_SECRET, key).result
      : undefined;

  const hosts: Host[] = [];
  const configured: pulumi.CustomResource[] = [];
  // Of each host's guests.
  const configuredOn = new Map(lab.hosts.map(({ name }): [string, pulumi.CustomResource[]] => [name, []]));
  const guest = (node: LabNode, dependsOn: pulumi.Resource[] = [], after?: pulumi.Resource): void => {
    if (node.ssh === undefined && absent.has(hostOf(lab, node).name)) return;
    const id = named(ids.get(node) ?? node.name);
    const host = node.ssh ? existingHost(node, node.ssh, privateKeys) : guestHost(id, node, after);
    const settings = settingsOf(lab, node, authority);
    const secret =
      hasFiles(lab, node.role) || (node.role === "director" && (hasPassword(lab) || hasFencing(lab)));
    // Of two directors the former machine may hold the VIP, which goes to the other one.
    const endsFirst = node.role === "director" && lab.highAvailability !== undefined;
    const role = new ROLES[node.role](id, { host, settings, secret, endsFirst }, { ...key, dependsOn });
    hosts.push(host);
    configured.push(role.configured);
    if (node.ssh === undefined) at(configuredOn, hostOf(lab, node)).push(role.configured);
  };
  const [client] = lab.clients;
  for (const node of [...lab.routers, client, ...lab.realServers]) if (!node.here) guest(node);
  // Last: what it puts into the table answers by then.
  const before: pulumi.Resource[] = [...configured];
  if (authority && hasFencing(lab)) {
    const { networks } = at(shared?.hosts ?? new Map(), lab.hosts[0]);
    before.push(
      new Fencing(named("fencing"), { lab, secret: authority, network: networks.server }, key).ready,
    );
  }
  const order = args.directorOrder ?? [];
  const place = ({ name }: LabNode): number => order.indexOf(name);
  for (const [index, node] of lab.directors.toSorted((a, b) => place(a) - place(b)).entries()) {
    // The VIP is at the other one meanwhile.
    const former = index > 0 && order.length > 0 ? configured.at(-1) : undefined;
    guest(node, former === undefined ? before : [...before, former], former);
  }
  new AppliedLab(named("lab"), { lab, configured, authority }, key);
  return { privateKey, imageDigest, hosts, configured };

  function sharedByGuests() {
    const hosts = new Map(present.map((host) => [host.name, sharedOn(host)]));
    const { result } = new random.RandomPassword(named("ssh-key"), KEY_SECRET, key);
    const pair = result.apply((text) => sshKeyPair(text, lab.prefix));
    const opens = pulumi.secret(pair.apply((both) => both.privateKey));
    const authorizedKey = pulumi.unsecret(pair.apply(({ publicKey }) => publicKey));
    // The same for all of them.
    const image = present[0] && at(hosts, present[0]).image;
    return { hosts, joined: hasTunnels(lab) ? join(hosts) : [], image, privateKey: opens, authorizedKey };
  }

  /** What the guests of one host share. */
  function sharedOn(host: LibvirtHost) {
    const child = childOn(host);
    const there = labAt(lab, host);
    const part = (of: string): string => named(of + suffixOf(lab, host));
    const { poolName: pool } = new Pool(part("pool"), poolArgs(lab), child);
    const networks = {
      client: new Network(part("client-network"), networkArgs(there.segments.client), child),
      server: new Network(part("server-network"), networkArgs(there.segments.server), child),
    };
    const image = new GuestImage(part("image"), imageArgs(there, pool), child);
    return { pool, networks, image };
  }

  /** Resolves when each host's segments are one with the others'. */
  function join(hosts: ReadonlyMap<string, ReturnType<typeof sharedOn>>): pulumi.Resource[] {
    const tunnels = present.map((host) => {
      const { networks } = at(hosts, host);
      const bridges = Object.values(networks).flatMap(({ resource }) => (resource ? [resource.id] : []));
      const login = host.remote && proxyOf(host.remote, privateKeys);
      return new Tunnels(
        named(`tunnels-${host.name}`),
        {
          ...(login && { login }),
          join: joinCalls(lab, host),
          prove: proveCalls(lab, host),
          devices: tunnelDevices(lab),
          bridges,
        },
        key,
      );
    });
    return tunnels.map((each) => each.prove(tunnels));
  }

  function guestHost(id: string, node: LabNode, after: pulumi.Resource | undefined): Host {
    if (shared === undefined)
      throw new Error(`${node.name} is a guest, and there is nothing that guests share`);
    const host = hostOf(lab, node);
    const { image, networks, pool } = at(shared.hosts, host);
    // Under TCG guests of one host that boot at once slow each other down: they take turns.
    const turn = after ?? (accelerator === "qemu" ? at(configuredOn, host).at(-lab.bootParallel) : undefined);
    const machine = new VirtualMachine(
      id,
      {
        ...machineArgs(lab, node, networks),
        boot: image.source,
        pool,
        authorizedKey: shared.authorizedKey,
        accelerator,
        bootAfter: [...shared.joined, ...(turn ? [turn] : [])],
      },
      childOn(host),
    );
    return {
      name: node.name,
      address: node.address,
      user: "root",
      privateKey,
      hostKey: machine.hostKey,
      bootTimeout: lab.bootTimeout,
      after: machine.booted,
      generation: machine.generation,
      proxy: host.remote && proxyOf(host.remote, privateKeys),
    };
  }
}

function at<T>(hosts: ReadonlyMap<string, T>, { name }: LibvirtHost): T {
  const found = hosts.get(name);
  if (found === undefined) throw new Error(`no host is called ${name}`);
  return found;
}

/** Seconds for a machine that exists: it has been asked a moment ago. */
const EXISTING_TIMEOUT = 30;

function existingHost(node: LabNode, machine: Machine, keys: PrivateKeys): Host {
  const { host, user, port, hostKey = "", keyFile = "", jump } = machine;
  const existing = roleAt(node, machine);
  return {
    name: node.name,
    address: host,
    port,
    user,
    hostKey,
    privateKey: keys[keyFile],
    existing,
    bootTimeout: EXISTING_TIMEOUT,
    // The role may move to another machine: then this one gives it back.
    generation: [existing],
    ...(jump && { proxy: proxyOf(jump, keys) }),
  };
}

/** A guest's settings. Of what follows from the lab's secret only keys are secret: the real servers', and those of a cluster of directors. */
function settingsOf(
  lab: Lab,
  node: LabNode,
  authority: pulumi.Output<string> | undefined,
): GuestRoleArgs["settings"] {
  if (authority === undefined || node.role === "router") return { ...guestSettings(lab, node) };
  const settings = authority.apply((secret) => ({
    ...guestSettings({ ...lab, authority: { secret } }, node),
  }));
  const keeps = node.role === "realServer" || (node.role === "director" && hasFencing(lab));
  return keeps ? settings : pulumi.unsecret(settings);
}

type PrivateKeys = NonNullable<ClusterPartsArgs["privateKeys"]>;

/** A machine on the way to a host. */
function proxyOf(
  { host, user, port, hostKey, keyFile = "" }: RemoteHost,
  keys: PrivateKeys,
): NonNullable<Host["proxy"]> {
  return { host, user, port, hostKey, privateKey: keys[keyFile] };
}
