/** ldirectord.cf of ldirectord 4.12: its typed form, its text, and the one a lab needs. */
import { Address, endpoint } from "../../lab/address";
import type { Fallback, LdirectordConf, RealLine, VirtualBlock } from "./conf";
import { OPTIONS, type OptionKind } from "./options";
import { toldApart } from "./twins";
import { isQuiescent, tableWeight } from "../ipvs/table";
import type { HealthCheck, Lab, RealServerEntry, VirtualService } from "../../lab/types";

export type { Fallback, Forwarding, LdirectordConf, RealLine, VirtualBlock } from "./conf";

/** To Perl an empty expression is the last one that matched: here, hardly ever the answer. This one matches any line. */
const ANYTHING = "(?:)";

const HEADER = "# Written by the lab; its next change overwrites this file.";

/**
 * The file's text. Options come in the table's order, one a line without spaces around "="; blank lines stand only
 * between blocks, for inside one they would end it. What the texts in it are is checked before: by the configuration's schema.
 */
export function renderLdirectord(conf: LdirectordConf): string {
  const top = [
    HEADER,
    ...optionLines(conf.options, ""),
    ...(conf.fallback ? [`fallback=${fallbackText(conf.fallback)}`] : []),
    ...(conf.fallback6 ? [`fallback6=${fallbackText(conf.fallback6)}`] : []),
  ];
  return [top, ...conf.virtuals.map(blockLines)].map((lines) => `${lines.join("\n")}\n`).join("\n");
}

function blockLines(block: VirtualBlock): string[] {
  const suffix = block.family === 6 ? "6" : "";
  const target =
    "fwmark" in block.target
      ? String(block.target.fwmark)
      : endpoint(block.target.address, block.target.port);
  return [
    `virtual${suffix}=${target}`,
    ...block.reals.map((real) => `    real${suffix}=${realText(real)}`),
    ...(block.fallback ? [`    fallback${suffix}=${fallbackText(block.fallback)}`] : []),
    // protocol first among the options: ldirectord resolves ports by it.
    ...optionLines(block.options, "    "),
  ];
}

function optionLines(options: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.entries(OPTIONS).flatMap(([name, { kind }]) => {
    const value = options[name];
    if (value === undefined) return [];
    const values = kind === "each" ? (value as readonly string[]) : [value];
    return values.map((each) => `${indent}${name}=${valueText(kind, each)}`);
  });
}

function valueText(kind: OptionKind, value: unknown): string {
  if (kind === "yesno") return value === true ? "yes" : "no";
  if (kind === "list") return (value as readonly string[]).join(",");
  return kind === "quoted" ? `"${String(value)}"` : String(value);
}

function fallbackText({ address, port, forward }: Fallback): string {
  return endpoint(address, port) + (forward === undefined ? "" : ` ${forward}`);
}

function realText({ address, to, port, forward, weight, check, ...limits }: RealLine): string {
  const range = to === undefined ? endpoint(address, port) : `${address}->${endpoint(to, port)}`;
  return [
    `${range} ${forward} ${weight}`,
    ...(check === undefined ? [] : [`"${check.request}", "${check.receive}"`]),
    ...(limits.lowerThreshold === undefined ? [] : [`l:${limits.lowerThreshold}`]),
    ...(limits.upperThreshold === undefined ? [] : [`u:${limits.upperThreshold}`]),
  ].join(" ");
}

/** The configuration of a lab's director. Every option that matters is written out: upstream's man page and code differ. */
export function ldirectordFor(lab: Lab): LdirectordConf {
  const { checktimeout, negotiatetimeout, checkinterval, failurecount } = lab.services[0].check;
  const { autoreload, supervised, fork, cleanstop, readdquiescent, ...others } = lab.ldirectord;
  return {
    options: {
      checktimeout,
      negotiatetimeout,
      checkinterval,
      failurecount,
      autoreload,
      supervised,
      fork,
      cleanstop,
      quiescent: lab.services[0].quiescent,
      readdquiescent,
      ...others,
    },
    virtuals: toldApart(lab.services).map((service) => virtualFor(service, fork)),
  };
}

function virtualFor(service: VirtualService, fork: boolean): VirtualBlock {
  const { vip, port, protocol, scheduler, schedulerFlags, persistent, netmask, ops, sorry, check, extras } =
    service;
  const { checktype, checkinterval, ...others } = inFile(check);
  return {
    target: service.mark === undefined ? { address: vip, port } : { fwmark: service.mark },
    family: Address.parse(vip).family,
    reals: service.realServers.map((server) => realFor(server, check.service)),
    ...(sorry ? { fallback: { ...sorry, forward: "gate" } } : {}),
    options: {
      protocol: service.mark === undefined ? protocol : "fwm",
      scheduler,
      ...(schedulerFlags.length === 0 ? {} : { schedflags: schedulerFlags.join(",") }),
      ...(persistent === undefined ? {} : { persistent }),
      ...(netmask === undefined ? {} : { netmask }),
      ...(protocol === "udp" ? { ops } : {}),
      checktype: String(checktype),
      // Without processes of their own, services share the global interval, and a warning says so.
      ...(fork ? { checkinterval } : {}),
      ...others,
      ...(check.request === undefined ? {} : { request: requestText(check.request, check.service) }),
      ...(check.service === "pgsql" ? { database: connectionValue(check.database ?? "") } : {}),
      ...(check.service === "simpletcp" && check.receive === undefined ? { receive: ANYTHING } : {}),
      quiescent: isQuiescent(service),
      ...extras,
    },
  };
}

/** What ldirectord.cf has no option for is in ldirectordTls.ts. */
function inFile({ verify: _verify, ca: _ca, ...options }: HealthCheck): Omit<HealthCheck, "verify" | "ca"> {
  return options;
}

/** ldirectord adds a slash in front where there is none, and a simpletcp check sends all but the first character. */
function requestText(request: string, service: string | undefined): string {
  return service === "simpletcp" && request.startsWith("/") ? `/${request}` : request;
}

/**
 * The database's name stands in the driver's connection string, where libpq would take what follows an empty one for the name, and end one
 * at a blank. Further settings after a semicolon are left as they are.
 */
function connectionValue(text: string): string {
  return text === "" || (/[\s'\\]/.test(text) && !text.includes(";"))
    ? `'${text.replace(/['\\]/g, "\\$&")}'`
    : text;
}

function realFor(server: RealServerEntry, service: string | undefined): RealLine {
  const { address, port, request, receive, lowerThreshold, upperThreshold } = server;
  return {
    address,
    ...(port === 0 ? {} : { port }),
    forward: "gate",
    weight: tableWeight(server),
    ...(request !== undefined && receive !== undefined
      ? { check: { request: requestText(request, service), receive } }
      : {}),
    ...(lowerThreshold === undefined ? {} : { lowerThreshold }),
    ...(upperThreshold === undefined ? {} : { upperThreshold }),
  };
}
