/** How pulumi-command 1.2.1 dials: it pauses 100 ms x 1.5^n between attempts, at most 5 s, and counts failures, not seconds. */
const FIRST_MS = 100;
const GROWTH = 1.5;
const LONGEST_MS = 5_000;
/** An attempt to connect fails after so long where nobody has the address: Linux asks three times by ARP. */
const ABSENT_MS = 3_000;
/** A guest that has booted waits for nobody: the embedded engine looks for it more often, and finds it sooner. */
const OWN_LONGEST_MS = 1_000;

const pauseAfter = (failures: number, longest: number): number =>
  Math.min(FIRST_MS * GROWTH ** (failures - 1), longest);

/** Milliseconds that so many failures take at a machine that is not there; below 0 without end. */
function patience(dialErrorLimit: number): number {
  if (dialErrorLimit < 0) return Infinity;
  let sum = 0;
  for (let failures = 1; failures <= dialErrorLimit; failures++)
    sum += pauseAfter(failures, LONGEST_MS) + ABSENT_MS;
  return sum;
}

/** Failures to be tolerated so that a machine has `seconds` until it answers. */
export function dialErrorLimit(seconds: number): number {
  let failures = 0;
  while (patience(failures) < seconds * 1000) failures += 1;
  return failures;
}

/**
 * The pauses in milliseconds between attempts of the embedded engine, the first one after the first failure. They end
 * with the time, counted from this call, that the provider would try a machine that is not there.
 * @param limit failures that it tolerates; below 0 any number
 */
export function* dialPauses(
  limit: number,
  now: () => number = Date.now,
  end = now() + patience(limit),
): Generator<number, void> {
  for (let failures = 1, left = end - now(); left > 0; failures++, left = end - now())
    yield Math.min(pauseAfter(failures, OWN_LONGEST_MS), left);
}
