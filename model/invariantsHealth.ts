/** Health checks that can be run, and ldirectord options that go together. */
import { asksNobody, lackingFields, negotiates, type NeededField } from "./checkNeeds";
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import type { Config } from "./schema";
import { MAIN } from "./serviceDefaults";
import type { HealthCheck, VirtualService } from "./types";

// Where the drills, the status and the tests look for it.

export function checkHealth(findings: Findings, config: Config, draft: Draft): void {
  draft.services.forEach((service, position) => {
    const changes = config.services.findIndex((each) => (each.name ?? "") === service.name);
    const key =
      position === 0 && (changes < 0 || config.services[changes]?.healthCheck === undefined)
        ? "healthCheck"
        : `services[${changes < 0 ? indexOf(config, position) : changes}].healthCheck`;
    checkOne(findings, key, service);
  });
  checkPairs(findings, config, draft);
  checkDaemon(findings, config, draft);
}

/** Index in `services` of the lab's service at a position; main is at 0 and not always in the list. */
function indexOf(config: Config, position: number): number {
  return config.services.flatMap((each, index) => (each.name === MAIN ? [] : [index]))[position - 1] ?? 0;
}

function checkOne(findings: Findings, key: string, service: VirtualService): void {
  const { check, protocol } = service;
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
  checkNegotiation(findings, key, service);
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

/** What ldirectord would take for a check, and which says nothing of the server. */
function checkNegotiation(
  findings: Findings,
  key: string,
  { check, port, protocol, realServers }: VirtualService,
): void {
  const { checktype, service = "none", httpmethod } = check;
  const simple = protocol === "udp" ? "ping" : "connect";
  const involved = [`${key}.service`, `${key}.checktype`];
  if (asksNobody(checktype, service)) {
    const message = `asks nothing with service none, that of port ${port}: a dead server would be taken for alive`;
    const fix = `say ${simple}, or set service to a protocol`;
    findings.add({ key: `${key}.checktype`, value: checktype, message, fix }, ...involved);
  }
  const given = (field: NeededField): boolean =>
    check[field] !== undefined ||
    ((field === "request" || field === "receive") &&
      realServers.every((server) => server[field] !== undefined));
  for (const { field, otherwise } of lackingFields(checktype, service, given)) {
    const message = `is missing: a ${service} check without it ${otherwise}`;
    const fix = `give it a value, or set checktype to ${simple}`;
    findings.add({ key: `${key}.${field}`, message, fix }, ...involved);
  }
  const own = realServers.find(({ receive }) => receive !== undefined);
  if (httpmethod === "HEAD" && own !== undefined && negotiates(checktype)) {
    const message = `gets an answer without body, which receive of ${own.name} cannot match`;
    const fix = "remove that receive, or use httpmethod GET";
    findings.add({ key: `${key}.httpmethod`, value: httpmethod, message, fix });
  }
}

/** ldirectord takes request and receive of one real server only as a pair, and the thresholds in order. */
function checkPairs(findings: Findings, config: Config, { mode, realServers }: Draft): void {
  const names = realServers.map(({ name }) => name);
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
      // What a service does not say of a server, the server says itself.
      const own = config.realServers?.[names.indexOf(server.name ?? "")];
      const { lowerThreshold = own?.lowerThreshold, upperThreshold = own?.upperThreshold } = server;
      const says = server.lowerThreshold !== undefined || server.upperThreshold !== undefined;
      if (says && upperThreshold !== undefined && mode === "static") {
        const message = "is set by ldirectord, which does not run in static mode";
        const fix = "set director.mode to ldirectord, or remove the thresholds";
        findings.add({ key: `${at}.upperThreshold`, value: upperThreshold, message, fix }, "director.mode");
      }
      if (
        says &&
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
  const { fork, autoreload, supervised, emailalertstatus } = config.ldirectord;
  if (!supervised) {
    findings.add({
      key: "ldirectord.supervised",
      value: false,
      message: "sends the daemon to the background, where systemd ends it and starts the next, for ever",
      fix: "leave the key out",
    });
  }
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
