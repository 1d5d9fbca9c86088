/** What a drill is: how it breaks, mends and judges. */
import type { DrillRun } from "./drillRun";

/** Takes the remedy away that the drill is about, so that the drill must fail. */
export interface Sabotage {
  readonly what: string;
  /** What a failure says that comes of it: a run that fails for another reason proves nothing. */
  readonly expects: RegExp;
  apply(run: DrillRun): Promise<void>;
  /** Runs after every sabotaged run, whatever came of it; may run twice. */
  undo(run: DrillRun): Promise<void>;
}

export interface Drill {
  /** As on the command line: lower case, hyphens. */
  readonly name: string;
  readonly description: string;
  /** Part of `scripts/lab drill` without names: the source article's own tests. */
  readonly standard?: true;
  /** Longest run in seconds on a host with KVM; bounds the load. */
  readonly maxSeconds: number;
  /** Requests per second; 10 where it says nothing. */
  readonly rate?: number;
  /** Why this lab cannot have this drill; undefined when it can. */
  unfit?(run: DrillRun): string | undefined;
  /** Breaks, waits and judges. */
  run(run: DrillRun): Promise<void>;
  /** Undoes all that `run` may have done, wherever it stopped; may run twice, or in a lab where nothing is broken. */
  heal(run: DrillRun): Promise<void>;
  readonly sabotage: Sabotage;
}
