/** What most drills come to: a real server leaves the table and comes back, and clients feel it only until it is out. */
import type { Step } from "./actions";
import { RATE, type DrillRun } from "./drillRun";
import { weightShare } from "./limits";
import type { Felt } from "./drill";

/** Seconds after an edit of the table from which no request may go the old way: clocks agree to less than that. */
export const AFTER_EDIT = 0.3;

/**
 * Requests that each ejection may cut off: one that is under way to the server when its entry goes is reset at once
 * (expire_nodest_conn), instead of left hanging. Its retry must be answered.
 */
export const CUT_OFF = 1;

export const NOTHING_LOST: Felt = { failed: 0, lost: 0 };

/** Requests that may go to a dead server until it is out, and not be answered: its share of them, and a little. */
export function exposedRequests(run: DrillRun, seconds: number, server = run.target.name): number {
  return Math.ceil(RATE * seconds * run.scale * weightShare(run.lab, server)) + 3;
}

/** What clients may feel of a target that refuses until it is out. */
export function refusalLimits(run: DrillRun): Felt {
  const { name } = run.target;
  const lost = run.promises.lostAfterRetry(name);
  return {
    failed: run.promises.failedUntilOut(name, RATE, run.scale),
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
  const out = await run.targetOut(since, limit);
  run.duration(figure, out - since, limit);
  return out;
}

/**
 * Waits until the table is as configured.
 * @param since when all was repaired
 * @param limit seconds that are promised for that, before scaling
 * @returns when it was
 */
export async function isBack(
  run: DrillRun,
  since: number,
  limit: number,
  what = `${run.target.name} is back`,
): Promise<number> {
  const back = await run.asConfigured(since, limit, what);
  run.duration("recoverySeconds", back - since, limit);
  return back;
}

export interface Ejection {
  readonly breaks: Step;
  readonly repairs: Step;
  /** Seconds promised until the target is out, and back, before scaling; those of a port that refuses without them. */
  readonly out?: number;
  readonly back?: number;
  readonly figure?: string;
  /** While it is out. */
  readonly meanwhile?: () => Promise<unknown>;
}

/**
 * Breaks the target, waits until it is out, repairs it and waits until it is back.
 * @returns when it was out, repaired and back
 */
export async function outAndBack(
  run: DrillRun,
  { breaks, repairs, out: outLimit, back: backLimit, figure, meanwhile }: Ejection,
): Promise<{ out: number; repaired: number; back: number }> {
  const { name } = run.target;
  const out = await isOut(
    run,
    await run.act(breaks[0], name, breaks[1]),
    outLimit ?? run.promises.eject,
    figure,
  );
  await meanwhile?.();
  const repaired = await run.act(repairs[0], name, repairs[1]);
  const back = await isBack(run, repaired, backLimit ?? run.promises.recover);
  return { out, repaired, back };
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
