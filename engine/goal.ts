import type { ResourceState } from "./state";

/** What the program asks for in one registration, options included. */
export interface Goal extends Omit<ResourceState, "urn" | "id" | "outputs" | "doomed"> {
  readonly name: string;
  /** Inputs, or "*" for all of them. */
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  /** Absent when the program leaves it to the provider. */
  readonly deleteBeforeReplace?: boolean;
  readonly replaceWith: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  /** URNs that it may have in an older state. */
  readonly aliases: readonly string[];
}
