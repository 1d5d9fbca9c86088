/**
 * The part of `@pulumi/libvirt` that this project uses, by hand: the same type tokens, property names and package
 * registration as the SDK that `pulumi package add terraform-provider dmacvicar/libvirt 0.9.7` generates (5.8 MB), so
 * that the generated one can take its place at any time. Semantics: the provider mirrors libvirt's XML in camelCase,
 * see https://libvirt.org/format.html.
 */
import * as pulumi from "@pulumi/pulumi";
import type { DomainArgs, NetworkArgs, PoolArgs, VolumeArgs } from "./types";

export * from "./types";

const parameter = { remote: { url: "registry.opentofu.org/dmacvicar/libvirt", version: "0.9.7" } };

/** Not once when loaded: a component's plugin is loaded before it has an engine. The runtime remembers it for each engine. */
const packageRef = async (): Promise<string | undefined> =>
  pulumi.runtime.registerPackage({
    baseProviderName: "terraform-provider",
    baseProviderVersion: "1.1.3",
    baseProviderDownloadUrl: "",
    packageName: "libvirt",
    packageVersion: "0.9.7",
    base64Parameter: Buffer.from(JSON.stringify(parameter)).toString("base64"),
  });

/** Connection to one libvirt daemon. */
export interface ProviderArgs {
  /** libvirt connection URI, e.g. `qemu:///system` or `qemu+ssh://user@host/system`. */
  uri?: pulumi.Input<string>;
}

/** An explicitly configured provider; give it to components with `providers: { libvirt }`. */
export class Provider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderArgs = {}, opts?: pulumi.ResourceOptions) {
    super("libvirt", name, { uri: args.uri }, opts ?? {}, false, packageRef());
  }
}

/** A storage pool, https://libvirt.org/formatstorage.html#storage-pool-xml. */
export class Pool extends pulumi.CustomResource {
  declare public readonly name: pulumi.Output<string>;

  constructor(name: string, args: PoolArgs, opts?: pulumi.CustomResourceOptions) {
    super("libvirt:index/pool:Pool", name, { ...args }, opts ?? {}, false, packageRef());
  }
}

/** A virtual network, https://libvirt.org/formatnetwork.html. The provider applies nothing but `autostart` in place. */
export class Network extends pulumi.CustomResource {
  declare public readonly name: pulumi.Output<string>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.CustomResourceOptions) {
    super("libvirt:index/network:Network", name, { ...args }, opts ?? {}, false, packageRef());
  }
}

/** A storage volume, https://libvirt.org/formatstorage.html#storage-volume-xml. The provider cannot update one. */
export class Volume extends pulumi.CustomResource {
  declare public readonly name: pulumi.Output<string>;
  /** Absolute path on the libvirt host. */
  declare public readonly path: pulumi.Output<string>;

  constructor(name: string, args: VolumeArgs, opts?: pulumi.CustomResourceOptions) {
    // What is an output of the provider alone is unknown until the resource exists.
    super("libvirt:index/volume:Volume", name, { path: undefined, ...args }, opts ?? {}, false, packageRef());
  }
}

/** A virtual machine, https://libvirt.org/formatdomain.html. An update stops, redefines and starts it. */
export class Domain extends pulumi.CustomResource {
  declare public readonly name: pulumi.Output<string>;
  /** libvirt's, another one for each domain that is made anew. Pulumi's `id` is "missing ID" for all of them. */
  declare public readonly uuid: pulumi.Output<string>;

  constructor(name: string, args: DomainArgs, opts?: pulumi.CustomResourceOptions) {
    super("libvirt:index/domain:Domain", name, { uuid: undefined, ...args }, opts ?? {}, false, packageRef());
  }
}
