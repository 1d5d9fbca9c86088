import type { Properties } from "../../lib/properties";
import type { Exec } from "../../lib/process";

/** What a provider's operation may use. All values are bare: secrets are unwrapped before and wrapped again after. */
export interface Context {
  readonly exec: Exec;
  /** The resource's logical name, for messages and identifiers. */
  readonly name: string;
  /** Inputs of the explicit provider resource; empty for a default provider. */
  readonly config: Properties;
  /** Proof of ownership: chosen before the first attempt to create and kept in the intent record. */
  readonly mark: string;
  /** Set when the run is interrupted. */
  readonly signal: AbortSignal;
  /** Set a few seconds after `signal`: for operations better finished than broken off. */
  readonly killSignal: AbortSignal;
  /** A directory only the owner can enter, emptied before every run. */
  readonly scratch: string;
  /** Shows a line of the operation's output to the user; secrets in it are masked. */
  readonly log: (line: string) => void;
  /** Says what the operation waits for, where somebody looks on; secrets in it are masked. */
  readonly status: (message: string) => void;
}

export interface Created {
  readonly id: string;
  /** Computed outputs; the inputs are added by the engine. */
  readonly outputs: Properties;
}

/** What the state knows about a resource. */
export interface Known extends Created {
  readonly inputs: Properties;
}

/** How one resource type is made, read, changed and removed. Every operation can be repeated after a crash. */
export interface Provider {
  /** Inputs that cannot change in place, or "*" for all of them. */
  readonly replaceOn: readonly string[];
  /** Two of them cannot exist at once while these inputs are the same (a physical name): delete before replacing. */
  readonly identity?: readonly string[];
  /** Computed outputs carry what went in: secret as soon as any input is. */
  readonly outputsFollowInputs?: boolean;
  /** Names of the computed outputs, unknown in a preview that would run the operation. */
  readonly computed: readonly string[];
  /** Refuses what must not be touched, before anything is recorded. */
  check?(inputs: Properties, context: Context): Promise<void>;
  create(inputs: Properties, context: Context): Promise<Created>;
  /** Removes what an interrupted creation may have left. */
  cleanup?(inputs: Properties, context: Context): Promise<void>;
  /** Whether the real thing is there, and the one that was recorded. */
  exists?(resource: Known, context: Context): Promise<boolean>;
  /** Without it nothing is to be done when an input changes in place, nor when a dependency was made anew. */
  update?(resource: Known, inputs: Properties, context: Context): Promise<Properties>;
  /** Does nothing where the real thing is gone already. */
  delete?(resource: Known, context: Context): Promise<void>;
  /** What depends on it must be updated when it was made anew. */
  readonly disturbs?: true;
}

/** A function of a provider that reads something (an invoke). */
export type Invoke = (args: Properties, context: Context) => Promise<Properties>;
