/** The checks of a service as keepalived 2.2.7 makes them, and those that it does not have. */
import { negotiates } from "../checkServices";
import type { HealthCheck, RealServerEntry, VirtualService } from "../../lab/types";

/** A field of a check that keepalived cannot do, and why. */
export interface Unfit {
  readonly field: keyof HealthCheck;
  readonly message: string;
}

/** Protocols that keepalived speaks itself, and its word for each. */
const SPOKEN: Readonly<Record<string, string>> = {
  http: "HTTP_GET",
  https: "SSL_GET",
  smtp: "SMTP_CHECK",
  submission: "SMTP_CHECK",
};

/** What keepalived cannot do of a service's check. */
export function unfitFields({ check }: Pick<VirtualService, "check">): Unfit[] {
  const { checktype, service = "none", httpmethod, verify, ca, login, request = "" } = check;
  if (checktype === "external-perl")
    return [{ field: "checktype", message: "is code for ldirectord's own process" }];
  const long = tooLong(check);
  if (!negotiates(checktype)) return long;
  if (SPOKEN[service] === undefined)
    return [{ field: "service", message: `is not a protocol that keepalived can check: ${service}` }];
  const found: (Unfit | false)[] = [
    httpmethod === "HEAD" && { field: "httpmethod", message: "is not what keepalived sends: it asks by GET" },
    verify === true && { field: "verify", message: "has no effect: keepalived looks at no certificate" },
    ca !== undefined && { field: "ca", message: "has no effect: keepalived looks at no certificate" },
    login !== undefined && { field: "login", message: "is not sent by keepalived's checks" },
    request.includes("://") && {
      field: "request",
      message: "names another host, which keepalived does not ask",
    },
  ];
  return [...long, ...found.filter((each) => each !== false)];
}

/** Limits of its parser, seconds: it counts microseconds in 32 bits. */
const LONGEST = 4294;

function tooLong({ checktype, checktimeout, negotiatetimeout }: HealthCheck): Unfit[] {
  // What is not configured is the checktimeout.
  const asks = negotiates(checktype) && negotiatetimeout !== checktimeout;
  const found: Unfit["field"][] = [];
  const message = `is more than the ${LONGEST} seconds that keepalived takes`;
  if (checktimeout > LONGEST && checktype !== "on" && !(asks && checktype === "negotiate"))
    found.push("checktimeout");
  if (asks && negotiatetimeout > LONGEST) found.push("negotiatetimeout");
  return found.map((field) => ({ field, message }));
}

/** Quoted as keepalived's parser reads it. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

/** Blocks of one real server's checks, all of which must pass; none where it is never checked. */
export function checkers(service: VirtualService, server: RealServerEntry): string[][] {
  const { check } = service;
  const { checktype, checkinterval, checktimeout, negotiatetimeout, failurecount } = check;
  // Of a virtual server the parser takes no `retry 0`.
  const block = (name: string, lines: readonly string[]): string[] =>
    braces(name, [...lines, `retry ${failurecount - 1}`, `delay_before_retry ${checkinterval}`]);
  const port = check.checkport ?? service.port;
  const connect = block("TCP_CHECK", [`connect_port ${port}`, `connect_timeout ${checktimeout}`]);
  const negotiate = block(SPOKEN[check.service ?? ""] ?? "", [
    `connect_port ${port}`,
    `connect_timeout ${negotiatetimeout}`,
    ...(check.service === "http" || check.service === "https" ? page(check, server) : []),
  ]);
  switch (checktype) {
    case "on":
    case "off":
    case "external-perl":
      return [];
    case "connect":
      return [connect];
    case "ping":
      return [block("PING_CHECK", [`connect_timeout ${checktimeout}`])];
    case "external": {
      // ldirectord's, which names a group of ports by its mark and no port.
      const at = service.mark === undefined ? [service.vip, service.port] : [service.mark, 0];
      const words = [check.checkcommand ?? "", ...at, server.address, server.port];
      return [block("MISC_CHECK", [`misc_path ${quoted(words.join(" "))}`, `misc_timeout ${checktimeout}`])];
    }
    case "negotiate":
      return [negotiate];
    default:
      // So many connects, and then a question; here both have a rhythm of their own.
      return [connect, [...negotiate.slice(0, -1), `  delay_loop ${checkinterval * checktype}`, "}"]];
  }
}

function braces(name: string, lines: readonly string[]): string[] {
  return [`${name} {`, ...lines.map((line) => `  ${line}`), "}"];
}

function page(check: HealthCheck, server: RealServerEntry): string[] {
  const { virtualhost, service } = check;
  const path = (server.request ?? check.request ?? "").replace(/^\/?/, "/");
  const receive = server.receive ?? check.receive;
  return [
    // Else one that comes back waits for a second round.
    "fast_recovery",
    ...(service === "https" && virtualhost !== undefined ? ["enable_sni"] : []),
    ...braces("url", [
      `path ${quoted(path)}`,
      "status_code 200-299",
      ...(virtualhost === undefined ? [] : [`virtualhost ${virtualhost}`]),
      ...(receive === undefined ? [] : [`regex ${quoted(receive)}`]),
    ]),
  ];
}
