/** What most drills come to: a real server leaves the table and comes back, and clients feel it only until it is out. */
import type { DrillRun } from "./drillRun";
import { weightShare } from "./limits";
import type { Felt } from "./drill";

/** Seconds after an edit of the table from which no request may go the old way: clocks agree to less than that. */
export const AFTER_EDIT = 0.3;

/**
 * Requests that each ejection may cut off: one that is under way to the server when its entry goes is reset at once
 * (expire_nodest_conn), instead of left hanging. Its retry must be answered.
 */
export const CUT_OFF = 1;

/** Requests that may go to a dead server until it is out, and not be answered: its share of them, and a little. */
export function exposedRequests(run: DrillRun, seconds: number): number {
  return Math.ceil(10 * seconds * run.scale * weightShare(run.lab, run.target.name)) + 3;
}

/**
 * What clients may feel of a target that refuses until it is out. A target with most of the weight has most of the
 * requests too.
 */
export function refusalLimits(run: DrillRun): Felt {
  const { name } = run.target;
  const { failed, eject } = run.promises;
  const lost = run.promises.lostAfterRetry(name);
  return {
    failed: weightShare(run.lab, name) <= 0.5 ? failed : Math.max(failed, exposedRequests(run, eject)),
    ...(lost !== undefined && { lost }),
  };
}

/**
 * Waits until the target is out of the table.
 * @param since when it broke
 * @param limit seconds that are promised for that, before scaling
 * @returns when it was out
 */
export async function isOut(
  run: DrillRun,
  since: number,
  limit: number,
  figure = "detectionSeconds",
): Promise<number> {
  const { target } = run;
  const out = await run.tableUntil(`${target.name} is out`, run.isOut(target), since, limit);
  run.duration(figure, out - since, limit);
  return out;
}

/**
 * Waits until the table is as configured.
 * @param since when all was mended
 * @param limit seconds that are promised for that, before scaling
 * @returns when it was
 */
export async function isBack(
  run: DrillRun,
  since: number,
  limit: number,
  what = `${run.target.name} is back`,
): Promise<number> {
  const back = await run.tableUntil(what, run.table.isAsMeant, since, limit);
  run.duration("recoverySeconds", back - since, limit);
  return back;
}

/** None that began after the edit of the table at `since` may have failed. */
export function noneFails(run: DrillRun, figure: string, since: number): Felt {
  return {
    judge: (log) => {
      run.figure(figure, log.between(since + AFTER_EDIT, Infinity).failed.length, { max: 0 });
    },
  };
}

/**
 * Only requests of the time until the target was out may have failed.
 * @param limit seconds promised for that, before scaling
 */
export function exposure(run: DrillRun, out: number, limit: number): Felt {
  return { failed: exposedRequests(run, limit), ...noneFails(run, "failedAfterEjection", out) };
}
