import type { ResourceState } from "./state";
import type { Path } from "./values";

/** What the program asks for in one registration, options included. */
export interface Goal extends Omit<ResourceState, "urn" | "id" | "outputs" | "doomed"> {
  readonly name: string;
  readonly ignoreChanges: readonly Path[];
  readonly replaceOnChanges: readonly Path[];
  /** Absent when the program leaves it to the provider. */
  readonly deleteBeforeReplace?: boolean;
  readonly replaceWith: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
}

export const STACK_TYPE = "pulumi:pulumi:Stack";

/** A URN carries the types of all ancestors but the stack, the name of the resource alone. */
export function makeUrn(stack: string, project: string, type: string, name: string, parent: string): string {
  const parentType = parent.split("::")[2] ?? "";
  const qualified = parentType === "" || parentType === STACK_TYPE ? type : `${parentType}$${type}`;
  return `urn:pulumi:${stack}::${project}::${qualified}::${name}`;
}
