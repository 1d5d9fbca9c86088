/** What is promised, in seconds, from the lab's own check settings. Times are for KVM: `scale` stretches them. */
import { detectionSeconds } from "../../model/invariantsHealth";
import type { HealthCheck, Lab } from "../../model/types";

/** For what no formula covers: the daemon's own work and the kernel's edit. */
const SLACK = 2;

export interface Promises {
  /** A server whose port refuses, or that answers wrongly, is out of the table. */
  readonly eject: number;
  /** `hung` servers that accept and keep silent, or are gone from the wire, are out. */
  ejectSilent(hung?: number): number;
  /** A server that answers again is back. */
  readonly recover: number;
  /** A server is back though the check before was left hanging. */
  readonly recoverSilent: number;
}

function timeoutOf(check: HealthCheck): number {
  return check.checktype === "negotiate" ? check.negotiatetimeout : check.checktimeout;
}

export function promises(lab: Lab): Promises {
  const [service] = lab.services;
  const { check } = service;
  return {
    eject: detectionSeconds(service, 0),
    ejectSilent: (hung = 1) => detectionSeconds(service, hung),
    recover: check.checkinterval + SLACK,
    recoverSilent: check.checkinterval + timeoutOf(check) + SLACK,
  };
}

/** A real server's share of the requests, from the weights. */
export function weightShare(lab: Lab, name: string): number {
  const [{ realServers }] = lab.services;
  const total = realServers.reduce((sum, { weight }) => sum + weight, 0);
  return (realServers.find((server) => server.name === name)?.weight ?? 0) / total;
}

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
  const tries = [0, 1, 3, 7, 15].filter((at) => at < timeoutOf(check)).length;
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
