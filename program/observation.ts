import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { programCommand } from "../lib/scripts";
import type { Login } from "../lib/ssh";
import { machineLogins, type Access } from "../model/lab/access";
import { sameHealth, type Health } from "../model/health";
import { hostOf } from "../model/lab/hosts";
import { guestsOf, type Lab } from "../model/lab/types";
import { restartNotice } from "../model/restarts";
import type { Host } from "../components/guestRole";
import { lastOutputs, type Outputs } from "./handoverProbe";

/**
 * Gathers what the hosts' components know; secret as a whole, since callers ask of an output as a whole whether it is.
 * @param others how nodes without a component are reached
 */
export function loginTo(
  lab: Lab,
  hosts: readonly Host[],
  privateKey: pulumi.Output<string>,
  others: Login["hosts"] = {},
): pulumi.Output<Login> {
  const machines = machineLogins(lab);
  const proxies = new Map(guestsOf(lab).map((node) => [node.name, hostOf(lab, node).remote]));
  const entries = hosts.map((host) =>
    pulumi.output(host.hostKey).apply((hostKey) => {
      const { address, user } = host;
      // Its private key stays in the file that the configuration names.
      const proxy = proxies.get(host.name);
      return [host.name, machines[host.name] ?? { address, user, hostKey, ...(proxy && { proxy }) }] as const;
    }),
  );
  const known = pulumi
    .all(entries)
    .apply((all): Login["hosts"] => ({ ...others, ...Object.fromEntries(all) }));
  return pulumi.secret(pulumi.output({ privateKey, hosts: known }));
}

/** The guests of the last `up` that would start again: Pulumi itself shows no more than what changes of a domain. */
async function restarting(hosts: readonly Host[], { nodes = {} }: Outputs): Promise<string[]> {
  const names = hosts.map(async ({ name, after }) => {
    // The SDK has it, but not among its types.
    const { isKnown } = pulumi.output(after?.stdout) as unknown as { readonly isKnown: Promise<boolean> };
    return name in nodes && !(await isKnown) ? [name] : [];
  });
  return (await Promise.all(names)).flat();
}

/**
 * The cluster's health as the director's kernel and the client see it, read anew at every `up` (an invoke: it changes
 * no resource), and unknown in a preview that would create, restart or configure guests. A preview that finds it the same as the
 * last `up` did gives that one's: Pulumi prints the whole of an output of which one key is another.
 */
export async function observeHealth(
  lab: Lab,
  login: pulumi.Output<Login>,
  hosts: readonly Host[],
  dependsOn: pulumi.Resource[],
): Promise<pulumi.Output<Health> | typeof pulumi.unknown> {
  const last = pulumi.runtime.isDryRun() ? await lastOutputs(lab) : {};
  if (last.nodes !== undefined) {
    const restarts = await restarting(hosts, last);
    if (restarts.length > 0) {
      await pulumi.log.warn(restartNotice(restarts));
      return pulumi.unknown;
    }
    // The guests are still as the last `up` has configured them: what they report now is not what this would bring.
    if (last.health?.configHash !== lab.configHash) return pulumi.unknown;
  }
  const input = login.apply((known): string => {
    const access: Access = { ...known, lab };
    return JSON.stringify({ access, settle: !pulumi.runtime.isDryRun() });
  });
  const seen = local.runOutput(
    {
      command: programCommand("health/observeMain"),
      stdin: input,
      logging: "none",
      addPreviousOutputInEnv: false,
    },
    { dependsOn },
  );
  const health = seen.stdout.apply((text) => {
    const now = JSON.parse(text) as Health;
    return last.health !== undefined && sameHealth(last.health, now) ? last.health : now;
  });
  return pulumi.unsecret(health);
}
