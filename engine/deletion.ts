import { messageOf, nameOf } from "./events";
import { bare, explain, type Run } from "./operations";
import type { Intent, ResourceState } from "./state";
import { reveal, type Value } from "./values";

/** Whether `dependent` must be gone before `r` can go. */
function needs(dependent: ResourceState, r: ResourceState): boolean {
  return (
    dependent !== r &&
    (dependent.dependencies.includes(r.urn) ||
      dependent.parent === r.urn ||
      dependent.provider === `${r.urn}::${r.id}`)
  );
}

/** Ends one resource and forgets it. */
export async function remove(run: Run, r: ResourceState): Promise<void> {
  if (r.custom && !run.preview) {
    try {
      await run.providerOf(r.type).delete(bare(r), run.context(r.urn, r.provider));
    } catch (error) {
      throw explain(error, run);
    }
  }
  run.forget(r);
  run.state.intents = run.state.intents.filter((i) => i.urn !== r.urn || r.doomed === true);
  run.save();
}

/**
 * Deletes dependents before what they depend on, everything else at once. What fails stays, with all it depends on, and
 * the rest goes on.
 * @returns what could not be deleted
 */
export async function removeAll(
  run: Run,
  candidates: readonly ResourceState[],
  done: (r: ResourceState, seconds: number, error?: string) => void,
  started: (r: ResourceState) => void,
): Promise<readonly ResourceState[]> {
  const stuck: ResourceState[] = [];
  let left = [...candidates];
  while (left.length > 0 && !run.stopping.signal.aborted) {
    const wave = left.filter((r) => ![...left, ...stuck].some((other) => needs(other, r)));
    if (wave.length === 0) break;
    await Promise.all(
      wave.map(async (r) => {
        started(r);
        const begin = Date.now();
        try {
          await remove(run, r);
          done(r, (Date.now() - begin) / 1000);
        } catch (error) {
          stuck.push(r);
          done(r, (Date.now() - begin) / 1000, messageOf(error));
        }
      }),
    );
    left = left.filter((r) => !wave.includes(r));
  }
  return [...stuck, ...left];
}

/** Removes what an interrupted creation may have left behind, and its record. */
export async function cleanUp(run: Run, intent: Intent): Promise<void> {
  if (run.preview) return;
  if (intent.kind === "create") {
    const context = run.context(intent.urn, intent.provider, intent.mark);
    try {
      await run.providerOf(intent.type).cleanup?.(reveal(intent.inputs as { [key: string]: Value }), context);
    } catch (error) {
      throw new Error(
        `cannot remove what an interrupted creation of ${nameOf(intent.urn)} left: ${messageOf(error)}`,
      );
    }
  }
  run.state.intents = run.state.intents.filter((i) => i !== intent);
  run.save();
}
