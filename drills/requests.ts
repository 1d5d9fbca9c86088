/** Arithmetic on logged requests. Pure. */
import type { Distribution, Figures, LoadRecord, RequestRecord } from "./types";

/**
 * One line of guest/load.pl.
 * @param toRun turns the client's time into seconds since the run began
 * @param sorryNames what the sorry server calls itself: the directors' names
 */
export function parseRequest(
  line: string,
  toRun: (clientTime: number) => number,
  sorryNames: readonly string[],
): RequestRecord | undefined {
  const match = /^(\d+) (\d+) ([\d.]+) ([\d.]+) (ok|error) (\S+)$/.exec(line);
  if (match === null) return undefined;
  const [, seq, attempt, start, latency, verdict, who = ""] = match;
  const ok = verdict === "ok";
  return {
    seq: Number(seq),
    attempt: Number(attempt),
    t: toRun(Number(start)),
    latencyMs: Number(latency),
    ok,
    outcome: ok ? (sorryNames.includes(who) ? "sorry" : who) : ERROR + who,
  };
}

/** Before the reason why nobody answered, in a request's outcome. */
const ERROR = "error:";

export function isError(outcome: string): boolean {
  return outcome.startsWith(ERROR);
}

export class RequestLog {
  /** First attempts, by their start. */
  readonly first: readonly RequestRecord[];
  readonly retries: readonly RequestRecord[];

  constructor(records: readonly RequestRecord[]) {
    const sorted = [...records].sort((a, b) => a.t - b.t || a.seq - b.seq);
    this.first = sorted.filter(({ attempt }) => attempt === 1);
    this.retries = sorted.filter(({ attempt }) => attempt > 1);
  }

  /** Requests that began in [from, to), with their retries. */
  between(from: number, to: number): RequestLog {
    const first = this.first.filter(({ t }) => t >= from && t < to);
    const chosen = new Set(first.map(({ seq }) => seq));
    return new RequestLog([...first, ...this.retries.filter(({ seq }) => chosen.has(seq))]);
  }

  get failed(): readonly RequestRecord[] {
    return this.first.filter(({ ok }) => !ok);
  }

  /** Requests without an answer even to the retry. */
  get lost(): readonly RequestRecord[] {
    const saved = new Set(this.retries.filter(({ ok }) => ok).map(({ seq }) => seq));
    return this.failed.filter(({ seq }) => !saved.has(seq));
  }

  /** Good answers to first attempts by who gave them. */
  get answeredBy(): Record<string, number> {
    return count(this.first.filter(({ ok }) => ok).map(({ outcome }) => outcome));
  }

  /** Why first attempts failed. */
  get errors(): Record<string, number> {
    return count(this.failed.map(({ outcome }) => outcome.replace(ERROR, "")));
  }

  /** Longest time from one good answer's arrival to the next, retries included, seconds. */
  get longestGap(): number {
    const arrivals = [...this.first, ...this.retries]
      .filter(({ ok }) => ok)
      .map(({ t, latencyMs }) => t + latencyMs / 1000)
      .sort((a, b) => a - b);
    return Math.max(0, ...arrivals.slice(1).map((at, i) => at - (arrivals[i] ?? at)));
  }

  slow(thresholdMs: number): number {
    return this.first.filter(({ ok, latencyMs }) => ok && latencyMs > thresholdMs).length;
  }

  figures(slowMs: number): Figures {
    const latencies = this.first.filter(({ ok }) => ok).map(({ latencyMs }) => latencyMs);
    return {
      requests: this.first.length,
      failed: this.failed.length,
      retried: this.retries.length,
      lostAfterRetry: this.lost.length,
      slow: this.slow(slowMs),
      longestGapSeconds: round(this.longestGap),
      medianLatencyMs: latencies.length === 0 ? null : round(median(latencies)),
    };
  }

  record(rate: number): LoadRecord {
    const tuple = ({ t, latencyMs, outcome }: RequestRecord) => [round(t), latencyMs, outcome] as const;
    return {
      rate,
      requests: this.first.map(tuple),
      retries: this.retries.map(tuple),
      answeredBy: this.answeredBy,
    };
  }
}

function count(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

/** To milliseconds, which is more than the clocks agree on. */
export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/**
 * How a figure came out over several runs. Worst is the largest, or the smallest where the limit is a minimum; a run in
 * which it never came to that is left out of n, and is a failure elsewhere.
 */
export function distribution(
  values: readonly (number | null)[],
  lowIsWorse = false,
): Distribution | undefined {
  const seen = values.filter((value): value is number => value !== null);
  if (seen.length === 0) return undefined;
  return {
    n: seen.length,
    median: round(median(seen)),
    worst: lowIsWorse ? Math.min(...seen) : Math.max(...seen),
  };
}
