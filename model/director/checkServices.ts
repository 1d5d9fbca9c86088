/**
 * The one table of the protocols that ldirectord 4.12 can ask by its negotiate checks. The configuration's schema and rules, the time
 * limits, the view on the checks and both Perl modules (scripts/guest/ldirectord/Ldirectord.pm, scripts/host/ldirectord-dry-run/DryRun.pm)
 * read it.
 */

import type { Family } from "../lab/address";

export type NeededField = "database" | "login" | "passwd" | "receive" | "request" | "secret";

interface Row {
  /** For which ldirectord takes it where no service is named. */
  readonly port?: number;
  /** What a check cannot do without. */
  readonly needs?: readonly NeededField[];
  /** What ldirectord makes of a real server where that is missing. */
  readonly otherwise?: "takes a dead server for alive" | "takes every server for dead";
  /** What is asked and expected unless configured; other protocols have no request that every server would answer. */
  readonly asks?: { readonly request: string; readonly receive: string };
  /** A web server can stand in. Others would wait for a greeting or a TLS handshake. */
  readonly page?: true;
  /** TLS from its first byte: whether the certificate is verified unless configured. */
  readonly tls?: { readonly verify: boolean };
  /** Asked by datagrams, which leave no trace on the real server. */
  readonly udp?: true;
  /** Asked over IPv6 too, as test/services/ipv6.test.ts shows; the others are not known to be. */
  readonly six?: true;
  /** The director closes the connection first, so that no trace of it stays on the real server. */
  readonly closes?: true;
  /** The library tries once more, so many seconds later, when it has not connected. */
  readonly retry?: number;
  /** ldirectord's sub whose library has no time limit, one for each step, or one that holds only until a connection stands. */
  readonly apart?: string;
  /** Perl modules that a check loads. */
  readonly modules?: readonly string[];
  /** Debian package of those modules, where Debian's ldirectord does not depend on it. */
  readonly package?: string;
}

const ALIVE = "takes a dead server for alive";
const DEAD = "takes every server for dead";
/** The article's. */
const WEB = { request: "test.html", receive: "test" };
const LDAP = ["Net::LDAP", "Net::LDAP::Bind", "Net::LDAP::Search", "Net::LDAP::Filter"];

const SERVICES = {
  dns: { port: 53, needs: ["request", "receive"], otherwise: DEAD, udp: true, six: true },
  ftp: {
    port: 21,
    needs: ["request", "receive"],
    otherwise: ALIVE,
    apart: "ftp",
    modules: ["Net::FTP", "Net::FTP::I"],
  },
  http: { port: 80, asks: WEB, page: true, six: true },
  https: {
    port: 443,
    asks: WEB,
    six: true,
    tls: { verify: true },
    closes: true,
    modules: ["LWP::Protocol::https"],
    package: "liblwp-protocol-https-perl",
  },
  http_proxy: { port: 3128, needs: ["request"], otherwise: DEAD, page: true },
  imap: { port: 143, retry: 5, apart: "imap", modules: ["Net::IMAP::Simple"] },
  imaps: {
    port: 993,
    retry: 5,
    tls: { verify: true },
    closes: true,
    apart: "imaps",
    modules: ["Net::IMAP::Simple::SSL"],
  },
  ldap: { port: 389, closes: true, apart: "ldap", modules: [...LDAP, "IO::Socket::IP"] },
  ldaps: {
    port: 636,
    tls: { verify: false },
    closes: true,
    apart: "ldap",
    modules: [...LDAP, "IO::Socket::SSL"],
  },
  mysql: {
    port: 3306,
    needs: ["login", "request"],
    otherwise: DEAD,
    apart: "mysql",
    modules: ["DBI", "DBD::mysql"],
    package: "libdbd-mysql-perl",
  },
  nntp: { port: 119, apart: "nntp", six: true },
  none: { page: true, six: true },
  oracle: {
    port: 1521,
    needs: ["login", "database", "request"],
    otherwise: DEAD,
    apart: "oracle",
    modules: ["DBI", "DBD::Oracle"],
    package: "libdbd-oracle-perl",
  },
  pgsql: {
    port: 5432,
    closes: true,
    needs: ["login", "request"],
    otherwise: DEAD,
    apart: "pgsql",
    modules: ["DBI", "DBD::Pg"],
    package: "libdbd-pg-perl",
  },
  pop: {
    port: 110,
    needs: ["login", "passwd"],
    otherwise: ALIVE,
    apart: "pop",
    modules: ["Mail::POP3Client"],
  },
  pops: {
    port: 995,
    needs: ["login", "passwd"],
    otherwise: ALIVE,
    tls: { verify: true },
    closes: true,
    apart: "pop",
    modules: ["Mail::POP3Client", "IO::Socket::SSL"],
  },
  radius: {
    port: 1812,
    needs: ["login", "passwd", "secret"],
    otherwise: DEAD,
    udp: true,
    apart: "radius",
    modules: ["Authen::Radius"],
  },
  simpletcp: { six: true },
  sip: { port: 5060, udp: true, six: true },
  smtp: { port: 25, apart: "smtp" },
  submission: { port: 587, apart: "smtp" },
} as const satisfies Record<string, Row>;

export type CheckService = keyof typeof SERVICES;

export const CHECK_SERVICES = Object.keys(SERVICES) as [CheckService, ...CheckService[]];

/** What is known of a service; nothing of one that is not named. */
export function checkService(name: CheckService | undefined): Row {
  return name === undefined ? {} : SERVICES[name];
}

/** The service that ldirectord takes for a port where none is named. */
export function serviceOfPort(port: number): CheckService {
  return CHECK_SERVICES.find((name) => checkService(name).port === port) ?? "none";
}

/** Whether a web server can stand in: over HTTP, or a protocol that nobody knows. */
export function canReadPage(service: CheckService | undefined): boolean {
  return service === undefined || checkService(service).page === true;
}

/** Whether the built-in web server can pass a check that speaks it. */
export function isOfWeb(service: CheckService | undefined): boolean {
  return canReadPage(service) || service === "https" || service === "simpletcp";
}

/** negotiate, or a number: one negotiate check after so many connects. */
export function negotiates(checktype: string | number): boolean {
  return /^(negotiate|\d+)$/.test(String(checktype));
}

/** What ldirectord asks web servers by IPv6 with; its package only mentions it. */
const WEB_BY_IPV6 = "libnet-inet6glue-perl";

/** Debian packages that a check needs beside what ldirectord's own depends on. */
export function checkPackages(
  checktype: string | number,
  service: CheckService | undefined,
  family: Family,
): string[] {
  if (!negotiates(checktype)) return [];
  const { package: modules } = checkService(service);
  const isWeb = service === "http" || service === "https";
  return [...(modules === undefined ? [] : [modules]), ...(isWeb && family === 6 ? [WEB_BY_IPV6] : [])];
}

/** A negotiate check of service none asks nobody: it finds a dead server up, also where a connect has just failed. */
export function asksNobody(checktype: string | number, service: CheckService): boolean {
  return negotiates(checktype) && service === "none";
}

/**
 * What a check lacks.
 * @param given whether a field has a value; request and receive also count where each real server brings its own
 */
export function lackingFields(
  checktype: string | number,
  service: CheckService,
  given: (field: NeededField) => boolean,
): readonly { field: NeededField; otherwise: string }[] {
  const { needs = [], otherwise = DEAD } = negotiates(checktype) ? checkService(service) : {};
  return needs.filter((field) => !given(field)).map((field) => ({ field, otherwise }));
}

/**
 * The table for the end of a Perl module, which reads it from DATA. One service a line: name, sub to run apart, tls, package, and then its
 * modules; "-" stands for none.
 */
export function perlServices(): string {
  return CHECK_SERVICES.map((name) => {
    const { apart = "-", tls, package: debian = "-", modules = [] } = checkService(name);
    return `${[name, apart, tls ? "tls" : "-", debian, ...modules].join(" ")}\n`;
  }).join("");
}
