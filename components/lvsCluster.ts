import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { guestSettings } from "../model/guest/settings";
import { Prefix } from "../model/lab/address";
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
  type Machine,
  type NetworkName,
  type RemoteHost,
  type Role,
} from "../model/lab/types";
import { hasFiles, imagePackages, needsAuthority } from "../model/lab/workloads";
import { AppliedLab } from "./appliedLab";
import { GuestImage, type GuestImageArgs } from "./guestImage";
import type { GuestRole, GuestRoleArgs, Host } from "./guestRole";
import { Network, type NetworkArgs } from "./network";
import { Pool, type PoolArgs } from "./pool";
import { Client, Director, RealServer, Router } from "./roles";
import { VirtualMachine, type VirtualMachineArgs } from "./virtualMachine";

export interface ClusterPartsArgs {
  /** The validated description. Plain: it decides which resources there are. */
  readonly lab: Lab;
  /** `kvm` or `qemu` (TCG). */
  readonly accelerator: "kvm" | "qemu";
  /** Names of two directors in the order in which they are changed, one after the other; absent: at once. */
  readonly directorOrder?: readonly string[] | undefined;
  /** The private key that opens the libvirt host, when that is another one and no SSH agent has it. */
  readonly hostPrivateKey?: pulumi.Input<string> | undefined;
  /** The private keys that open machines that exist, and those on the way there, by the files that the configuration names. */
  readonly privateKeys?: Readonly<Record<string, pulumi.Input<string>>>;
  /** The provider of libvirt's resources, where the cluster itself was given none. */
  readonly provider?: pulumi.ProviderResource | undefined;
}

export interface ClusterParts {
  /** The private key that opens every guest; secret. */
  readonly privateKey: pulumi.Output<string>;
  /** "sha256:…" of the guests' image. */
  readonly imageDigest: pulumi.Output<string | undefined>;
  /** The guests, in the order in which they are configured. */
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
  const { image, remoteHost, prefix } = lab;
  return { image, packages: imagePackages(lab), upload: remoteHost && { pool, prefix } };
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
    libvirtUri: lab.libvirtUri,
    proxy: lab.remoteHost,
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
  const { lab, accelerator, provider } = args;
  const own = name === MAIN_CLUSTER;
  const named = (part: string): string => (own ? part : `${name}-${part}`);
  // The parts were the stack's own children before there was a cluster.
  const key = { parent: cluster, ...(own && { aliases: [{ parent: pulumi.rootStackResource }] }) };
  const child = { ...key, ...(provider && { providers: { libvirt: provider } }) };

  const shared = guestsOf(lab).length > 0 ? sharedByGuests() : undefined;
  const imageDigest = shared?.image.contentDigest() ?? pulumi.output(undefined);
  const privateKey = shared?.privateKey ?? pulumi.secret("");

  const ids = guestIds(labNodes(lab));
  const authority = needsAuthority(lab)
    ? new random.RandomPassword(named("authority"), KEY_SECRET, key).result
    : undefined;

  const hosts: Host[] = [];
  const configured: pulumi.CustomResource[] = [];
  const guest = (node: LabNode, dependsOn: pulumi.Resource[] = [], after?: pulumi.Resource): void => {
    const id = named(ids.get(node) ?? node.name);
    const host = node.ssh ? existingHost(node, node.ssh, args.privateKeys) : guestHost(id, node, after);
    const settings = settingsOf(lab, node, authority);
    const secret =
      (node.role === "director" && hasPassword(lab)) || (node.role === "realServer" && hasFiles(lab));
    const role = new ROLES[node.role](id, { host, settings, secret }, { ...child, dependsOn });
    hosts.push(host);
    configured.push(role.configured);
  };
  const [client] = lab.clients;
  for (const node of [...lab.routers, client, ...lab.realServers]) if (!node.here) guest(node);
  // Last: what it puts into the table answers by then.
  const before = [...configured];
  const order = args.directorOrder ?? [];
  const place = ({ name }: LabNode): number => order.indexOf(name);
  for (const [index, node] of lab.directors.toSorted((a, b) => place(a) - place(b)).entries()) {
    // The VIP is at the other one meanwhile.
    const former = index > 0 && order.length > 0 ? configured.at(-1) : undefined;
    guest(node, former === undefined ? before : [...before, former], former);
  }
  new AppliedLab(named("lab"), { lab, configured, authority }, child);
  return { privateKey, imageDigest, hosts, configured };

  function sharedByGuests() {
    const { poolName: pool } = new Pool(named("pool"), poolArgs(lab), child);
    const networks = {
      client: new Network(named("client-network"), networkArgs(lab.segments.client), child),
      server: new Network(named("server-network"), networkArgs(lab.segments.server), child),
    };
    const image = new GuestImage(named("image"), imageArgs(lab, pool), child);
    const { result } = new random.RandomPassword(named("ssh-key"), KEY_SECRET, key);
    const pair = result.apply((text) => sshKeyPair(text, lab.prefix));
    const opens = pulumi.secret(pair.apply((both) => both.privateKey));
    const authorizedKey = pulumi.unsecret(pair.apply(({ publicKey }) => publicKey));
    return { pool, networks, image, privateKey: opens, authorizedKey };
  }

  function guestHost(id: string, node: LabNode, after: pulumi.Resource | undefined): Host {
    if (shared === undefined)
      throw new Error(`${node.name} is a guest, and there is nothing that guests share`);
    const { image, networks, pool, authorizedKey } = shared;
    const machine = new VirtualMachine(
      id,
      {
        ...machineArgs(lab, node, networks),
        boot: image.source,
        pool,
        authorizedKey,
        accelerator,
        // Under TCG guests that boot at once slow each other down: they take turns.
        bootAfter: after ?? (accelerator === "qemu" ? configured.at(-lab.bootParallel) : undefined),
      },
      child,
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
      proxy: lab.remoteHost && proxyOf(lab.remoteHost, args.hostPrivateKey),
    };
  }
}

/** Seconds for a machine that exists: it has been asked a moment ago. */
const EXISTING_TIMEOUT = 30;

function existingHost(
  { name }: LabNode,
  { host, user, port, hostKey = "", keyFile = "", jump }: Machine,
  keys: ClusterPartsArgs["privateKeys"] = {},
): Host {
  return {
    name,
    address: host,
    port,
    user,
    hostKey,
    privateKey: keys[keyFile],
    existing: true,
    bootTimeout: EXISTING_TIMEOUT,
    generation: [],
    ...(jump && { proxy: proxyOf(jump, keys[jump.keyFile ?? ""]) }),
  };
}

/** A guest's settings. Of what follows from the authority's secret only the real servers' keys are secret. */
function settingsOf(
  lab: Lab,
  node: LabNode,
  authority: pulumi.Output<string> | undefined,
): GuestRoleArgs["settings"] {
  if (authority === undefined || node.role === "router") return { ...guestSettings(lab, node) };
  const settings = authority.apply((secret) => ({
    ...guestSettings({ ...lab, authority: { secret } }, node),
  }));
  return node.role === "realServer" ? settings : pulumi.unsecret(settings);
}

/** A machine on the way to a host. */
function proxyOf(
  { host, user, port, hostKey }: RemoteHost,
  privateKey: ClusterPartsArgs["hostPrivateKey"],
): Host["proxy"] {
  return { host, user, port, hostKey, privateKey };
}
