import { reveal } from "../lib/properties";
import { nameOf } from "../lib/urn";
import { bare, messageOf, type Run } from "./run";
import type { Intent, ResourceState } from "./state";

/** Whether `dependent` must be gone before `r` can go. */
function needs(dependent: ResourceState, r: ResourceState): boolean {
  return (
    dependent !== r &&
    (dependent.dependencies.includes(r.urn) ||
      dependent.parent === r.urn ||
      dependent.provider === `${r.urn}::${r.id}`)
  );
}

async function remove(run: Run, r: ResourceState): Promise<void> {
  if (r.custom && !run.preview)
    await run.providerOf(r.type).delete?.(bare(r), run.context(r.urn, r.provider));
  run.forget(r);
  run.save();
}

/**
 * Deletes dependents before what they depend on, everything else at once. What fails, or is on a host that does not answer, stays, with
 * all it depends on, and the rest goes on.
 * @returns what could not be deleted
 */
export async function removeAll(
  run: Run,
  candidates: readonly ResourceState[],
  replaced = false,
): Promise<readonly ResourceState[]> {
  const stuck = candidates.filter((r) => run.isAbsent(r));
  let left = candidates.filter((r) => !stuck.includes(r));
  while (left.length > 0 && !run.interrupted) {
    const wave = left.filter((r) => ![...left, ...stuck].some((other) => needs(other, r)));
    if (wave.length === 0) break;
    await Promise.all(
      wave.map((r) =>
        run
          .step(replaced || r.doomed ? "delete-replaced" : "delete", r.urn, () => remove(run, r))
          .catch((error: unknown) => {
            stuck.push(r);
            run.failed(r.urn, error);
          }),
      ),
    );
    left = left.filter((r) => !wave.includes(r));
  }
  return [...stuck, ...left];
}

/** Removes what an interrupted creation may have left behind, and its record. */
export async function cleanUp(run: Run, intent: Intent): Promise<void> {
  if (run.preview) return;
  const context = run.context(intent.urn, intent.provider, intent.mark);
  try {
    await run.providerOf(intent.type).cleanup?.(reveal(intent.inputs), context);
  } catch (error) {
    throw new Error(
      `cannot remove what an interrupted creation of ${nameOf(intent.urn)} left: ${messageOf(error)}`,
    );
  }
  run.state.intents = run.state.intents.filter((i) => i !== intent);
  run.save();
}
