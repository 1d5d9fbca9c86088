import * as pulumi from "@pulumi/pulumi";
import { handoversFrom } from "../model/config/handover";
import { formatRefusals } from "../model/config/refusal";
import type { Health } from "../model/health";
import type { Lab, Role } from "../model/lab/types";
import { refusal } from "./refusal";

/** A function of Pulumi's own: the outputs that a stack's last successful `up` has left. */
export const READ_STACK_OUTPUTS = "pulumi:pulumi:readStackOutputs";

export interface Outputs {
  readonly nodes?: Readonly<Record<string, { role: Role; address: string }>>;
  readonly health?: Health;
}

/** What the stack's last successful `up` has left; nothing before the first. */
export async function lastOutputs(lab: Lab): Promise<Outputs> {
  const name = `${pulumi.getOrganization()}/${lab.project}/${lab.stack}`;
  const { outputs } = (await pulumi.runtime.invoke(READ_STACK_OUTPUTS, { name })) as { outputs?: Outputs };
  return outputs ?? {};
}

/**
 * Refuses an address that would pass from one guest to another in one `up`: see model/config/handover.ts.
 * @throws pulumi.RunError with every problem at once
 */
export async function assertNoHandover(lab: Lab): Promise<void> {
  const { nodes = {} } = await lastOutputs(lab);
  const before = Object.entries(nodes).map(([node, { role, address }]) => ({
    node: { name: node, role },
    key: "",
    address,
  }));
  const problems = handoversFrom(before, lab).map(({ problem }) => problem);
  if (problems.length > 0) throw refusal(formatRefusals(problems));
}
