/** What ldirectord's negotiate checks cannot do without, and what 4.12 makes of a real server where it is missing. */

/** ldirectord's own table of the protocol behind a port. */
const BY_PORT: Readonly<Record<number, string>> = {
  21: "ftp",
  25: "smtp",
  53: "dns",
  80: "http",
  110: "pop",
  119: "nntp",
  143: "imap",
  389: "ldap",
  443: "https",
  587: "submission",
  636: "ldaps",
  993: "imaps",
  995: "pops",
  1521: "oracle",
  1812: "radius",
  3128: "http_proxy",
  3306: "mysql",
  5060: "sip",
  5432: "pgsql",
};

/** The service that ldirectord takes for a port where none is said. */
export function serviceOfPort(port: number): string {
  return BY_PORT[port] ?? "none";
}

export type NeededField = "database" | "login" | "passwd" | "receive" | "request" | "secret";

interface Needs {
  readonly fields: readonly NeededField[];
  readonly otherwise: "takes a dead server for alive" | "takes every server for dead";
}

const SQL: Needs = { fields: ["login", "request"], otherwise: "takes every server for dead" };
const MAIL: Needs = { fields: ["login", "passwd"], otherwise: "takes a dead server for alive" };
const NEEDS: Readonly<Record<string, Needs>> = {
  dns: { fields: ["request", "receive"], otherwise: "takes every server for dead" },
  ftp: { fields: ["request", "receive"], otherwise: "takes a dead server for alive" },
  http_proxy: { fields: ["request"], otherwise: "takes every server for dead" },
  mysql: SQL,
  oracle: { ...SQL, fields: ["login", "database", "request"] },
  pgsql: SQL,
  pop: MAIL,
  pops: MAIL,
  radius: { fields: ["login", "passwd", "secret"], otherwise: "takes every server for dead" },
};

/** Whether the service's check goes over TLS from its first byte, and so has a certificate to look at. */
export function isTls(service: string | undefined): boolean {
  return service !== undefined && /^(https|imaps|ldaps|pops)$/.test(service);
}

/** Whether a web server can stand in: over HTTP, or a protocol that nobody knows. Others would wait for a greeting or a TLS handshake. */
export function canReadPage(service: string | undefined): boolean {
  return service === undefined || /^(http|http_proxy|none)$/.test(service);
}

/** negotiate, or a number: one negotiate check after so many connects. */
export function negotiates(checktype: string | number): boolean {
  return /^(negotiate|\d+)$/.test(String(checktype));
}

/** A negotiate check of service none asks nobody: it finds a dead server up, also where a connect has just failed. */
export function asksNobody(checktype: string | number, service: string): boolean {
  return negotiates(checktype) && service === "none";
}

/**
 * What a check lacks.
 * @param given whether a field has a value; request and receive also count where each real server brings its own
 */
export function lackingFields(
  checktype: string | number,
  service: string,
  given: (field: NeededField) => boolean,
): readonly { field: NeededField; otherwise: string }[] {
  const needs = negotiates(checktype) ? NEEDS[service] : undefined;
  if (needs === undefined) return [];
  return needs.fields
    .filter((field) => !given(field))
    .map((field) => ({ field, otherwise: needs.otherwise }));
}
