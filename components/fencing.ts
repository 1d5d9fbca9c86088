import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { scriptWord } from "../lib/scripts";
import { fencingFiles, fencingPlace } from "../model/director/pacemaker/fencing";
import type { Lab } from "../model/lab/types";
import type { Network } from "./network";

const SCRIPT = "host/fence.sh";

export interface FencingArgs {
  readonly lab: Lab;
  /** What the key is made of. */
  readonly secret: pulumi.Output<string>;
  /** On whose address the host is asked. */
  readonly network: Network;
}

/** Power over a lab's two directors: a fence_virtd of this host, which listens to them alone and has power over them alone. */
export class Fencing extends pulumi.ComponentResource {
  /** Resolves when it runs. */
  public readonly ready: local.Command;

  constructor(name: string, { lab, secret, network }: FencingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lvsdr:index:Fencing", name, {}, opts);
    const run = `bash ${scriptWord(SCRIPT)}`;
    const place = fencingPlace(lab);
    const start = `${run} start ${place}`;
    this.ready = new local.Command(
      name,
      {
        create: start,
        update: start,
        delete: `${run} stop ${place}`,
        stdin: pulumi.secret(secret.apply((text) => fencingFiles({ ...lab, authority: { secret: text } }))),
        logging: "none",
        addPreviousOutputInEnv: false,
      },
      { parent: this, ...(network.resource && { dependsOn: network.resource }) },
    );
    this.registerOutputs({});
  }
}
