/** How long a dead real server stays in the table, from the settings of its checks and ldirectord 4.12's way round them. */
import { checkService, negotiates } from "./checkServices";
import type { HealthCheck, Lab, VirtualService } from "../lab/types";

/** A day: whoever waits longer checks nothing. The programs themselves would take any number. */
const LONGEST = 86400;
/** Smallest and largest value of what decides how soon a dead real server is found. */
export const CHECK_TIMES = {
  checktimeout: [1, LONGEST],
  negotiatetimeout: [1, LONGEST],
  checkinterval: [1, LONGEST],
  failurecount: [1, 1000],
} as const;

/** For what no formula covers: the daemon's own work for each server, and the kernel's edit. */
const DAEMON_SECONDS = 2;
/** An external check's program has so long to end when its time is over (scripts/guest/ldirectord/Ldirectord.pm). */
const GRACE = 1;

type Checked = Pick<VirtualService, "check"> & Partial<Pick<VirtualService, "name" | "protocol">>;

/**
 * Seconds within which a dead real server is out of the table, when `silent` of the lab's real servers answer nothing: they
 * accept and say no more, or are gone from the wire. 0: only the one is dead, and its port refuses.
 * Never found, whatever this says: a dead server with checktype on.
 * @param lab counts where one process checks all services (`ldirectord.fork` false): the silent ones are silent there too
 */
export function detectionSeconds(
  service: Checked,
  silent = 1,
  lab?: Pick<Lab, "ldirectord" | "services">,
): number {
  const { check } = service;
  const { checktype, failurecount, checkinterval } = check;
  // Without a connection nothing refuses: gone is silent.
  const still = service.protocol === "udp" || checktype === "ping" ? Math.max(silent, 1) : silent;
  const hold = holdSeconds(check);
  const elsewhere = lab?.ldirectord.fork === false ? holdElsewhere(service, silent, lab.services) : 0;
  const failing = checkinterval + elsewhere + (still === 0 ? refusedSeconds(check) : still * hold);
  // A hung server still accepts: that many connects are good before it is asked something.
  const blind = still > 0 && typeof checktype === "number" ? checktype : 0;
  return failurecount * failing + blind * (checkinterval + elsewhere + (still - 1) * hold) + DAEMON_SECONDS;
}

/** Seconds for which one silent server holds its service's checks, which are made one after the other. */
export function holdSeconds({ checktype, checktimeout, negotiatetimeout }: HealthCheck): number {
  if (checktype === "external") return checktimeout + GRACE;
  if (!negotiates(checktype)) return checktimeout;
  return typeof checktype === "number" ? Math.max(negotiatetimeout, checktimeout) : negotiatetimeout;
}

function refusedSeconds({ checktype, service, negotiatetimeout }: HealthCheck): number {
  const { retry = 0 } = negotiates(checktype) ? checkService(service) : {};
  return Math.min(retry, negotiatetimeout);
}

function holdElsewhere(service: Checked, silent: number, all: readonly VirtualService[]): number {
  return all
    .filter(({ name }) => name !== service.name)
    .reduce(
      (sum, { check, realServers }) => sum + Math.min(silent, realServers.length) * holdSeconds(check),
      0,
    );
}
