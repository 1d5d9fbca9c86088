import * as pulumi from "@pulumi/pulumi";
import { scriptWord } from "../lib/scripts";
import { guestsOf, type Lab } from "../model/lab/types";
import { hostScript } from "./hostProbe";
import { refusal } from "./refusal";

/** Prints where the guests can be reached (scripts/host/lib.sh). */
export const WHERE = `bash -c 'source ${scriptWord("host/lib.sh")} && lab_namespace'`;

/**
 * Whether the program can reach the guests. Where libvirtd runs in a network namespace of its own, only a program within that
 * namespace can. A preview goes on without them, with a warning.
 * @throws pulumi.RunError for an `up`, which would make its first guests and then wait for them in vain
 */
export async function reachesGuests(lab: Lab): Promise<boolean> {
  if (lab.hosts.every(({ remote }) => remote !== undefined) || guestsOf(lab).length === 0) return true;
  const where = await hostScript(WHERE);
  if (["here", "none", "planned"].includes(where)) return true;
  const message =
    where === "lost"
      ? "libvirtd's network namespace has lost its name, and no guest can be reached: run `scripts/host/prepare.sh daemons`, which names it again"
      : `the guests' networks are in the network namespace ${where}, and no guest can be reached from here: run \`scripts/lab exec pulumi up\``;
  if (!pulumi.runtime.isDryRun()) throw refusal(message);
  await pulumi.log.warn(message);
  return false;
}
