/** ldirectord.cf: what its own parser has read (scripts/host/ldirectord-dry-run/Parsed.pm), in the lab's words. */
import { checkService, negotiates, type CheckService } from "../director/checkServices";
import { OPTIONS } from "../director/ldirectord/options";
import { given } from "../config/serviceDefaults";
import type { Forwarding } from "../director/ldirectord/conf";
import { ASKING, unread } from "./checkOptions";
import {
  shown,
  type Fields,
  type Left,
  type Line,
  type Source,
  type SourceServer,
  type SourceService,
} from "./source";

type Text = string | number | null | undefined;

interface ParsedServer {
  readonly line: number;
  readonly server: string;
  readonly port?: Text;
  readonly forward: Forwarding;
  readonly weight: Text;
  readonly request?: string;
  readonly receive?: string;
  readonly "l-threshold"?: Text;
  readonly "u-threshold"?: Text;
}

type ParsedVirtual = Readonly<Record<string, Text>> & {
  readonly line: number;
  readonly real: readonly ParsedServer[];
  readonly fallback?: ParsedServer;
};

export interface ParsedCf {
  readonly virtuals: readonly ParsedVirtual[];
  readonly global: Readonly<Record<string, Text>> & {
    readonly fallback: Readonly<Record<string, ParsedServer>> | null;
    readonly fallback6: Readonly<Record<string, ParsedServer>> | null;
  };
  readonly names: Readonly<Record<string, string>>;
  readonly refused: readonly { readonly line: number; readonly why: string }[];
}

export const PROGRAM = "names a program of your director's, which the lab's has not";
/** Of one that a lab's configuration has a key for. */
export const UNBROUGHT = `${PROGRAM} until director.files brings it`;
/** Options that the parser takes and the lab has no use for. */
const NOT_TAKEN: Partial<Record<keyof typeof OPTIONS, string>> = {
  callback: UNBROUGHT,
  checkcount: "is deprecated, and counts for ping checks only",
  execute: "starts further daemons with files of their own: import each into a stack of its own",
  fallbackcommand: UNBROUGHT,
  load: "is read and never used",
  maintenancedir: "names a directory of your director's, which the lab's has not",
};
/** Directories that every Debian has. */
const LOG_DIRECTORIES = /^\/(var\/log|var\/tmp|tmp|run)\/[^/]+$/;
/** Matches any answer: where the file expects nothing, the lab would expect its own pages. */
export const ANYTHING = ".*";
const STATES = { starting: 1, running: 2, stopping: 4, reloading: 8 };

export function readLdirectordCf(text: string, parsed: ParsedCf): Source {
  const rows = text.split(/\r?\n/);
  const lineAt = (line: number): Line => ({ line, text: shown(rows[line - 1] ?? "") });
  // A comment in a block that is refused says nothing either.
  const saysSomething = (line: number): boolean => /^\s*[^\s#]/.test(rows[line - 1] ?? "");
  const refused = new Map(
    parsed.refused.flatMap(({ line, why }) => (saysSomething(line) ? [[line, why] as const] : [])),
  );
  const left: Left[] = [...refused].map(([line, why]) => ({
    ...lineAt(line),
    reason: why.startsWith("Unknown command") ? unknown(rows[line - 1] ?? "") : `ldirectord: ${why}`,
  }));
  const numbers = rows.map((_row, index) => index + 1).filter(saysSomething);
  const leave = (at: Line | undefined, reason: string | undefined): void => {
    if (at !== undefined && reason !== undefined) left.push({ ...at, reason });
  };

  /** Of each option among these lines the one that counts, the last. */
  const options = (among: readonly number[]): Record<string, Line> => {
    const lines: Record<string, Line> = {};
    for (const number of among) {
      const name = /^\s*([a-z0-9]+)/.exec(rows[number - 1] ?? "")?.[1] ?? "";
      if (refused.has(number) || /^(real|virtual)6?$/.test(name)) continue;
      leave(lines[name], `is said again in line ${number}, which counts`);
      lines[name] = lineAt(number);
    }
    for (const [name, reason] of Object.entries(NOT_TAKEN)) leave(lines[name], reason);
    return lines;
  };
  const starts = parsed.virtuals.map(({ line }) => line);
  const ofVirtual = (line: number): number[] => {
    const rest = numbers.filter((number) => number > line);
    // Whatever is not indented ends it; a refused line may be anything.
    const end = rest.findIndex(
      (number) => !/^(\t| {4})/.test((rows[number - 1] ?? "").replace(/\t/g, "    ")) && !refused.has(number),
    );
    return end < 0 ? rest : rest.slice(0, end);
  };
  const indented = new Set(starts.flatMap(ofVirtual));
  const lines = options(numbers.filter((number) => !indented.has(number)));

  const services = parsed.virtuals.map((virtual) => {
    const own = ofVirtual(virtual.line);
    return {
      ...serviceOf(virtual, parsed, options(own), lineAt, leave),
      inner: own.map(lineAt),
    };
  });

  const { global, names } = parsed;
  const written = (name: string): Text => (lines[name] === undefined ? undefined : global[name]);
  const ldirectord = given({
    // ldirectord's own defaults, which are not the lab's.
    autoreload: global.autoreload === "yes",
    fork: global.fork === "yes",
    cleanstop: global.cleanstop === "yes",
    readdquiescent: global.readdquiescent === "yes",
    ...(written("supervised") === "no" && { supervised: false }),
    logfile: written("logfile") ?? undefined,
    emailalertfrom: written("emailalertfrom") ?? undefined,
    ...alertsOf(written),
  });
  const all = numbers.map(lineAt);
  return { mode: "ldirectord", all, services, ldirectord, lines, names, networks: [], left };
}

/** Its parser knows some options in quotes only, and no line behind a byte that is not seen. */
function unknown(row: string): string {
  const [, name = ""] = /^\s*([a-z0-9]+)\s*=/.exec(row) ?? [];
  return name in OPTIONS ? "ldirectord does not take it as it is written" : "ldirectord does not know it";
}

/** Of IPv6 in brackets. */
const bare = (address: string): string => address.replace(/[[\]]/g, "");

/** @param written the value of an option that the file names */
function alertsOf(written: (name: string) => Text): Fields {
  const [to, frequency, states] = ["emailalert", "emailalertfreq", "emailalertstatus"].map(written);
  const named = Object.entries(STATES).flatMap(([state, bit]) => (Number(states) & bit ? [state] : []));
  return given({
    emailalert: to ? String(to).split(/\s*,\s*/) : undefined,
    emailalertfreq: frequency === undefined ? undefined : Number(frequency),
    emailalertstatus:
      states === undefined
        ? undefined
        : Number(states) === 15
          ? ["all"]
          : named.length > 0
            ? named
            : ["none"],
    smtp: written("smtp") ?? undefined,
  });
}

function serviceOf(
  virtual: ParsedVirtual,
  { global }: ParsedCf,
  said: Readonly<Record<string, Line>>,
  lineAt: (line: number) => Line,
  leave: (at: Line | undefined, reason: string | undefined) => void,
): Omit<SourceService, "inner"> {
  const written = (name: string): Text => (said[name] === undefined ? undefined : virtual[name]);
  const word = (name: string): string | undefined =>
    written(name) ? String(written(name)).trim() : undefined;
  const count = (name: string): number | undefined =>
    written(name) === undefined ? undefined : Number(written(name));
  const answer = (name: string): boolean | undefined =>
    written(name) === undefined ? undefined : written(name) === "yes";
  const protocol = virtual.fwm === undefined ? String(virtual.protocol) : "tcp";
  const simple = protocol === "udp" ? "ping" : "connect";
  const isExternal = String(virtual.checktype).startsWith("external");
  if (isExternal) {
    leave(said.checkcommand ?? said.checktype, `${UNBROUGHT}; checked by ${simple} instead`);
    if (said.checkcommand) leave(said.checktype, `runs the program of line ${said.checkcommand.line}`);
  }
  const checktype = isExternal
    ? simple
    : virtual.checktype === "combined"
      ? Number(virtual.num_connects) || "negotiate"
      : String(virtual.checktype);
  const service = String(virtual.service) as CheckService;
  const asks = negotiates(checktype) && checkService(service).asks !== undefined;
  const reads = (name: string): boolean => unread(name, checktype, service) === undefined;
  const ofCheck = (name: string): string | undefined => (reads(name) ? word(name) : undefined);
  for (const name of ASKING)
    if (!isExternal || name !== "checkcommand") leave(said[name], unread(name, checktype, service));
  const request = (text: string): string | undefined =>
    text === "/" ? (asks ? text : undefined) : text.replace(/^\//, "");
  // What only tells services apart is the lab's own.
  const own = (text: string): string => text.replace(/^(\(\?:\))+/, "");
  const receive = (text: string): string | undefined => own(text) || (asks ? ANYTHING : undefined);
  const httpmethod = ofCheck("httpmethod");
  const expected = receive(String(virtual.receive));
  const monitorfile = said.monitorfile && said.monitorfile.text.replace(/^[^=]*=\s*"?([^"]*).*/, "$1").trim();
  if (monitorfile !== undefined && !LOG_DIRECTORIES.test(monitorfile))
    leave(said.monitorfile, "names a directory of your director's, which the lab's has not");
  if (global.fork !== "yes") leave(said.checkinterval, "counts with fork=yes only, as ldirectord warns");
  const family = virtual.addressfamily === 2 ? 4 : 6;
  const quiescent = (virtual.quiescent ?? global.quiescent) === "yes";
  const fields = given({
    protocol,
    scheduler: virtual.scheduler,
    schedulerFlags: word("schedflags")?.split(","),
    persistent: count("persistent"),
    ...(family === 6 ? { persistencePrefix6: count("netmask") } : { persistenceNetmask: word("netmask") }),
    ops: answer("ops"),
    quiescent,
    healthCheck: given({
      checktype,
      service: negotiates(checktype) ? service : undefined,
      checkport: count("checkport"),
      request: reads("request") ? request(String(virtual.request)) : undefined,
      // An answer to HEAD has no body, and where nothing is expected nothing is said.
      receive:
        !reads("receive") || (httpmethod === "HEAD" && !(said.receive && own(String(virtual.receive))))
          ? undefined
          : expected,
      httpmethod,
      ...Object.fromEntries(
        ["virtualhost", "login", "passwd", "database", "secret"].map((name) => [name, ofCheck(name)]),
      ),
      checktimeout: Number(virtual.checktimeout),
      negotiatetimeout: Number(virtual.negotiatetimeout),
      // With one process for all there is one interval.
      checkinterval: Number(
        (global.fork === "yes" ? virtual.checkinterval : undefined) ?? global.checkinterval,
      ),
      failurecount: Number(virtual.failurecount),
    }),
    ldirectord: given({
      cleanstop: answer("cleanstop"),
      monitorfile: monitorfile !== undefined && LOG_DIRECTORIES.test(monitorfile) ? monitorfile : undefined,
      servicename: word("servicename"),
      comment: word("comment"),
      ...alertsOf(written),
    }),
  });
  // By mark ldirectord checks, of a server without a port, that of what it speaks.
  const otherwise = virtual.fwm === undefined ? 0 : (checkService(service).port ?? 0);
  const server = (from: ParsedServer): SourceServer => {
    const isOther = from.request !== virtual.request || from.receive !== virtual.receive;
    if (isOther) leave(lineAt(from.line), unread("request", checktype, service));
    return {
      at: lineAt(from.line),
      address: bare(from.server),
      port: Number(from.port ?? 0) || otherwise,
      forward: from.forward,
      fields: given({
        weight: Number(from.weight),
        ...(isOther &&
          reads("request") && {
            request: request(from.request ?? "/") ?? "/",
            receive: receive(from.receive ?? "") ?? ANYTHING,
          }),
        lowerThreshold: Number(from["l-threshold"] ?? 0) || undefined,
        upperThreshold: Number(from["u-threshold"] ?? 0) || undefined,
      }),
    };
  };
  const shared = family === 6 ? global.fallback6 : global.fallback;
  const fallback = virtual.fallback ?? shared?.[String(virtual.protocol)];
  const mark = virtual.fwm === undefined ? {} : { mark: Number(virtual.fwm) };
  return {
    at: lineAt(virtual.line),
    ...(virtual.fwm === undefined ? { vip: bare(String(virtual.server)) } : mark),
    family,
    port: Number(virtual.port),
    fields,
    servers: virtual.real.map(server),
    ...(fallback && {
      sorry: server({ ...fallback, request: String(virtual.request), receive: String(virtual.receive) }),
    }),
    lines: placed(said),
    asking: ASKING.flatMap((name) => said[name] ?? []),
  };
}

/** The lines of options by the lab's fields. */
function placed(said: Readonly<Record<string, Line>>): Record<string, Line> {
  const fields: Readonly<Record<string, string>> = {
    schedflags: "schedulerFlags",
    netmask: "persistenceNetmask",
    fallback: "sorryServer",
    fallback6: "sorryServer",
  };
  const direct = new Set(["protocol", "scheduler", "persistent", "ops", "quiescent"]);
  const extras = /^(cleanstop|monitorfile|servicename|comment|emailalert.*|smtp)$/;
  return Object.fromEntries(
    Object.entries(said).map(([name, at]) => {
      const prefix = direct.has(name) ? "" : extras.test(name) ? "ldirectord." : "healthCheck.";
      return [fields[name] ?? `${prefix}${name}`, at];
    }),
  );
}
