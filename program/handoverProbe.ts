import * as pulumi from "@pulumi/pulumi";
import { handoversFrom } from "../model/config/handover";
import { formatRefusals } from "../model/config/refusal";
import type { Health } from "../model/health";
import { APPLIED_LAB } from "../model/lab/naming";
import { readLab } from "../model/lab/recorded";
import { nodesByName } from "../model/lab/hosts";
import type { Lab, Role } from "../model/lab/types";
import type { Login } from "../lib/ssh";
import { refusal } from "./refusal";

/** A function of Pulumi's own: the outputs that a stack's last successful `up` has left. */
export const READ_STACK_OUTPUTS = "pulumi:pulumi:readStackOutputs";

/** The same of all resources of a stack, by URN. */
export const READ_RESOURCE_OUTPUTS = "pulumi:pulumi:readStackResourceOutputs";

export interface Outputs {
  readonly nodes?: Readonly<Record<string, { role: Role; address: string }>> | undefined;
  readonly health?: Health;
  readonly access?: Login;
}

/** What the stack's last successful `up` has left; nothing before the first. */
export async function lastOutputs(lab: Lab): Promise<Outputs> {
  const name = `${pulumi.getOrganization()}/${lab.project}/${pulumi.getStack()}`;
  if (lab.stack !== pulumi.getStack()) {
    const last = await lastLab(lab);
    return { nodes: last && nodesByName(last) };
  }
  const { outputs } = (await pulumi.runtime.invoke(READ_STACK_OUTPUTS, { name })) as { outputs?: Outputs };
  return outputs ?? {};
}

/** The cluster as it was last applied, by its record (components/appliedLab.ts): with others beside it the stack's outputs are not the cluster's. */
export async function lastLab({
  project,
  prefix,
}: Pick<Lab, "project" | "prefix">): Promise<Lab | undefined> {
  const stackName = `${pulumi.getOrganization()}/${project}/${pulumi.getStack()}`;
  const { outputs: resources = {} } = (await pulumi.runtime.invoke(READ_RESOURCE_OUTPUTS, {
    stackName,
  })) as { outputs?: Record<string, { type: string; outputs: { lab?: Lab } }> };
  const last = Object.values(resources).find(
    ({ type, outputs }) => type === APPLIED_LAB && outputs.lab?.prefix === prefix,
  )?.outputs.lab;
  return last && readLab(last);
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
