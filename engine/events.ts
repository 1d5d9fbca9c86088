/** What is done to a resource. `refresh` mends drift (a stopped domain) without a change of inputs; `skip` is not counted. */
export type Op = "create" | "update" | "replace" | "delete" | "same" | "refresh" | "skip";

export type Counts = { [op in Op]: number };

export interface ResourceEvent {
  readonly type: "resource";
  /** `pre` when the work starts, `post` when it has ended, well or not. */
  readonly phase: "pre" | "post";
  readonly op: Op;
  readonly urn: string;
  readonly resourceType: string;
  readonly name: string;
  /** Which inputs changed, why it is replaced, what was found amiss. */
  readonly reasons: readonly string[];
  /** `post` only. */
  readonly seconds?: number;
  /** Set when it failed; secrets are masked. */
  readonly error?: string;
}

export interface DiagnosticEvent {
  readonly type: "diagnostic";
  readonly severity: "info" | "warning" | "error";
  readonly message: string;
  readonly urn?: string;
}

/** What an operation under way waits for. */
export interface StatusEvent {
  readonly type: "status";
  readonly urn: string;
  readonly message: string;
}

/** A function of a provider that the program calls. */
export interface InvokeEvent {
  readonly type: "invoke";
  readonly phase: "pre" | "post";
  /** Tells it from other calls of the same run. */
  readonly id: string;
  /** The command line that it runs, or the function's name. */
  readonly what: string;
}

export interface SummaryEvent {
  readonly type: "summary";
  readonly action: "up" | "preview" | "destroy";
  readonly ok: boolean;
  readonly counts: Counts;
  readonly seconds: number;
}

export type EngineEvent = ResourceEvent | DiagnosticEvent | StatusEvent | InvokeEvent | SummaryEvent;

export const noCounts = (): Counts => ({
  create: 0,
  update: 0,
  replace: 0,
  delete: 0,
  same: 0,
  refresh: 0,
  skip: 0,
});

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME` → NAME. */
export const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
