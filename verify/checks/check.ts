/** What a check is, and the one way in which checks are run: again and again until they pass or patience is over. */
import type { Shell } from "../../lib/ssh";
import type { Lab, LabNode } from "../../model/lab/types";

/** skip: the lab has nothing that could be checked; `seen` says why. */
export type CheckStatus = "pass" | "fail" | "skip";

/** What anyone can repeat by hand. */
export interface Evidence {
  /** The guest, or "host", where the command ran. */
  readonly where: string;
  readonly command: string;
  readonly seen: string;
  readonly expected: string;
}

/** A check judged once. */
export interface Finding {
  /** Stable, with its group first: "routes.client". */
  readonly name: string;
  /** What is true when it passes. */
  readonly title: string;
  readonly status: CheckStatus;
  readonly evidence: Evidence;
  /** What most likely repairs it; only with a failure. */
  readonly fix?: string;
}

export interface CheckResult extends Finding {
  readonly group: string;
  /** Seconds until it passed, or until its last attempt ended. */
  readonly seconds: number;
  readonly attempts: number;
}

export interface CheckContext {
  readonly lab: Lab;
  readonly shell: Shell;
}

/** Checks that share what they look at. */
export interface Probe {
  readonly group: string;
  /** Looks once and judges. What it throws is a failure like any other. */
  look(context: CheckContext): Promise<readonly Finding[]>;
}

/** Shorthand for a verdict with its evidence. */
export function judge(name: string, title: string, ok: boolean, evidence: Evidence, fix: string): Finding {
  return ok ? { name, title, status: "pass", evidence } : { name, title, status: "fail", evidence, fix };
}

export function skipped(name: string, title: string, why: string): Finding {
  return { name, title, status: "skip", evidence: { where: "", command: "", seen: why, expected: "" } };
}

/** Why a service is skipped by what makes connections. */
export const NOT_TCP = "only TCP has a handshake that shows that somebody answers, whatever is served";

/** Why what needs a client or a router is skipped where the lab has none. */
export const noneOfTheLab = ({ role }: LabNode): string =>
  `the lab has no ${role} that could be asked (${role}: false)`;

/** The same for what needs both; undefined where the lab has them. */
export function lacksAnEnd({ clients, routers }: Lab): string | undefined {
  const absent = [...clients, ...routers].find(({ here }) => here);
  return absent && noneOfTheLab(absent);
}

/** Pause between two attempts, milliseconds: long enough to leave the guests' single CPU to the guests. */
const PAUSE = 300;

async function attempt(probe: Probe, context: CheckContext): Promise<readonly Finding[]> {
  try {
    return await probe.look(context);
  } catch (error) {
    const seen = error instanceof Error ? error.message : String(error);
    const evidence = { where: "host", command: "ssh", seen, expected: "an answer" };
    return [
      judge(`${probe.group}.reached`, "what it needs can be reached", false, evidence, "scripts/lab status"),
    ];
  }
}

/** Seconds for looking again at what failed, shared by all probes of a run. */
export class Patience {
  private readonly whole: number;

  constructor(private left: number) {
    this.whole = left;
  }

  /** Whether another look that takes as long as the last one fits; the first of a run does, however long looks take. */
  allows(lastLook: number): boolean {
    return this.left > 0 && (lastLook <= this.left || this.left === this.whole);
  }

  spend(seconds: number): void {
    this.left = Math.max(0, this.left - seconds);
  }
}

/**
 * Looks until nothing fails any more or there is no patience left for another look; at least once. The last attempt counts,
 * and what has once passed in it keeps the time at which it did.
 */
export async function runProbe(
  probe: Probe,
  context: CheckContext,
  patience: Patience,
): Promise<CheckResult[]> {
  const started = Date.now();
  const passedAt = new Map<string, { seconds: number; attempts: number }>();
  for (let attempts = 1, before = 0; ; attempts++) {
    const findings = await attempt(probe, context);
    const elapsed = (Date.now() - started) / 1000;
    for (const { name, status } of findings) {
      if (status === "fail") passedAt.delete(name);
      else if (!passedAt.has(name)) passedAt.set(name, { seconds: elapsed, attempts });
    }
    const look = elapsed - before;
    if (attempts > 1) patience.spend(look);
    if (findings.every(({ status }) => status !== "fail") || !patience.allows(look)) {
      return findings.map((finding) => ({
        ...finding,
        group: probe.group,
        ...(passedAt.get(finding.name) ?? { seconds: elapsed, attempts }),
      }));
    }
    before = elapsed;
    await new Promise((again) => setTimeout(again, PAUSE));
  }
}
