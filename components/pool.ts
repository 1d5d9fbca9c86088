import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";

export interface PoolArgs {
  /** An existing pool to use as it is. Plain: with it none is created. */
  readonly existing?: string;
  /** Name of the pool that is created otherwise. */
  readonly poolName: pulumi.Input<string>;
  /** Its directory on the libvirt host; it goes with the pool. */
  readonly path: pulumi.Input<string>;
}

/** The storage pool of a stack: its own, gone with it, or an existing one that the configuration names. */
export class Pool extends pulumi.ComponentResource {
  public readonly poolName: pulumi.Input<string>;

  constructor(name: string, args: PoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Pool", name, {}, opts);
    this.poolName =
      args.existing ??
      new libvirt.Pool(
        name,
        {
          name: args.poolName,
          type: "dir",
          // Others on the host may pass through but not look around: seed volumes hold host keys.
          target: { path: args.path, permissions: { mode: "0711" } },
          create: { build: true, start: true, autostart: true },
          destroy: { delete: true },
        },
        { parent: this, deleteBeforeReplace: true, replaceOnChanges: ["name", "type", "target"] },
      ).name;
    this.registerOutputs({ poolName: this.poolName });
  }
}
