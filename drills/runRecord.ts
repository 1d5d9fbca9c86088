/** What one run of a drill saw and found. */
import { round, type RequestLog } from "./requests";
import type { DrillEvent, Figures, Limit } from "./types";

export class RunRecord {
  readonly events: DrillEvent[] = [];
  readonly figures: Figures = {};
  readonly limits: Record<string, Limit> = {};
  /** What was not as promised, a sentence each. */
  readonly failures: string[] = [];
  /** The failures' codes, in their order. */
  readonly codes: string[] = [];
  /** Why the run says nothing about the lab: something that it needs did not work. */
  error?: string;
  readonly startedAt = new Date();
  protected readonly origin = this.startedAt.getTime() / 1000;

  /**
   * @param scale what promised times are multiplied with
   * @param quiet keeps events without saying them
   */
  constructor(
    private readonly say: (line: string) => void,
    readonly scale: number,
    private readonly quiet = false,
  ) {}

  /** Seconds since the run began. */
  get now(): number {
    return Date.now() / 1000 - this.origin;
  }

  event(what: string, t = this.now, kind?: DrillEvent["kind"]): number {
    this.events.push({ t: round(t), what, ...(kind && { kind }) });
    if (!this.quiet) this.say(`  ${t.toFixed(1).padStart(6)} s  ${what}`);
    return t;
  }

  /** @param code by which a sabotaged run tells that it has failed for its reason */
  fail(code: string, sentence: string): void {
    this.failures.push(sentence);
    this.codes.push(code);
    this.say(`          FAILED: ${sentence}`);
  }

  expect(holds: boolean, sentence: string, code = "unexpected"): void {
    if (!holds) this.fail(code, sentence);
  }

  /** A figure with its limit; over it, the run has failed. What is not a number is not a measurement, and has failed too. */
  figure(name: string, value: number | null, limit: Limit = {}): void {
    const known = value === null || !Number.isFinite(value) ? null : round(value);
    this.figures[name] = known;
    const { max, min } = limit;
    if (max !== undefined || min !== undefined) this.limits[name] = limit;
    if (value !== null && known === null) {
      this.fail(name, `${name} cannot be told: ${value} is not a measurement`);
      return;
    }
    const shown = known === null ? "cannot be told: it never came to that" : `is ${known}`;
    if (max !== undefined && (known === null || known > max))
      this.fail(name, `${name} ${shown}, promised at most ${max}`);
    if (min !== undefined && (known === null || known < min))
      this.fail(name, `${name} ${shown}, promised at least ${min}`);
  }

  /** A time that was promised for a host with KVM. */
  duration(name: string, value: number | null, promised: number): void {
    this.figure(name, value, { max: round(promised * this.scale) });
  }

  /** What the client felt, against what it may feel. */
  judge(log: RequestLog, limits: { failed?: number; lost?: number } = {}): void {
    const slowMs = 1000 * this.scale;
    for (const [name, value] of Object.entries(log.figures(slowMs))) {
      const max = name === "failed" ? limits.failed : name === "lostAfterRetry" ? limits.lost : undefined;
      this.figure(name, value, max === undefined ? {} : { max });
    }
    // Where nothing may be lost, the sorry page is no answer: its web server also stands behind a VIP that the table has lost.
    this.figure("answeredBySorry", log.answeredBy.sorry ?? 0, limits.failed === 0 ? { max: 0 } : {});
    if (log.failed.length > 0)
      this.event(
        `requests failed: ${Object.entries(log.errors)
          .map(([why, n]) => `${n} ${why}`)
          .join(", ")}`,
      );
    this.expect(log.first.length > 0, "the client could send no request");
  }
}
