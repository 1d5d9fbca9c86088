import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { poolPath } from "../model/lab/naming";
import type { Lab } from "../model/lab/types";

export interface PoolArgs {
  /** Says whether the stack has a pool of its own, and how it is called. */
  readonly lab: Lab;
}

/** The storage pool of a stack: its own, gone with it, or an existing one that the configuration names. */
export class Pool extends pulumi.ComponentResource {
  public readonly poolName: pulumi.Input<string>;

  constructor(name: string, args: PoolArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Pool", name, {}, opts);
    const { lab } = args;
    this.poolName =
      lab.pool ??
      new libvirt.Pool(
        name,
        {
          name: lab.prefix,
          type: "dir",
          // Others on the host may pass through but not look around: seed volumes hold host keys.
          target: { path: poolPath(lab.prefix), permissions: { mode: "0711" } },
          create: { build: true, start: true, autostart: true },
          destroy: { delete: true },
        },
        { parent: this, deleteBeforeReplace: true, replaceOnChanges: ["name", "type", "target"] },
      ).name;
    this.registerOutputs({ poolName: this.poolName });
  }
}
