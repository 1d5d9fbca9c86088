/** Health checks that can be run, and ldirectord options that go together. */
import {
  asksNobody,
  checkService,
  lackingFields,
  isOfWeb,
  negotiates,
  type NeededField,
} from "../director/checkServices";
import { controlPlane } from "../director/controlPlane";
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import type { Refusal } from "./refusal";
import type { Config } from "./schema";
import { sixthName } from "./serviceDefaults";
import { keysOf, reporter, servicePlaces, type Place } from "./servicePlaces";
import { familyOf } from "../lab/address";
import type { HealthCheck, RealServerEntry, VirtualService } from "../lab/types";

/** Reports a field of a service's check; `involved` are further fields that the finding depends on. */
type ReportCheck = (
  field: keyof HealthCheck,
  problem: Omit<Refusal, "key">,
  ...involved: (keyof HealthCheck)[]
) => void;

export function checkHealth(findings: Findings, config: Config, draft: Draft): void {
  for (const place of servicePlaces(config, draft)) {
    checkSixth(findings, config, draft, place);
    const report: ReportCheck = (field, problem, ...involved) => {
      // What a check needs follows from what is checked.
      const also = ["protocol", "port", "workload", ...involved.map((each) => `healthCheck.${each}`)];
      reporter(findings, config, place)(`healthCheck.${field}`, problem, also);
    };
    const before = findings.problems.length;
    checkOne(place.service, report);
    if (findings.problems.length === before) checkServed(place.service, report);
  }
  checkPairs(findings, config, draft);
  checkDaemon(findings, config, draft);
}

/** Whether the real servers run anything that could pass the check. */
function checkServed({ name, check, protocol, workload }: VirtualService, report: ReportCheck): void {
  if (protocol !== "tcp" || workload !== undefined) return;
  if (!negotiates(check.checktype) || isOfWeb(check.service)) return;
  report(
    "service",
    {
      value: check.service,
      message: `finds all real servers of ${name} dead: at its port they run the built-in web server`,
      fix: `name a workload that speaks ${check.service}: services: [{ name: ${name}, workload: … }]; or set checktype to connect`,
    },
    "checktype",
  );
}

/** What ldirectord can check of a service whose real servers it asks by their addresses of IPv6. */
function checkSixth(findings: Findings, config: Config, draft: Draft, place: Place): void {
  const { name, vip, check } = place.service;
  const twin = draft.services.some((each) => each.name === sixthName(name));
  if (draft.mode !== "ldirectord" || !(twin || familyOf(vip) === 6)) return;
  const pings = check.checktype === "ping";
  if (!pings && (!negotiates(check.checktype) || checkService(check.service).six === true)) return;
  const where = twin ? "is served at the VIP of IPv6 too" : "is served at a VIP of IPv6";
  const [vipKey] = keysOf(config, place, "vip");
  const alone = twin ? `, or name the VIP of IPv4 (${vipKey}), which it is then served at alone` : "";
  const message = `is ${pings ? "sent" : "checked"} over IPv4 alone by ldirectord, and ${name} ${where}`;
  const fix = `set checktype to ${pings ? "external or on" : "connect"}${alone}`;
  const field = `healthCheck.${pings ? "checktype" : "service"}`;
  reporter(findings, config, place)(field, { value: pings ? "ping" : check.service, message, fix }, [
    "protocol",
  ]);
}

function checkOne(service: VirtualService, report: ReportCheck): void {
  const { check, protocol } = service;
  const external = check.checktype === "external" || check.checktype === "external-perl";
  if (check.checktype === "off") {
    const message = "puts no real server into the table: every request would go to the sorry server";
    const fix = "say on for real servers that are never checked";
    report("checktype", { value: "off", message, fix });
  }
  if (external && check.checkcommand === undefined) {
    const message = `is missing: checktype ${check.checktype} needs it`;
    report("checkcommand", { message, fix: "give it a value" }, "checktype");
  }
  if (!external && check.checkcommand !== undefined) {
    const fix = "set checktype to external, or remove checkcommand";
    const message = "is run by external checks only";
    report("checkcommand", { value: check.checkcommand, message, fix }, "checktype");
  }
  checkNegotiation(service, report);
  checkCertificates(service, report);
  if (check.httpmethod === "HEAD" && check.receive !== undefined) {
    const message = "cannot match the answer to HEAD, which has no body";
    const fix = "remove receive, or use httpmethod GET";
    report("receive", { value: check.receive, message, fix }, "httpmethod");
  }
  if (protocol === "udp" && check.checktype === "connect") {
    const message = "cannot be used with udp: ldirectord would silently ping instead";
    const fix = "say ping, or negotiate with a service";
    report("checktype", { value: "connect", message, fix });
  }
}

/** What ldirectord would take for a check, and which says nothing of the server. */
function checkNegotiation({ check, port, protocol, realServers }: VirtualService, report: ReportCheck): void {
  const { checktype, service = "none", httpmethod } = check;
  const simple = protocol === "udp" ? "ping" : "connect";
  if (asksNobody(checktype, service)) {
    const message = `asks nothing with service none, that of port ${port}: a dead server would be taken for alive`;
    const fix = `say ${simple}, or set service to a protocol`;
    report("checktype", { value: checktype, message, fix }, "service");
  }
  const given = (field: NeededField): boolean =>
    check[field] !== undefined ||
    ((field === "request" || field === "receive") &&
      realServers.every((server) => server[field] !== undefined));
  for (const { field, otherwise } of lackingFields(checktype, service, given)) {
    const message = `is missing: a ${service} check without it ${otherwise}`;
    const fix = `give it a value, or set checktype to ${simple}`;
    report(field, { message, fix }, "service", "checktype");
  }
  const own = realServers.find(({ receive }) => receive !== undefined);
  if (httpmethod === "HEAD" && own !== undefined && negotiates(checktype)) {
    const message = `gets an answer without body, which receive of ${own.name} cannot match`;
    const fix = "remove that receive, or use httpmethod GET";
    report("httpmethod", { value: httpmethod, message, fix });
  }
}

function checkCertificates({ check }: VirtualService, report: ReportCheck): void {
  const { checktype, service, verify, ca } = check;
  const { tls } = checkService(service);
  const fields = (["verify", "ca"] as const).filter((field) => check[field] !== undefined);
  if (!negotiates(checktype) || tls === undefined) {
    const what = negotiates(checktype) ? `a ${service} check` : `a check of type ${checktype}`;
    const message = `has no effect: ${what} sees no certificate`;
    const fix = "remove it, or check https, pops, imaps or ldaps";
    for (const field of fields) report(field, { message, fix }, "service", "checktype");
  } else if (ca !== undefined && !(verify ?? tls.verify)) {
    const message = "has no effect where certificates are not verified";
    report("ca", { message, fix: "set verify to true, or remove ca" }, "verify", "service");
  }
}

/** ldirectord takes request and receive of one real server only as a pair, and the thresholds in order. */
function checkPairs(findings: Findings, config: Config, draft: Draft): void {
  config.realServers?.forEach((server, index) =>
    checkPair(findings, `realServers[${index}]`, server, server, draft),
  );
  for (const { service, index } of servicePlaces(config, draft)) {
    config.services[index ?? -1]?.realServers?.forEach((server, member) => {
      // What a service does not say of a server, the server says itself.
      const whole = service.realServers.find(({ name }) => name === server.name) ?? server;
      checkPair(findings, `services[${index}].realServers[${member}]`, server, whole, draft);
    });
  }
}

type Pair = Pick<RealServerEntry, "request" | "receive" | "lowerThreshold" | "upperThreshold">;

/** @param says what is listed at the key @param whole the same with what it takes over */
function checkPair(findings: Findings, key: string, says: Pair, whole: Pair, draft: Draft): void {
  const { request, lowerThreshold, upperThreshold } = whole;
  const [lone, missing] =
    request === undefined ? (["receive", "request"] as const) : (["request", "receive"] as const);
  if (says[lone] !== undefined && whole[missing] === undefined) {
    const message = `is missing beside ${lone}: ldirectord takes the two only together`;
    const fix = `set ${missing}, or remove ${lone}`;
    findings.add({ key: `${key}.${missing}`, message, fix }, `${key}.${lone}`);
  }
  if (says.lowerThreshold === undefined && says.upperThreshold === undefined) return;
  if (upperThreshold !== undefined && controlPlane(draft).daemon === undefined) {
    const message = "is set by the daemon that checks, and in static mode none runs";
    const fix = "set director.mode to ldirectord or keepalived, or remove the thresholds";
    findings.add({ key: `${key}.upperThreshold`, value: upperThreshold, message, fix }, "director.mode");
  }
  if (lowerThreshold === undefined || (upperThreshold !== undefined && lowerThreshold < upperThreshold))
    return;
  const message =
    upperThreshold === undefined
      ? "has no effect without upperThreshold"
      : `is not below upperThreshold ${upperThreshold}`;
  const fix = "set upperThreshold above it";
  findings.add(
    { key: `${key}.lowerThreshold`, value: lowerThreshold, message, fix },
    `${key}.upperThreshold`,
  );
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
  checkMail(findings, config);
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

/** Alerts that nobody would send; in an image of the user's own the director looks for a mail program. */
function checkMail(findings: Findings, config: Config): void {
  if (config.image !== undefined) return;
  const owners = [
    { prefix: "ldirectord", ...config.ldirectord },
    ...config.services.map(({ ldirectord }, index) => ({
      prefix: `services[${index}].ldirectord`,
      ...ldirectord,
    })),
  ];
  for (const { prefix, emailalert, smtp } of owners) {
    if (emailalert === undefined || (smtp ?? config.ldirectord.smtp) !== undefined) continue;
    const message = "is missing: the director has no mail program of its own to send alerts";
    const fix = "name a mail server, or remove emailalert";
    findings.add({ key: `${prefix}.smtp`, message, fix }, `${prefix}.emailalert`, "ldirectord.smtp");
  }
}
