import * as pulumi from "@pulumi/pulumi";
import { APPLIED_LAB } from "../model/lab/naming";
import type { Lab, VirtualService } from "../model/lab/types";

export interface AppliedLabArgs {
  readonly lab: Lab;
  /** What must have succeeded before the lab counts as applied. */
  readonly configured: readonly pulumi.CustomResource[];
}

/**
 * The lab as it was last applied, for `scripts/lab`. It stays in the stack's state, whichever backend keeps that, and is not
 * an output: as one it would fill hundreds of lines of every preview.
 */
export class AppliedLab extends pulumi.ComponentResource {
  constructor(name: string, { lab, configured }: AppliedLabArgs, opts?: pulumi.ComponentResourceOptions) {
    super(APPLIED_LAB, name, {}, opts);
    // One field waits for the guests, and the record with it. Were all of it in an `apply`, one password would veil all of it.
    const configHash = pulumi.all(configured.map(({ id }) => id)).apply(() => lab.configHash);
    this.registerOutputs({ lab: { ...lab, services: lab.services.map(veiled), configHash } });
  }
}

/** A service whose check's passwords are secret, and nothing else: messages may name guests and addresses. */
function veiled({ check: { passwd, secret, ...check }, ...service }: VirtualService): pulumi.Inputs {
  return {
    ...service,
    check: {
      ...check,
      ...(passwd !== undefined && { passwd: pulumi.secret(passwd) }),
      ...(secret !== undefined && { secret: pulumi.secret(secret) }),
    },
  };
}
