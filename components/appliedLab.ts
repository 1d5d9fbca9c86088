import * as pulumi from "@pulumi/pulumi";
import { APPLIED_LAB } from "../model/lab/naming";
import type { Lab, VirtualService } from "../model/lab/types";

export interface AppliedLabArgs {
  readonly lab: Lab;
  /** What must have succeeded before the lab counts as applied. */
  readonly configured: readonly pulumi.CustomResource[];
  /** The secret of the lab's own authority, if it has one. */
  readonly authority?: pulumi.Output<string> | undefined;
}

/**
 * The lab as it was last applied, for `scripts/lab`. It stays in the stack's state, whichever backend keeps that, and is not
 * an output: as one it would fill hundreds of lines of every preview.
 */
export class AppliedLab extends pulumi.ComponentResource {
  constructor(
    name: string,
    { lab, configured, authority }: AppliedLabArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super(APPLIED_LAB, name, {}, opts);
    // One field waits for the guests, and the record with it. Were all of it in an `apply`, one password would veil all of it.
    const configHash = pulumi.all(configured.map(({ id }) => id)).apply(() => lab.configHash);
    const workloads = lab.workloads?.map(({ files, ...workload }) => ({
      ...workload,
      files: Object.keys(files).length === 0 ? files : pulumi.secret(files),
    }));
    const { web, services, directorFiles, ...rest } = lab;
    this.registerOutputs({
      lab: {
        ...rest,
        services: services.map(veiled),
        ...(workloads && { workloads }),
        ...(directorFiles && { directorFiles: pulumi.secret(directorFiles) }),
        ...(web && { web: { ...web, key: pulumi.secret(web.key) } }),
        ...(authority && { authority: { secret: authority } }),
        configHash,
      },
    });
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
