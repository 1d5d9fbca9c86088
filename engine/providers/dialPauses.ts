const FIRST_MS = 100;
const GROWTH = 1.5;
/** The real provider's; here it only counts for how long to try. */
const LONGEST_MS = 5_000;
/** An attempt to connect fails after so long where nobody has the address: Linux asks three times by ARP. */
const ABSENT_MS = 3_000;
/** A guest that has booted waits for nobody: what is looked for more often is found sooner. */
const OWN_LONGEST_MS = 1_000;

const pauseAfter = (failures: number, longest: number): number =>
  Math.min(FIRST_MS * GROWTH ** (failures - 1), longest);

/** Milliseconds after which the real provider gives up a machine that is not there. */
function patience(dialErrorLimit: number): number {
  if (dialErrorLimit < 0) return Infinity;
  let sum = 0;
  for (let failures = 1; failures <= dialErrorLimit; failures++)
    sum += pauseAfter(failures, LONGEST_MS) + ABSENT_MS;
  return sum;
}

/**
 * The pauses in milliseconds between attempts to connect, the first one after the first failure. They end with the time,
 * counted from this call, that pulumi-command 1.2.1 would try a machine that is not there: it pauses 100 ms x 1.5^n
 * between attempts, at most 5 s.
 * @param dialErrorLimit failures that it tolerates; below 0 any number
 */
export function* dialPauses(
  dialErrorLimit: number,
  now: () => number = Date.now,
  end = now() + patience(dialErrorLimit),
): Generator<number, void> {
  for (let failures = 1, left = end - now(); left > 0; failures++, left = end - now())
    yield Math.min(pauseAfter(failures, OWN_LONGEST_MS), left);
}
