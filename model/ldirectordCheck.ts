/** What ldirectord, ipvsadm or Direct Routing would not take, or would take to mean something else. */
import { isIPv6 } from "node:net";
import { isIpv4, toNumber } from "./ip";
import type { Fallback, LdirectordConf, RealLine, VirtualBlock } from "./ldirectordConf";
import { OPTIONS, type Option } from "./ldirectordOptions";
import { corruptsAt } from "./schemaParts";

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
    ...repeated(conf.virtuals.map((block) => `${block.options.protocol ?? ""} ${title(block)}`)).map(
      (key) => `${key.trim()}: is there twice`,
    ),
  ];
}

function title({ target }: VirtualBlock): string {
  return "fwmark" in target ? `virtual ${target.fwmark}` : `virtual ${target.address}:${target.port}`;
}

function blockProblems(block: VirtualBlock, fork: boolean): string[] {
  const { target, family, reals, fallback, options } = block;
  const at = title(block);
  const mark = "fwmark" in target;
  const wrong: (string | false)[] = [
    mark
      ? !(Number.isInteger(target.fwmark) && target.fwmark > 0) && "a firewall mark is above 0"
      : !isAddress(target.address, family)
        ? `is no IPv${family} address`
        : !isPort(target.port) && "has a port outside 1–65535",
    mark !== (options.protocol === "fwm") &&
      mark &&
      options.protocol !== undefined &&
      "a firewall mark has protocol fwm",
    !mark && options.protocol === "fwm" && "an address has protocol tcp or udp",
    options.ops === true && options.protocol !== "udp" && "ops is for udp",
    options.netmask !== undefined &&
      options.persistent === undefined &&
      "netmask has no effect without persistent",
    options.netmask !== undefined &&
      (family === 4) !== isIpv4(options.netmask) &&
      `netmask has not the form for IPv${family}`,
    options.checkinterval !== undefined &&
      !fork &&
      "checkinterval of one virtual is ignored without fork=yes",
    family === 6 && options.checktype === "ping" && "ping checks are for IPv4 only",
    options.httpmethod === "HEAD" &&
      options.receive !== undefined &&
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
    ...repeated(reals.map(({ address, port }) => `${address}:${port ?? 0}`)).map(
      (key) => `${at} real ${key}: is there twice`,
    ),
  ];
}

/** What a negotiate check cannot do without, and what ldirectord 4.12 makes of a server when it lacks. */
const NEEDS: Readonly<Record<string, readonly [readonly (keyof VirtualBlock["options"])[], string]>> = {
  dns: [["request", "receive"], "takes every server for dead"],
  ftp: [["request", "receive"], "takes a dead server for alive"],
  http_proxy: [["request"], "takes every server for dead"],
  pop: [["login", "passwd"], "takes a dead server for alive"],
  pops: [["login", "passwd"], "takes a dead server for alive"],
  radius: [["login", "passwd", "secret"], "takes every server for dead"],
};

function checkProblems(at: string, { options, reals }: VirtualBlock): string[] {
  const negotiates = /^(negotiate|\d+)$/.test(options.checktype ?? "negotiate");
  const [fields, otherwise] = NEEDS[options.service ?? ""] ?? [[], ""];
  if (!negotiates) return [];
  if (options.service === "none" && (options.checktype ?? "negotiate") === "negotiate") {
    return [`${at}: a negotiate check of service none takes a dead server for alive: say connect`];
  }
  const given = (field: keyof VirtualBlock["options"]): boolean =>
    options[field] !== undefined ||
    ((field === "request" || field === "receive") && reals.every(({ check }) => check !== undefined));
  return fields
    .filter((field) => !given(field))
    .map((field) => `${at}: a ${options.service} check without ${field} ${otherwise}`);
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
    !isAddress(address, family) && `is no IPv${family} address`,
    to !== undefined && (family === 6 || !isIpv4(to)) && "a range ends with an IPv4 address",
    to !== undefined &&
      isIpv4(to) &&
      isIpv4(address) &&
      toNumber(to) < toNumber(address) &&
      "the range ends before it starts",
    // ldirectord compares the two as texts, so 9.255.255.255->10.0.0.1 would be empty or endless.
    to !== undefined &&
      isIpv4(to) &&
      isIpv4(address) &&
      digits(to) !== digits(address) &&
      "the range crosses a power of ten",
    port !== undefined && !isPort(port) && "has a port outside 1–65535",
    mapped && `${forward} cannot map ports: the port must be the service's`,
    !(Number.isInteger(weight) && weight >= 0 && weight <= 65535) && "the weight is not 0–65535",
    lowerThreshold !== undefined && upperThreshold === undefined && "a lower threshold needs an upper one",
    ...strings.map(([name = "", text = ""]) => fault(text) !== undefined && `${name} ${fault(text)}`),
  ];
  return wrong.flatMap((each) => (each === false ? [] : [`${at}: ${each}`]));
}

function digits(address: string): number {
  return String(toNumber(address)).length;
}

function fallbackProblems(at: string, fallback: Fallback | undefined, family: 4 | 6): string[] {
  if (fallback === undefined) return [];
  const { address, port } = fallback;
  return [
    ...(isAddress(address, family) ? [] : [`${at}: is no IPv${family} address`]),
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
    const wrong = valueFault(option, value);
    return wrong === undefined ? [] : [`${at}: ${name} ${wrong}`];
  });
}

function valueFault({ kind, range, pattern }: Option, value: unknown): string | undefined {
  if (kind === "yesno") return typeof value === "boolean" ? undefined : "is not true or false";
  if (kind === "integer") {
    const [min, max] = range ?? [0, Number.MAX_SAFE_INTEGER];
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
  return family === 4 ? isIpv4(text) : isIPv6(text) && !text.includes("%");
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

function repeated(keys: readonly string[]): string[] {
  return [...new Set(keys.filter((key, index) => keys.indexOf(key) !== index))];
}
