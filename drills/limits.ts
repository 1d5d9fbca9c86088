/** What is promised: from the lab's own check settings, weights and `drills.limits`. Seconds are for KVM: `scale` stretches them. */
import { DRILL_LIMITS, type DrillLimits } from "../model/config/schemaDrills";
import { controlPlane } from "../model/director/controlPlane";
import { holdSeconds } from "../model/director/detection";
import { vipHolder } from "../model/director/vipHolder";
import { gcd, servingWeights } from "../model/director/ipvs/turns";
import type { Lab } from "../model/lab/types";

/** For what no formula covers: the daemon's own work and the kernel's edit. */
const SLACK = 2;

type Derived =
  | "ejectSeconds"
  | "ejectSilentSeconds"
  | "recoverSeconds"
  | "recoverSilentSeconds"
  | "lostAfterRetry"
  | "takeoverMs"
  | "handoverMs";

export interface Promises extends Omit<DrillLimits, Derived> {
  /** Milliseconds for which the VIP answers nobody: when the active of two directors dies, and when it gives the VIP up in order. */
  readonly takeoverMs: number;
  readonly handoverMs: number;
  /** A server whose port refuses, or that answers wrongly, is out of the table. */
  readonly eject: number;
  /** `hung` servers that accept and keep silent, or are gone from the wire, are out. */
  ejectSilent(hung?: number): number;
  /** A server that answers again is back. */
  readonly recover: number;
  /** A server is back though the check before was left hanging. */
  readonly recoverSilent: number;
  /**
   * First attempts that fail while a server of that name refuses: the fixed number, where it is out so soon and has less than half of the
   * weight. Else they follow from the time until it is out.
   * @param rate requests a second
   */
  failedUntilOut(server: string, rate: number, scale: number): number;
  /** Of so many connections those that outlive a change of the director: without connection sync the other one knows none. */
  flowsKept(open: number): number;
  /** Requests lost though they were repeated, when a server of that name refuses; undefined = no promise. */
  lostAfterRetry(server: string): number | undefined;
}

export function promises(lab: Lab): Promises {
  const [service] = lab.services;
  const { check } = service;
  const limits = { ...DRILL_LIMITS, ...lab.drills?.limits };
  const { ejectSeconds, ejectSilentSeconds, recoverSeconds, recoverSilentSeconds, ...others } = limits;
  const { lostAfterRetry, ...rest } = others;
  const holder = vipHolder(lab);
  const { detectionSeconds } = controlPlane(lab);
  const each = check.failurecount * holdSeconds(check);
  const eject = ejectSeconds ?? detectionSeconds(service, 0, lab);
  return {
    ...rest,
    takeoverMs: rest.takeoverMs ?? holder.takeoverMs(lab),
    handoverMs: rest.handoverMs ?? holder.handoverMs(lab),
    eject,
    ejectSilent: (hung = 1) =>
      ejectSilentSeconds === undefined
        ? detectionSeconds(service, hung, lab)
        : ejectSilentSeconds + (hung - 1) * each,
    recover: recoverSeconds ?? check.checkinterval + SLACK,
    recoverSilent: recoverSilentSeconds ?? check.checkinterval + holdSeconds(check) + SLACK,
    failedUntilOut(server, rate, scale) {
      const met = rate * metFirst(weightShare(lab, server));
      return met * eject + 3 <= rest.failed
        ? rest.failed
        : Math.max(rest.failed, Math.ceil(met * eject * scale) + 3);
    },
    flowsKept: (open) => (lab.highAvailability?.sync === "off" ? 0 : open),
    lostAfterRetry: (server) => lostAfterRetry ?? lostInARow(lab, server),
  };
}

/**
 * Requests that go to others between two turns of a server, at least; undefined where the scheduler knows no turns. The
 * kernel's wrr goes down from the largest weight and serves, at each step, all that weigh as much.
 */
export function othersBetweenTurns(lab: Lab, name: string): number | undefined {
  const [service] = lab.services;
  if (!["rr", "wrr"].includes(service.scheduler)) return undefined;
  const all = servingWeights(service);
  const weights = [...all.values()].filter((weight) => weight > 0);
  const unit = weights.reduce(gcd, 0);
  const own = all.get(name) ?? 0;
  if (own === unit) return weights.reduce((sum, weight) => sum + weight, 0) / unit - 1;
  return weights.filter((weight) => weight >= own).length - 1;
}

/**
 * Requests lost to a server that refuses, though they were repeated at once. A retry meets it again only when as many
 * others overtake it as come between its turns: two never do within an answer's time, one may.
 */
function lostInARow(lab: Lab, name: string): number | undefined {
  const others = othersBetweenTurns(lab, name) ?? 0;
  return others === 0 ? undefined : others === 1 ? 2 : 0;
}

/** A real server's share of the requests, from the weights; nothing comes to one that is drained. */
export function weightShare(lab: Lab, name: string): number {
  const weights = servingWeights(lab.services[0]);
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  return (weights.get(name) ?? 0) / total;
}

/** Of first attempts those that meet a server with that share when each that fails is repeated at once: the repeated one takes another's turn. */
const metFirst = (share: number): number => (share < 0.5 ? share / (1 - share) : 1);

/** A promise that the configuration may not keep, and then why. */
interface Damping {
  readonly max: number;
  readonly why?: string;
}

/**
 * Changes of the table in 10 s that a flapping server may cause.
 * @param period seconds that it is well, and then not
 */
export function flapPromise(lab: Lab, period: number): Damping {
  const { failurecount, checkinterval } = lab.services[0].check;
  // ldirectord damps falls, and only by asking again: all of these checks have to fall into one failure.
  if (failurecount > 1 && (failurecount - 1) * checkinterval > period) return { max: 1 };
  const each = 10 / Math.max(period, checkinterval);
  return failurecount === 1
    ? {
        max: each,
        why: "not promised to be damped: failurecount is 1; 3 damps it (healthCheck.failurecount)",
      }
    : {
        max: each / 2,
        why: `not promised to be damped: ${failurecount} checks every ${checkinterval} s fit into a failure of ${period} s; one more damps it`,
      };
}

/**
 * Ejections that a lossy link may cause. ldirectord gives a check up after its timeout, and a SYN is sent anew only after
 * 1, 3 and 7 s: with 5 % loss a check of 3 s fails once in 400 times. One failed check ejects only with failurecount 1.
 * @param loss share of the packets, 0 to 1
 * @param seconds it lasts
 */
export function lossPromise(lab: Lab, loss: number, seconds: number): Damping {
  const [{ check, realServers }] = lab.services;
  if (check.failurecount > 1) return { max: 0 };
  const tries = [0, 1, 3, 7, 15].filter((at) => at < holdSeconds(check)).length;
  const checks = (realServers.length * seconds) / check.checkinterval;
  const mean = checks * loss ** tries;
  return {
    max: poissonBound(mean),
    why: `0 are not promised: failurecount is 1, so that about ${mean.toFixed(1)} checks fail; 2 is enough (healthCheck.failurecount)`,
  };
}

/** The smallest number that a Poisson variable exceeds less than once in 10,000 times. */
function poissonBound(mean: number): number {
  let term = Math.exp(-mean);
  let below = term;
  let n = 0;
  while (1 - below >= 1e-4) {
    term *= mean / ++n;
    below += term;
  }
  return n;
}
