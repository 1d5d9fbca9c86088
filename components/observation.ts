import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Health } from "../model/health";
import type { Lab, RemoteHost, VirtualService } from "../model/types";
import type { Host } from "./guestRole";

/** How to reach the guests; what `scripts/lab ssh` and every observation use. */
export interface Access {
  /** The lab as it was applied. */
  readonly lab: Lab;
  readonly privateKey: string;
  readonly hosts: Readonly<
    Record<string, { address: string; user: string; hostKey: string; proxy?: RemoteHost }>
  >;
}

/**
 * Gathers what the hosts' components know into one output. Secret in it is what must be: were all of it, every name and
 * address in it would be masked in every message.
 */
export function accessTo(
  lab: Lab,
  hosts: readonly Host[],
  privateKey: pulumi.Output<string>,
): { lab: pulumi.Inputs; privateKey: pulumi.Output<string>; hosts: pulumi.Output<Access["hosts"]> } {
  const entries = hosts.map((host) =>
    pulumi.output(host.hostKey).apply((hostKey) => {
      const { address, user } = host;
      // Its private key stays in the file that the configuration names.
      const proxy = lab.remoteHost && { proxy: lab.remoteHost };
      return [host.name, { address, user, hostKey, ...proxy }] as const;
    }),
  );
  return {
    lab: { ...lab, services: lab.services.map(veiled) },
    privateKey: pulumi.secret(privateKey),
    hosts: pulumi.all(entries).apply((all) => Object.fromEntries(all)),
  };
}

/** A service whose check's passwords are secret. */
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

/** Whether a health check logs in somewhere. */
export function hasPassword(lab: Lab): boolean {
  return lab.services.some(({ check }) => check.passwd !== undefined || check.secret !== undefined);
}

/**
 * The cluster's health as the director's kernel and the client see it, read anew at every `up` (an invoke: it changes
 * no resource), and unknown in a preview that would still have to create the guests.
 */
export function observeHealth(
  access: ReturnType<typeof accessTo>,
  dependsOn: pulumi.Resource[],
): pulumi.Output<Health> {
  const input = pulumi
    .output(access)
    .apply((known) => JSON.stringify({ access: known, settle: !pulumi.runtime.isDryRun() }));
  const seen = local.runOutput(
    {
      command: "node --import tsx verify/observeMain.ts",
      stdin: input,
      logging: "none",
      addPreviousOutputInEnv: false,
    },
    { dependsOn },
  );
  return pulumi.unsecret(seen.stdout.apply((text) => JSON.parse(text) as Health));
}
