import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { dialErrorLimit } from "../lib/dialling";
import { readScript } from "../lib/scripts";
import { asRoot } from "../lib/text";
import { rolePayload } from "../model/guest/payload";
import { INSTALL_AND_START, removeRole } from "../model/guest/script";
import type { Role } from "../model/lab/types";

/** A machine reachable by SSH: plain data, so that components after the VM know nothing of libvirt. */
export interface Host {
  readonly name: string;
  readonly address: string;
  /** Of its SSH server; 22 where it is absent. */
  readonly port?: number;
  readonly user: string;
  /** Absent: the SSH agent's keys open it. */
  readonly privateKey?: pulumi.Input<string> | undefined;
  /** Pinned: a connection to a machine with another key fails. */
  readonly hostKey: pulumi.Input<string>;
  /** It existed before and outlives the stack: the role that is taken from it in the end. */
  readonly existing?: string;
  /** Machine through which it is reached, when libvirt runs on another host. */
  readonly proxy?: {
    readonly host: string;
    readonly user: string;
    readonly port: number;
    /** Pinned; absent: any machine is believed to be it. */
    readonly hostKey?: string;
    /** Absent: the SSH agent's keys open it. */
    readonly privateKey?: pulumi.Input<string> | undefined;
  };
  /** Seconds it may take until it answers, counted from the first attempt. */
  readonly bootTimeout: number;
  /** What is to be done before it is configured, such as its boot; a preview knows its `stdout` unless it would be done again. */
  readonly after?: pulumi.Resource & { readonly stdout?: pulumi.Output<string> };
  /** Changes when the machine has lost what was configured in it: then the script runs again. */
  readonly generation: readonly pulumi.Input<string>[];
}

export interface GuestRoleArgs {
  /** The machine that gets the role. */
  readonly host: Host;
  /** The settings of the role's script (model/guestSettings.ts): shell variables by name. */
  readonly settings: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Whether a password is in them: then state and previews veil the script. */
  readonly secret?: boolean;
  /** Whether a machine that loses the role does so before another one gets it, since somebody else serves meanwhile; else it does in the end. */
  readonly endsFirst?: boolean;
}

/**
 * What a guest is for: its script with its settings, sent whenever one of them changes. The payload stays in the guest
 * as /usr/local/sbin/lvs-dr and runs again at every boot. A guest's has no `delete`: it ends with its machine.
 */
export abstract class GuestRole extends pulumi.ComponentResource {
  /** Resolves when the guest is configured. */
  public readonly configured: remote.Command;

  protected constructor(
    type: string,
    role: Role,
    name: string,
    args: GuestRoleArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(type, name, {}, opts);
    const { host } = args;
    const payload = pulumi.output(args.settings).apply((settings) => rolePayload(role, settings, readScript));
    const install = host.existing ? asRoot(host.user, INSTALL_AND_START) : INSTALL_AND_START;
    this.configured = new remote.Command(
      name,
      {
        connection: {
          host: host.address,
          port: host.port ?? 22,
          user: host.user,
          privateKey: host.privateKey,
          hostKey: host.hostKey,
          dialErrorLimit: dialErrorLimit(host.bootTimeout),
          perDialTimeout: 10,
          ...(host.proxy && { proxy: { ...host.proxy, dialErrorLimit: 3, perDialTimeout: 15 } }),
        },
        create: install,
        update: install,
        ...(host.existing && { delete: asRoot(host.user, removeRole(host.existing)) }),
        stdin: args.secret ? pulumi.secret(payload) : payload,
        triggers: [...host.generation],
        logging: "none",
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        ...(host.after && { dependsOn: host.after }),
        ...(args.endsFirst && { deleteBeforeReplace: true }),
      },
    );
    this.registerOutputs({});
  }
}
