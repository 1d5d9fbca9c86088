/** Health checks that can be run, and ldirectord options that go together. */
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import type { Config } from "./schema";
import { MAIN } from "./serviceDefaults";
import type { HealthCheck, VirtualService } from "./types";

const SQL = ["mysql", "oracle", "pgsql"];

/** Seconds for what no formula covers: the daemon's own work for each server, and the kernel's edit. */
const DAEMON_SECONDS = 2;

/**
 * Seconds within which a dead real server is out of the table, when `silent` of the service's servers answer nothing
 * (0: the check fails at once). Servers of one service are checked one after the other.
 */
export function detectionSeconds({ check }: Pick<VirtualService, "check">, silent = 1): number {
  const timeout = check.checktype === "negotiate" ? check.negotiatetimeout : check.checktimeout;
  return check.failurecount * (check.checkinterval + silent * timeout) + DAEMON_SECONDS;
}

export function checkHealth(findings: Findings, config: Config, draft: Draft): void {
  draft.services.forEach((service, position) => {
    const changes = config.services.findIndex((each) => (each.name ?? "") === service.name);
    const key =
      position === 0 && (changes < 0 || config.services[changes]?.healthCheck === undefined)
        ? "healthCheck"
        : `services[${changes < 0 ? indexOf(config, position) : changes}].healthCheck`;
    checkOne(findings, key, service);
  });
  checkPairs(findings, config, draft.mode);
  checkDaemon(findings, config, draft);
}

/** Index in `services` of the lab's service at a position; main is at 0 and not always in the list. */
function indexOf(config: Config, position: number): number {
  return config.services.flatMap((each, index) => (each.name === MAIN ? [] : [index]))[position - 1] ?? 0;
}

function checkOne(findings: Findings, key: string, { check, protocol }: VirtualService): void {
  const negotiates = check.checktype === "negotiate" || typeof check.checktype === "number";
  const external = check.checktype === "external" || check.checktype === "external-perl";
  const needs = (field: keyof HealthCheck, why: string): void => {
    if (check[field] !== undefined) return;
    findings.add({ key: `${key}.${field}`, message: `is missing: ${why} needs it`, fix: "give it a value" });
  };
  if (check.checktype === "off") {
    const message = "puts no real server into the table: every request would go to the sorry server";
    findings.add({
      key: `${key}.checktype`,
      value: "off",
      message,
      fix: "say on for real servers that are never checked",
    });
  }
  if (external) needs("checkcommand", `checktype ${check.checktype}`);
  if (!external && check.checkcommand !== undefined) {
    const fix = "set checktype to external, or remove checkcommand";
    findings.add({
      key: `${key}.checkcommand`,
      value: check.checkcommand,
      message: "is run by external checks only",
      fix,
    });
  }
  if (negotiates && SQL.includes(check.service ?? "")) {
    for (const field of ["login", "database", "request"] as const) needs(field, `a ${check.service} check`);
  }
  if (check.httpmethod === "HEAD" && check.receive !== undefined) {
    const fix = "remove receive, or use httpmethod GET";
    findings.add({
      key: `${key}.receive`,
      value: check.receive,
      message: "cannot match the answer to HEAD, which has no body",
      fix,
    });
  }
  if (protocol === "udp" && check.checktype === "connect") {
    const message = "cannot be used with udp: ldirectord would silently ping instead";
    findings.add({
      key: `${key}.checktype`,
      value: "connect",
      message,
      fix: "say ping, or negotiate with a service",
    });
  }
}

/** ldirectord takes request and receive of one real server only as a pair, and the thresholds in order. */
function checkPairs(findings: Findings, config: Config, mode: Draft["mode"]): void {
  const lists = [
    { key: "realServers", servers: config.realServers },
    ...config.services.map((service, index) => ({
      key: `services[${index}].realServers`,
      servers: service.realServers,
    })),
  ];
  for (const { key, servers } of lists) {
    servers?.forEach((server, index) => {
      const at = `${key}[${index}]`;
      const [lone, missing] = server.request === undefined ? ["receive", "request"] : ["request", "receive"];
      if ((server.request === undefined) !== (server.receive === undefined)) {
        const message = `is missing beside ${lone}: ldirectord takes the two only together`;
        findings.add(
          { key: `${at}.${missing}`, message, fix: `set ${missing}, or remove ${lone}` },
          `${at}.${lone}`,
        );
      }
      const { lowerThreshold, upperThreshold } = server;
      if (upperThreshold !== undefined && mode === "static") {
        const message = "is set by ldirectord, which does not run in static mode";
        const fix = "set director.mode to ldirectord, or remove the thresholds";
        findings.add({ key: `${at}.upperThreshold`, value: upperThreshold, message, fix }, "director.mode");
      }
      if (
        lowerThreshold !== undefined &&
        (upperThreshold === undefined || lowerThreshold >= upperThreshold)
      ) {
        const message =
          upperThreshold === undefined
            ? "has no effect without upperThreshold"
            : `is not below upperThreshold ${upperThreshold}`;
        const fix = "set upperThreshold above it";
        findings.add(
          { key: `${at}.lowerThreshold`, value: lowerThreshold, message, fix },
          `${at}.upperThreshold`,
        );
      }
    });
  }
}

function checkDaemon(findings: Findings, config: Config, draft: Draft): void {
  const { fork, autoreload, emailalertstatus } = config.ldirectord;
  const intervals = new Set(draft.services.map((service) => service.check.checkinterval));
  if (!fork && intervals.size > 1) {
    findings.add({
      key: "ldirectord.fork",
      value: false,
      message: `checks every service at one interval, and the services have ${[...intervals].join(", ")} s`,
      fix: "set fork to true, or use one checkinterval",
    });
  }
  if (autoreload && !fork) {
    findings.add({
      key: "ldirectord.autoreload",
      value: true,
      message: "freezes all health checks at the first bad file when fork is false",
      fix: "leave autoreload off (the lab sends HUP after it has validated the file), or set fork to true",
    });
  }
  const status = [
    { key: "ldirectord.emailalertstatus", value: emailalertstatus },
    ...config.services.map((service, index) => ({
      key: `services[${index}].ldirectord.emailalertstatus`,
      value: service.ldirectord.emailalertstatus,
    })),
  ];
  for (const { key, value } of status) {
    if (value === undefined || value.length < 2 || !value.includes("none")) continue;
    findings.add({
      key,
      value,
      message: "has none beside other states",
      fix: "write none alone, or remove it",
    });
  }
}
