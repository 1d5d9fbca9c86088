/** What ldirectord, ipvsadm or Direct Routing would not take, or would take to mean something else. */
import { isIPv6 } from "node:net";
import {
  asksNobody,
  CHECK_SERVICES,
  lackingFields,
  negotiates,
  serviceOfPort,
  type CheckService,
  type NeededField,
} from "../../../../../model/director/checkServices";
import { Address } from "../../../../../model/lab/address";
import type {
  Fallback,
  LdirectordConf,
  RealLine,
  VirtualBlock,
} from "../../../../../model/director/ldirectord/conf";
import { OPTIONS, type Option } from "../../../../../model/director/ldirectord/options";
import { protocolOf } from "./ldirectordTable";
import { corruptsAt } from "../../../../../model/config/schemaParts";

const SECONDS = [1, 2147483647] as const;
/** Smallest and largest integer of an option. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  persistent: [1, 2678400],
  checkport: [1, 65535],
  checktimeout: SECONDS,
  negotiatetimeout: SECONDS,
  checkinterval: SECONDS,
  checkcount: SECONDS,
  failurecount: SECONDS,
  emailalertfreq: [0, 2147483647],
};

const PATH = /^\/.*$/;
/** What each value of an option must match, whole. */
const PATTERNS: Readonly<Record<string, RegExp>> = {
  protocol: /^(tcp|udp|fwm)$/,
  scheduler: /^[a-z]+$/,
  schedflags: /^[a-z0-9-]+(,[a-z0-9-]+)*$/,
  netmask: /^(\d+\.\d+\.\d+\.\d+|[1-9]\d{0,2})$/,
  checktype: /^(connect|external|external-perl|negotiate|off|on|ping|[1-9]\d*)$/,
  service: new RegExp(`^(${CHECK_SERVICES.join("|")})$`),
  checkcommand: PATH,
  httpmethod: /^(GET|HEAD)$/,
  load: /\w/,
  monitorfile: PATH,
  callback: PATH,
  logfile: /^(\/.*|[a-z0-9]+)$/,
  maintenancedir: PATH,
  fallbackcommand: PATH,
  emailalert: /^[^\s,@]+@[^\s,@]+$/,
  emailalertstatus: /^(all|none|starting|running|stopping|reloading)$/,
  smtp: /^[0-9A-Za-z._+-]+$/,
};

const isFour = (text: string): boolean => Address.read(text)?.family === 4;
const toNumber = (text: string): number => Number(Address.parse(text).value);

/** @returns one sentence for each fault, the place first; empty when the file is sound */
export function ldirectordProblems(conf: LdirectordConf): string[] {
  const bare = conf.virtuals.filter(
    ({ target, fallback, family }) =>
      "fwmark" in target &&
      fallback === undefined &&
      (family === 6 ? conf.fallback6 : conf.fallback) !== undefined,
  );
  return [
    ...optionProblems("global", "global", conf.options),
    ...fallbackProblems("fallback", conf.fallback, 4),
    ...fallbackProblems("fallback6", conf.fallback6, 6),
    ...bare.map(
      (block) => `${title(block)}: a global fallback adds a server without address to a firewall mark`,
    ),
    ...conf.virtuals.flatMap((block) => blockProblems(block, conf.options.fork === true)),
    ...repeated(conf.virtuals.map((block) => `${effectiveProtocol(block)} ${title(block)}`)).map(
      (key) => `${key}: is there twice`,
    ),
  ];
}

function title({ target, family }: VirtualBlock): string {
  const directive = family === 6 ? "virtual6" : "virtual";
  return `${directive} ${"fwmark" in target ? target.fwmark : `${target.address}:${target.port}`}`;
}

function effectiveProtocol({ target, options }: VirtualBlock): string {
  return "fwmark" in target ? "fwm" : protocolOf(options.protocol, target.port);
}

function blockProblems(block: VirtualBlock, fork: boolean): string[] {
  const { target, family, reals, fallback, options } = block;
  const at = title(block);
  const mark = "fwmark" in target;
  const asks = negotiates(options.checktype ?? "negotiate");
  const wrong: (string | false)[] = [
    mark
      ? !(Number.isInteger(target.fwmark) && target.fwmark > 0) && "a firewall mark is above 0"
      : !isAddress(target.address, family)
        ? `is not an IPv${family} address`
        : !isPort(target.port) && "has a port outside 1–65535",
    mark !== (options.protocol === "fwm") &&
      mark &&
      options.protocol !== undefined &&
      "a firewall mark has protocol fwm",
    !mark && options.protocol === "fwm" && "an address has protocol tcp or udp",
    options.ops === true && effectiveProtocol(block) !== "udp" && "ops is for udp",
    options.netmask !== undefined &&
      options.persistent === undefined &&
      "netmask has no effect without persistent",
    options.netmask !== undefined &&
      !(family === 4 ? isFour(options.netmask) : isPrefix6(options.netmask)) &&
      `netmask has not the form for IPv${family}`,
    options.checkinterval !== undefined &&
      !fork &&
      "checkinterval of one virtual is ignored without fork=yes",
    family === 6 && options.checktype === "ping" && "ping checks are for IPv4 only",
    options.httpmethod === "HEAD" &&
      [options.receive, ...(asks ? reals.map(({ check }) => check?.receive) : [])].some(asksForText) &&
      "receive cannot match the answer to HEAD",
    (options.checktype === "external" || options.checktype === "external-perl") &&
      options.checkcommand === undefined &&
      `${options.checktype} checks need checkcommand`,
  ];
  return [
    ...wrong.flatMap((fault) => (fault === false ? [] : [`${at}: ${fault}`])),
    ...checkProblems(at, block),
    ...optionProblems(at, "virtual", options),
    ...fallbackProblems(`${at} fallback`, fallback, family),
    ...reals.flatMap((real) => realProblems(`${at} real ${real.address}`, real, block)),
    ...overlapping(reals, family).map((key) => `${at} real ${key}: is there twice`),
  ];
}

function checkProblems(at: string, { options, reals, target }: VirtualBlock): string[] {
  const checktype = options.checktype ?? "negotiate";
  // Unlike an address, a mark has no port that would tell.
  const service =
    (options.service as CheckService | undefined) ??
    ("fwmark" in target ? "none" : serviceOfPort(target.port));
  if (asksNobody(checktype, service)) {
    return [`${at}: a negotiate check of service none takes a dead server for alive: say connect`];
  }
  const given = (field: NeededField): boolean =>
    options[field] !== undefined ||
    ((field === "request" || field === "receive") && reals.every(({ check }) => check !== undefined));
  return lackingFields(checktype, service, given).map(
    ({ field, otherwise }) => `${at}: a ${service} check without ${field} ${otherwise}`,
  );
}

/** Whether an expression can fail on an empty body, as far as that matters: empty groups match anything. */
function asksForText(receive: string | undefined): boolean {
  return receive !== undefined && !/^(\(\?:\))*$/.test(receive);
}

function realProblems(at: string, real: RealLine, { target, family }: VirtualBlock): string[] {
  const { address, to, port, forward, weight, check, lowerThreshold, upperThreshold } = real;
  const mapped = !("fwmark" in target) && forward !== "masq" && port !== target.port;
  const strings =
    check === undefined
      ? []
      : [
          ["request", check.request],
          ["receive", check.receive],
        ];
  const wrong: (string | false)[] = [
    !isAddress(address, family) && `is not an IPv${family} address`,
    to !== undefined && (family === 6 || !isFour(to)) && "a range ends with an IPv4 address",
    to !== undefined &&
      isFour(to) &&
      isFour(address) &&
      toNumber(to) < toNumber(address) &&
      "the range ends before it starts",
    // ldirectord compares the two as texts, and counts on to the one behind the last: were that longer, it would be endless.
    to !== undefined &&
      isFour(to) &&
      isFour(address) &&
      String(toNumber(to) + 1).length !== String(toNumber(address)).length &&
      "the range crosses a power of ten",
    port !== undefined && !isPort(port) && "has a port outside 1–65535",
    mapped && `${forward} cannot map ports: the port must be the service's`,
    !(Number.isInteger(weight) && weight >= 0 && weight <= 65535) && "the weight is not 0–65535",
    lowerThreshold !== undefined && upperThreshold === undefined && "a lower threshold needs an upper one",
    (lowerThreshold ?? 0) > (upperThreshold ?? Infinity) && "the lower threshold is above the upper one",
    ...strings.map(([name = "", text = ""]) => fault(text) !== undefined && `${name} ${fault(text)}`),
  ];
  return wrong.flatMap((each) => (each === false ? [] : [`${at}: ${each}`]));
}

/** Servers, by address and port, that a line or range names again. */
function overlapping(reals: readonly RealLine[], family: 4 | 6): string[] {
  const key = ({ address, port }: RealLine): string => `${address}:${port ?? 0}`;
  if (family === 6) return repeated(reals.map(key));
  const spans = reals
    .filter(({ address, to }) => isFour(address) && (to === undefined || isFour(to)))
    .map((real) => ({ real, first: toNumber(real.address), last: toNumber(real.to ?? real.address) }));
  const again = spans.filter(({ real, first, last }, index) =>
    spans
      .slice(0, index)
      .some((other) => other.real.port === real.port && other.first <= last && first <= other.last),
  );
  return [...new Set(again.map(({ real }) => key(real)))];
}

function fallbackProblems(at: string, fallback: Fallback | undefined, family: 4 | 6): string[] {
  if (fallback === undefined) return [];
  const { address, port } = fallback;
  return [
    ...(isAddress(address, family) ? [] : [`${at}: is not an IPv${family} address`]),
    ...(port === undefined || isPort(port) ? [] : [`${at}: has a port outside 1–65535`]),
  ];
}

function optionProblems(
  at: string,
  scope: "global" | "virtual",
  options: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const option: Option | undefined = (OPTIONS as Readonly<Record<string, Option>>)[name];
    if (value === undefined) return [];
    if (option === undefined || (option.scope !== "both" && option.scope !== scope))
      return [`${at}: ${name} is no option here`];
    const wrong = valueFault(name, option, value);
    return wrong === undefined ? [] : [`${at}: ${name} ${wrong}`];
  });
}

function valueFault(name: string, { kind }: Option, value: unknown): string | undefined {
  const pattern = PATTERNS[name];
  if (kind === "yesno") return typeof value === "boolean" ? undefined : "is not true or false";
  if (kind === "integer") {
    const [min, max] = RANGES[name] ?? [0, Number.MAX_SAFE_INTEGER];
    return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `is not ${min}–${max}`;
  }
  const texts = kind === "list" || kind === "each" ? (value as readonly string[]) : [String(value)];
  if (texts.length === 0) return "is empty";
  for (const text of texts) {
    const wrong = fault(text);
    if (wrong !== undefined) return wrong;
    if (pattern !== undefined && !pattern.test(text)) return "has not the form that ldirectord takes";
    if (kind === "word" && /\s/.test(text)) return "has a space in it";
  }
  return undefined;
}

/** The parser has no escapes: a quote ends a string, "#" cuts the line even inside one, tabs become spaces. */
function fault(text: string): string | undefined {
  const position = corruptsAt(text);
  if (position !== undefined) return `would corrupt ldirectord.cf at position ${position}`;
  return text === "" || text !== text.trim() ? "is empty, or starts or ends with a space" : undefined;
}

function isAddress(text: string, family: 4 | 6): boolean {
  // Hexadecimal digits and colons are all that ldirectord knows of IPv6.
  return family === 4 ? isFour(text) : isIPv6(text) && !/[%.]/.test(text);
}

function isPrefix6(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 128;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

function repeated(keys: readonly string[]): string[] {
  return [...new Set(keys.filter((key, index) => keys.indexOf(key) !== index))];
}
