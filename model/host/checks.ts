/** What the libvirt host must be able to carry, judged from facts that somebody else gathers. */
import { checkHostNetwork } from "./checksNetwork";
import { checkHostObjects } from "./checksObjects";
import { checkHostTools } from "./checksTools";
import { type HostFacts } from "./facts";
import type { Refusal } from "../config/refusal";
import type { Lab } from "../lab/types";

export type { HostFacts } from "./facts";

/**
 * @returns every reason why `up` would fail or do harm on this host; keys name configuration keys where one repairs it,
 *   else the part of the host ("host.memory"). A fact that could not be asked for makes no problem.
 * @param lab as that host sees it
 */
export function checkHost(lab: Lab, facts: HostFacts): Refusal[] {
  return [...checkHostTools(lab, facts), ...checkHostNetwork(lab, facts), ...checkHostObjects(lab, facts)];
}
