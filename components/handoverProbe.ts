import * as pulumi from "@pulumi/pulumi";
import { handoversFrom } from "../model/config/handover";
import { formatRefusals } from "../model/config/refusal";
import type { Lab, Role } from "../model/lab/types";
import { refusal } from "./refusal";

/** A function of Pulumi's own: the outputs that a stack's last successful `up` has left. */
export const READ_STACK_OUTPUTS = "pulumi:pulumi:readStackOutputs";

interface Previous {
  readonly outputs?: { readonly nodes?: Readonly<Record<string, { role: Role; address: string }>> };
}

/**
 * Refuses an address that would pass from one guest to another in one `up`: see model/config/handover.ts.
 * @throws pulumi.RunError with every problem at once
 */
export async function assertNoHandover(lab: Lab): Promise<void> {
  const name = `${pulumi.getOrganization()}/${lab.project}/${lab.stack}`;
  const { outputs } = (await pulumi.runtime.invoke(READ_STACK_OUTPUTS, { name })) as Previous;
  const before = Object.entries(outputs?.nodes ?? {}).map(([node, { role, address }]) => ({
    node: { name: node, role },
    key: "",
    address,
  }));
  const problems = handoversFrom(before, lab).map(({ problem }) => problem);
  if (problems.length > 0) throw refusal(formatRefusals(problems));
}
