/** Leaving the lab as it was, whatever a drill has come to. */
import type { DrillRun } from "./drillRun";
import type { Drill } from "./drill";

/** Seconds that a lab has to be as configured again after a drill was undone. */
const RESTORE_LIMIT = 60;

type Step = () => Promise<void>;

/** Takes each step in any case. @returns those that failed, and why */
async function failing(steps: readonly Step[]): Promise<{ readonly step: Step; readonly why: string }[]> {
  const failed: { step: Step; why: string }[] = [];
  for (const step of steps)
    try {
      await step();
    } catch (error) {
      failed.push({ step, why: (error as Error).message });
    }
  return failed;
}

/** Undoes the fault and, where there was one, its sabotage: each in any case, and once more over new connections. */
async function undo(drill: Drill, run: DrillRun, sabotaged: boolean): Promise<string[]> {
  const sabotage: Step[] = sabotaged ? [() => drill.sabotage.undo(run)] : [];
  const failed = await failing([() => drill.restore(run), ...sabotage]);
  if (failed.length === 0) return [];
  // A fault may be beyond repair while its sabotage lasts; and a guest that was away has left dead connections.
  run.environment.say(`  undoing it once more: ${failed.map(({ why }) => why).join("; ")}`);
  run.environment.renewShell();
  return (await failing(failed.map(({ step }) => step))).map(({ why }) => why);
}

/**
 * Undoes a drill and waits until the lab is as configured. Not to be interrupted: that is what is cleaned up after.
 * @param run a run for restoring, whose requests and figures nobody asks for
 * @throws Error that names what could not be undone
 */
export async function restore(drill: Drill, run: DrillRun, sabotaged: boolean): Promise<void> {
  const { environment } = run;
  try {
    const left = await undo(drill, run, sabotaged);
    if (left.length > 0) throw new Error(left.join("; "));
    await run.watch();
    await run.asConfigured(0, RESTORE_LIMIT, "the table is as configured again");
  } catch (error) {
    const why = (error as Error).message;
    // Over new connections: those at hand may lead to a guest that is gone.
    environment.renewShell();
    const left = await environment.amiss().catch(() => []);
    throw new Error(
      `${drill.name} is not undone: ${why}` +
        (left.length > 0 ? `; what is left: ${left.join("; ")}` : "") +
        "; the next `scripts/lab drill` tries again",
      { cause: error },
    );
  } finally {
    await run.finish().catch((error: Error) => environment.say(error.message));
  }
}
