/** How long a dead real server stays in the table, from the settings of its checks and ldirectord 4.12's way round them. */
import { negotiates } from "./checkNeeds";
import type { HealthCheck, Lab, VirtualService } from "./types";

/** Smallest and largest value of what decides how soon a dead real server is found. */
export const CHECK_TIMES = {
  checktimeout: [1, 30],
  negotiatetimeout: [1, 30],
  checkinterval: [1, 60],
  failurecount: [1, 10],
} as const;

/** For what no formula covers: the daemon's own work for each server, and the kernel's edit. */
const DAEMON_SECONDS = 2;
/** Net::IMAP::Simple tries once more, so much later, when it has not connected. */
const IMAP_PAUSE = 5;
/** libpq takes a limit of 1 s for 2. */
const PGSQL_LEAST = 2;

type Checked = Pick<VirtualService, "check"> & Partial<Pick<VirtualService, "protocol">>;

/**
 * Seconds within which a dead real server is out of the table, when `silent` of the lab's real servers answer nothing: they
 * accept and say no more, or are gone from the wire. 0: only the one is dead, and its port refuses.
 * Never found, whatever this says: a dead server with checktype on, and one that says nothing to a pop check.
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
export function holdSeconds({ checktype, service, checktimeout, negotiatetimeout }: HealthCheck): number {
  if (!negotiates(checktype)) return checktimeout;
  const asked = askedSeconds(service, checktimeout, negotiatetimeout);
  return typeof checktype === "number" ? Math.max(asked, checktimeout) : asked;
}

function askedSeconds(service: string | undefined, checktimeout: number, negotiatetimeout: number): number {
  switch (service) {
    // These take their alarm's time from checktimeout.
    case "ldap":
    case "ldaps":
    case "radius":
      return checktimeout;
    case "imap":
    case "imaps":
      return 2 * negotiatetimeout + IMAP_PAUSE;
    case "pgsql":
      return Math.max(negotiatetimeout, PGSQL_LEAST);
    default:
      return negotiatetimeout;
  }
}

function refusedSeconds({ checktype, service }: HealthCheck): number {
  return negotiates(checktype) && (service === "imap" || service === "imaps") ? IMAP_PAUSE : 0;
}

function holdElsewhere(service: Checked, silent: number, all: readonly VirtualService[]): number {
  return all
    .filter(({ check }) => check !== service.check)
    .reduce(
      (sum, { check, realServers }) => sum + Math.min(silent, realServers.length) * holdSeconds(check),
      0,
    );
}
