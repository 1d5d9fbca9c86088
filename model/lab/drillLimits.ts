/** What drills promise. Plain data: the schema takes its defaults from here, and so does a lab that was built before. */

/** Seconds are for a host with KVM: without it they count twice or more. Counts and shares are never stretched. */
export interface DrillLimits {
  /** Instead of what follows from the check settings. */
  readonly ejectSeconds?: number;
  readonly ejectSilentSeconds?: number;
  readonly recoverSeconds?: number;
  readonly recoverSilentSeconds?: number;
  /** Instead of what follows from the turns that scheduler and weights give. */
  readonly lostAfterRetry?: number;
  readonly failed: number;
  readonly rebootSeconds: number;
  readonly resetSeconds: number;
  readonly restartSeconds: number;
  readonly drainSeconds: number;
  readonly changeSeconds: number;
  readonly removalSeconds: number;
  readonly arpLeakSeconds: number;
  readonly entrySeconds: number;
  readonly downloadSeconds: number;
  readonly scriptOverrunSeconds: number;
  readonly answeredPercent: number;
  readonly worstAnswerMs: number;
  readonly worstConnectMs: number;
}

export const DRILL_LIMITS: DrillLimits = {
  failed: 20,
  rebootSeconds: 120,
  resetSeconds: 30,
  restartSeconds: 5,
  drainSeconds: 30,
  changeSeconds: 30,
  removalSeconds: 60,
  arpLeakSeconds: 60,
  entrySeconds: 300,
  downloadSeconds: 10,
  scriptOverrunSeconds: 10,
  answeredPercent: 99,
  worstAnswerMs: 1000,
  worstConnectMs: 1000,
};
