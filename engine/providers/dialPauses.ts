const FIRST_MS = 100;
const GROWTH = 1.5;
/** The real provider's; here it only counts for how long to try. */
const LONGEST_MS = 5_000;
/** A guest that has booted waits for nobody: what is looked for more often is found sooner. */
const OWN_LONGEST_MS = 1_000;

const pauseAfter = (failures: number, longest: number): number =>
  Math.min(FIRST_MS * GROWTH ** (failures - 1), longest);

/** Milliseconds that the real provider pauses in all before it gives up. */
function patience(dialErrorLimit: number): number {
  if (dialErrorLimit < 0) return Infinity;
  let sum = 0;
  for (let failures = 1; failures <= dialErrorLimit; failures++) sum += pauseAfter(failures, LONGEST_MS);
  return sum;
}

/**
 * The pauses in milliseconds between attempts to connect, the first one after the first failure. They end when they sum up to
 * what pulumi-command 1.2.1 would have waited: 100 ms x 1.5^n, at most 5 s each.
 * @param dialErrorLimit failures that it tolerates; below 0 any number
 */
export function* dialPauses(dialErrorLimit: number): Generator<number, void> {
  const limit = patience(dialErrorLimit);
  let paused = 0;
  for (let failures = 1; paused < limit; failures++) {
    const pause = Math.min(pauseAfter(failures, OWN_LONGEST_MS), limit - paused);
    paused += pause;
    yield pause;
  }
}
