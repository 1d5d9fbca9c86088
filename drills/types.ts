/** What is known of a drill when it is over. */

export interface DrillEvent {
  /** Seconds since the run began, on the host's clock. */
  readonly t: number;
  readonly what: string;
  /** steady: the load is on, and all is well; table: the kernel's table has changed. Absent for what was done, and for remarks. */
  readonly kind?: "steady" | "table";
}

/** One attempt at a request, as the client felt it. */
export interface RequestRecord {
  /** Which request; a retry has the number of what it repeats. */
  readonly seq: number;
  /** 1, or 2 for the retry that follows a failure at once. */
  readonly attempt: number;
  /** Seconds since the run began. */
  readonly t: number;
  readonly latencyMs: number;
  readonly ok: boolean;
  /** Who answered: a real server's name, "sorry", or `error:` and why nobody did. */
  readonly outcome: string;
}

export interface Limit {
  readonly max?: number;
  readonly min?: number;
}

/** null: it never came to that. */
export type Figures = Record<string, number | null>;

/** fault: the drill itself; control: the same without the fault; sabotage: with its remedy taken away. */
export type RunKind = "fault" | "control" | "sabotage";
/** fail: not as promised, or it cannot be told. */
export type Verdict = "pass" | "fail";

/** One run of one drill. */
export interface RunResult {
  readonly kind: RunKind;
  readonly startedAt: string;
  readonly seconds: number;
  readonly verdict: Verdict;
  /** What was not as promised, one sentence each. */
  readonly failures: readonly string[];
  /** The same as codes: a figure's name, or what did not come about. */
  readonly codes: readonly string[];
  /** Why the run says nothing about the lab, such as a connection that broke; absent where it was judged. */
  readonly error?: string;
  readonly figures: Figures;
  readonly limits: Readonly<Record<string, Limit>>;
  readonly events: readonly DrillEvent[];
  readonly load: LoadRecord;
  /** What promised times were multiplied with: 1 with KVM, 2 without, more on a busy host. */
  readonly timeScale: number;
}

export interface LoadRecord {
  /** Requests per second; 0 for a drill without a load. */
  readonly rate: number;
  /** First attempts: [seconds since the run began, latency in ms, who answered or `error:` and why]. */
  readonly requests: readonly (readonly [number, number, string])[];
  /** The retries of those that failed, in the same form. */
  readonly retries: readonly (readonly [number, number, string])[];
  /** Answers by who gave them. */
  readonly answeredBy: Readonly<Record<string, number>>;
}

/** What .lab/STACK/drills/NAME.json holds: one run, and the summary of all runs of this call. */
export interface DrillResult extends Omit<RunResult, "kind" | "error" | "codes"> {
  readonly name: string;
  readonly description: string;
  readonly stack: string;
  readonly configHash: string;
  /** The real server that was hit. */
  readonly target?: string;
  /** Over all runs with the fault. */
  readonly distributions: Readonly<Record<string, Distribution>>;
  readonly runs: readonly RunSummary[];
}

export interface RunSummary extends Pick<
  RunResult,
  "kind" | "startedAt" | "seconds" | "verdict" | "failures" | "codes" | "error" | "figures"
> {
  /** Whether it says what it should: a sabotaged one has to fail, and for that reason. */
  readonly asItShould: boolean;
}

/** A drill that was not run. */
export interface DrillSkipped {
  readonly name: string;
  readonly description: string;
  readonly verdict: "skip";
  readonly reason: string;
}

/** A drill that was cut off, or could not be undone. */
export interface DrillCutOff {
  readonly name: string;
  readonly description: string;
  readonly verdict: "error";
  readonly failures: readonly string[];
  /** Those that were over. */
  readonly runs: readonly RunSummary[];
}

/** A drill that was not run, because the lab was not as configured before it. */
export interface DrillRefused {
  readonly name: string;
  readonly description: string;
  readonly verdict: "refused";
  /** What was amiss in the lab, a sentence each. */
  readonly failures: readonly string[];
}

/** What became of each drill of one call. */
export type DrillOutcome = DrillResult | DrillSkipped | DrillCutOff | DrillRefused;

/** A drill that was tried and has no result: what .lab/STACK/drills/tried/NAME.json holds until it has one. */
export type DrillTried = (DrillRefused | DrillCutOff) & {
  /** ISO 8601, UTC: when it was given up. */
  readonly endedAt: string;
};

export interface Distribution {
  readonly n: number;
  readonly median: number;
  readonly worst: number;
}
