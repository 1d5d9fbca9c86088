/** What the libvirt host must be able to carry, judged from facts that somebody else gathers. */
import { checkHostNetwork } from "./hostChecksNetwork";
import { checkHostObjects } from "./hostChecksObjects";
import { checkHostTools } from "./hostChecksTools";
import { type HostFacts } from "./hostFacts";
import type { Problem } from "./problems";
import type { Lab } from "./types";

export type { HostFacts } from "./hostFacts";

/**
 * @returns every reason why `up` would fail or do harm on this host; keys name configuration keys where one mends it,
 *   else the part of the host ("host.memory"). A fact that could not be asked for makes no problem.
 */
export function checkHost(lab: Lab, facts: HostFacts): Problem[] {
  return [...checkHostTools(lab, facts), ...checkHostNetwork(lab, facts), ...checkHostObjects(lab, facts)];
}
