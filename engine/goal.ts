import type { Path } from "./paths";
import type { ResourceState } from "./state";

/** What the program asks for in one registration, options included. */
export interface Goal extends Omit<ResourceState, "urn" | "id" | "outputs" | "doomed"> {
  readonly name: string;
  readonly ignoreChanges: readonly Path[];
  readonly replaceOnChanges: readonly Path[];
  /** Absent when the program leaves it to the provider. */
  readonly deleteBeforeReplace?: boolean;
  readonly replaceWith: readonly string[];
  readonly additionalSecretOutputs: readonly string[];
  /** URNs that it may have in an older state. */
  readonly aliases: readonly string[];
}
