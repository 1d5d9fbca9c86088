import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { clusterParts } from "../../components/lvsCluster";
import type { Health } from "../../model/health";
import { nodesByName, ordinalOf, suffixOf } from "../../model/lab/hosts";
import { guestsOf, serviceUrl, type LibvirtHost } from "../../model/lab/types";
import { privateKeys } from "../../program/machines";
import { absentLogins, isAbsent } from "../../program/absence";
import { loginTo, observeHealth } from "../../program/observation";
import { ownPreflight } from "../../program/preflight";
import type { LvsClusterArgs } from "./args";
import type { ClusterAccess, ClusterHealth, ClusterNode } from "./outputs";

/**
 * An LVS (IPVS) cluster in cross-subnet Direct Routing mode: a router, a client, one or two directors and the real servers behind the VIP,
 * checked by ldirectord or keepalived. Each is a virtual machine on one libvirt host or several, or a machine that exists and is reached by SSH;
 * the libvirt objects are named after project, stack and cluster.
 */
export class LvsCluster extends pulumi.ComponentResource {
  /** The VIP of the main service. */
  public readonly vip: pulumi.Output<string>;
  /** Where the main service is asked. */
  public readonly url: pulumi.Output<string>;
  /** The guests, and machines that exist, by name. */
  public readonly nodes: pulumi.Output<{ [name: string]: ClusterNode }>;
  /** "sha256:…" of the guests' image. */
  public readonly imageDigest: pulumi.Output<string | undefined>;
  /** The private key that opens every guest, in PEM; secret. */
  public readonly privateKey: pulumi.Output<string>;
  /** How each guest and machine is reached, and the private key of the guests; secret. */
  public readonly access: pulumi.Output<ClusterAccess>;
  /** The health as it was found at the last `up`. */
  public readonly health: pulumi.Output<ClusterHealth>;

  constructor(name: string, args: LvsClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:LvsCluster", name, {}, opts);
    const outputs = build(this, name, args);
    const output = <K extends keyof Outputs>(key: K) => pulumi.output(outputs.then((all) => all[key]));
    this.vip = output("vip");
    this.url = output("url");
    this.nodes = output("nodes");
    this.imageDigest = output("imageDigest");
    this.privateKey = output("privateKey");
    this.access = output("access");
    this.health = output("health");
    this.registerOutputs({ imageDigest: this.imageDigest });
  }
}

/** As Pulumi's types have it: nothing is `null`, and no list is read-only. */
type Plain<T> = T extends readonly (infer E)[]
  ? Plain<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Plain<Exclude<T[K], null>> }
    : T;

type Outputs = Awaited<ReturnType<typeof build>>;

/** Not in the constructor: whether the host can carry the cluster, and what its guests are, is known only when it was asked. */
async function build(cluster: LvsCluster, name: string, args: LvsClusterArgs) {
  const { lab, reachable, accelerator, order } = await ownPreflight(name, args);
  const given = cluster.getProvider("libvirt:index/network:Network");
  const hosted = guestsOf(lab).length === 0 ? [] : lab.hosts;
  // What the cluster was given is the first host's.
  const own = hosted.filter((host) => given === undefined || ordinalOf(lab, host) > 0);
  const needed = own.filter((host) => !isAbsent(host));
  const providerOf = (host: LibvirtHost): libvirt.Provider =>
    new libvirt.Provider(
      `${name}-libvirt${suffixOf(lab, host)}`,
      { uri: host.libvirtUri },
      { parent: cluster },
    );
  const { privateKey, imageDigest, hosts, configured } = clusterParts(cluster, name, {
    lab,
    accelerator,
    directorOrder: order,
    absent: new Set(lab.hosts.filter(isAbsent).map((host) => host.name)),
    privateKeys: privateKeys(lab),
    providers: new Map(needed.map((host) => [host.name, providerOf(host)])),
  });
  const access = loginTo(lab, hosts, privateKey, await absentLogins(lab));
  const health = reachable ? await observeHealth(lab, access, hosts, [...configured]) : pulumi.unknown;
  const [service] = lab.services;
  return {
    vip: service.vip,
    url: serviceUrl(service),
    nodes: nodesByName(lab),
    imageDigest,
    privateKey,
    access: access as pulumi.Output<ClusterAccess>,
    health: pulumi.output(health).apply((seen): ClusterHealth => seen as Plain<Health>),
  };
}
