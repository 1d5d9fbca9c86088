/** How far a counted share may stray from its weight before chance is no excuse. */

/** ln of the binomial probability of exactly k successes in n. */
function logProbability(n: number, k: number, p: number): number {
  if (p <= 0) return k === 0 ? 0 : -Infinity;
  if (p >= 1) return k === n ? 0 : -Infinity;
  let logChoose = 0;
  for (let i = 1; i <= k; i++) logChoose += Math.log((n - k + i) / i);
  return logChoose + k * Math.log(p) + (n - k) * Math.log(1 - p);
}

export interface Bound {
  readonly low: number;
  readonly high: number;
}

/**
 * The smallest range of counts that n independent draws with probability p leave, on each side, with a probability of at
 * most alpha/2. Exact: no normal approximation, which is poor for small shares.
 */
export function binomialBound(n: number, p: number, alpha: number): Bound {
  let below = 0;
  let low = 0;
  while (low < n && below + Math.exp(logProbability(n, low, p)) <= alpha / 2) {
    below += Math.exp(logProbability(n, low, p));
    low++;
  }
  let above = 0;
  let high = n;
  while (high > 0 && above + Math.exp(logProbability(n, high, p)) <= alpha / 2) {
    above += Math.exp(logProbability(n, high, p));
    high--;
  }
  return { low, high };
}
