import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Login } from "../lib/ssh";
import type { Access } from "../model/lab/access";
import { sameHealth, type Health } from "../model/health";
import type { Lab } from "../model/lab/types";
import type { Host } from "./guestRole";
import { lastOutputs } from "./handoverProbe";

/** Gathers what the hosts' components know; secret as a whole, since callers ask of an output as a whole whether it is. */
export function loginTo(
  lab: Lab,
  hosts: readonly Host[],
  privateKey: pulumi.Output<string>,
): pulumi.Output<Login> {
  const entries = hosts.map((host) =>
    pulumi.output(host.hostKey).apply((hostKey) => {
      const { address, user } = host;
      // Its private key stays in the file that the configuration names.
      const proxy = lab.remoteHost && { proxy: lab.remoteHost };
      return [host.name, { address, user, hostKey, ...proxy }] as const;
    }),
  );
  const known = pulumi.all(entries).apply((all): Login["hosts"] => Object.fromEntries(all));
  return pulumi.secret(pulumi.output({ privateKey, hosts: known }));
}

/**
 * The cluster's health as the director's kernel and the client see it, read anew at every `up` (an invoke: it changes
 * no resource), and unknown in a preview that would still have to create the guests. A preview that finds it the same as the last
 * `up` did gives that one's: Pulumi prints the whole of an output of which one key is another.
 */
export function observeHealth(
  lab: Lab,
  login: pulumi.Output<Login>,
  dependsOn: pulumi.Resource[],
): pulumi.Output<Health> {
  const input = login.apply((known): string => {
    const access: Access = { ...known, lab };
    return JSON.stringify({ access, settle: !pulumi.runtime.isDryRun() });
  });
  const seen = local.runOutput(
    {
      command: "node --import tsx health/observeMain.ts",
      stdin: input,
      logging: "none",
      addPreviousOutputInEnv: false,
    },
    { dependsOn },
  );
  const health = seen.stdout.apply(async (text) => {
    const now = JSON.parse(text) as Health;
    const { health: last } = pulumi.runtime.isDryRun() ? await lastOutputs(lab) : {};
    return last !== undefined && sameHealth(last, now) ? last : now;
  });
  return pulumi.unsecret(health);
}
