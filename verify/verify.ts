/** Every behaviour of the lab, checked from the outside. */
import { askHolder } from "../health/observe";
import { withHolder } from "../model/lab/directors";
import type { Lab } from "../model/lab/types";
import { arpProbe } from "./checks/arp";
import { Patience, runProbe, type CheckResult, type Probe } from "./checks/check";
import { guestsProbe } from "./checks/guests";
import { hostsProbe } from "./checks/hosts";
import { pairProbe } from "./checks/pair";
import { pathProbe } from "./checks/path";
import { reachProbe } from "./checks/reach";
import { tableProbe } from "./checks/table";
import { weightsProbe } from "./checks/weights";
import { diagnosisProbe } from "./diagnosis/diagnosis";
import type { Shell } from "../lib/ssh";

/** Probes of one stage look at the same time; stages follow one another, so that none counts another's traffic. */
const STAGES: readonly (readonly Probe[])[] = [
  [guestsProbe, hostsProbe, reachProbe, tableProbe, pairProbe],
  [weightsProbe],
  [arpProbe],
  [pathProbe],
  [diagnosisProbe],
];

export const GROUPS: readonly string[] = STAGES.flat().map(({ group }) => group);

/** Seconds in which what fails is looked at again, in all: on a lab with dead paths most of it fails, and each look waits. */
export const DEFAULT_DEADLINE = 15;

export interface VerifyOptions {
  /** Groups to check; absent = all. */
  readonly groups?: readonly string[];
  /** Seconds in all for looking again at what fails; 0 = everything is looked at once. */
  readonly deadline?: number;
  /** Told of each check as it is decided. */
  readonly onResult?: (result: CheckResult) => void;
}

export interface VerifyReport {
  readonly stack: string;
  readonly configHash: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly checks: readonly CheckResult[];
}

/** @throws RangeError for a group that does not exist */
export async function verify(shell: Shell, applied: Lab, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { groups = GROUPS, deadline = DEFAULT_DEADLINE, onResult = () => undefined } = options;
  const unknown = groups.filter((group) => !GROUPS.includes(group));
  if (unknown.length > 0)
    throw new RangeError(`no group of checks is called '${unknown[0]}'; there are ${GROUPS.join(", ")}`);
  const started = Date.now();
  const lab = withHolder(applied, await askHolder(shell, applied));
  const patience = new Patience(deadline);
  const checks: CheckResult[] = [];
  for (const stage of STAGES) {
    const results = await Promise.all(
      stage
        .filter(({ group }) => groups.includes(group))
        .map(async (probe) => {
          const own = await runProbe(probe, { shell, lab }, patience);
          own.forEach(onResult);
          return own;
        }),
    );
    checks.push(...results.flat());
  }
  const count = (status: CheckResult["status"]): number =>
    checks.filter((check) => check.status === status).length;
  return {
    stack: lab.stack,
    configHash: lab.configHash,
    startedAt: new Date(started).toISOString(),
    seconds: (Date.now() - started) / 1000,
    ok: count("fail") === 0,
    passed: count("pass"),
    failed: count("fail"),
    skipped: count("skip"),
    checks,
  };
}
