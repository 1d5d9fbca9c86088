/** What a drill is: what it breaks, what may be felt of it, how it is undone, and what its sabotage is. */
import type { LabNode } from "../model/lab/types";
import type { DrillRun } from "./drillRun";
import type { RequestLog } from "./requests";

/** What the client may have felt in all; without a number, as much as it likes. */
export interface Felt {
  /** First attempts that failed. */
  readonly failed?: number;
  /** Requests whose retry failed too. */
  readonly lost?: number;
  /** Judges more of the requests, when all are known. */
  readonly judge?: (log: RequestLog) => void;
}

/** Takes the remedy away that the drill is about, so that the drill must fail. */
export interface Sabotage {
  readonly what: string;
  /** Codes of the failures that come of it: a run that fails for another reason proves nothing. */
  readonly expects: readonly string[];
  apply(run: DrillRun): Promise<void>;
  /** Runs after every sabotaged run, whatever came of it; may run twice. */
  undo(run: DrillRun): Promise<void>;
}

export type Need = "router" | "client" | "guests";

export interface Drill {
  /** As on the command line: lower case, hyphens. */
  readonly name: string;
  readonly description: string;
  /** Part of `scripts/lab drill` without names: the source article's own tests. */
  readonly standard?: true;
  /** Longest run in seconds on a host with KVM; bounds the load. */
  readonly maxSeconds: number;
  /** Why this lab cannot have this drill, undefined when it can; absent for one that needs two real servers that are checked. */
  unfit?(run: DrillRun): string | undefined;
  /** What it takes beside real servers and a director: that the lab has a router, or a client, or that it is of guests alone, with their power and network. */
  readonly takes?: readonly Need[];
  /** Whose nft cuts something off: a machine that exists may have none. */
  readonly cuts?: (run: DrillRun) => readonly LabNode[];
  /** No client asks meanwhile: it is not about the service. */
  readonly withoutLoad?: true;
  /**
   * Breaks one thing while the load is on, measures what follows against what is promised, and repairs it.
   * @returns what the client may have felt of it
   */
  act(run: DrillRun): Promise<Felt | void>;
  /** Undoes all that `act` may have done, wherever it stopped; may run twice, or in a lab where nothing is broken. */
  restore(run: DrillRun): Promise<void>;
  readonly sabotage: Sabotage;
}
