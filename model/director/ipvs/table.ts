/**
 * The kernel's IPVS table: what `ipvsadm` prints (1.31, numeric), and what it should be for a lab. The text of
 * `ipvsadm -Sn` carries the configuration, the lists carry counters.
 */
import { endpoint, readEndpoint } from "../../lab/address";
import { serviceKey, targetArguments, type Target } from "../../lab/target";
import type { Lab, RealServerEntry, VirtualService } from "../../lab/types";

export type Forward = "gate" | "masq" | "ipip";

export interface IpvsServer {
  readonly address: string;
  readonly port: number;
  readonly forward: Forward;
  readonly weight: number;
}

interface ServiceFields {
  readonly scheduler: string;
  readonly flags: readonly string[];
  /** Persistence timeout in seconds. */
  readonly persistent?: number;
  /** Persistence granularity; absent = one client each. */
  readonly netmask?: string;
  readonly ops: boolean;
  readonly servers: readonly IpvsServer[];
}

export type IpvsService = ServiceFields & Target;

const PROTOCOL_OF = { "-t": "tcp", "-u": "udp", "--sctp-service": "sctp" } as const;
const FORWARD_OPTION = { "-g": "gate", "-m": "masq", "-i": "ipip" } as const;
const FLAG_OF = { gate: "-g", masq: "-m", ipip: "-i" } as const;

/**
 * Reads `ipvsadm -Sn`.
 * @throws SyntaxError naming the line that is not understood
 */
export function parseIpvsSave(text: string): IpvsService[] {
  // By key: a table may have hundreds of services with hundreds of servers each.
  const services = new Map<string, Target & Omit<ServiceFields, "servers"> & { servers: IpvsServer[] }>();
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#")) continue;
    const service = readTarget(words, line);
    if (words[0] === "-A") {
      services.set(serviceKey(service), { ...service, ...readOptions(words.slice(3), line), servers: [] });
    } else if (words[0] === "-a") {
      const owner = services.get(serviceKey(service));
      if (owner === undefined)
        throw new SyntaxError(`ipvsadm -Sn: a real server without its service: ${line}`);
      owner.servers.push(readServer(words.slice(3), line));
    } else throw new SyntaxError(`ipvsadm -Sn: not understood: ${line}`);
  }
  return [...services.values()];
}

function readTarget(words: readonly string[], line: string): Target {
  const [, option = "", text = ""] = words;
  if (option === "-f" && /^\d+$/.test(text)) return { mark: Number(text), family: words[3] === "-6" ? 6 : 4 };
  const protocol = PROTOCOL_OF[option as keyof typeof PROTOCOL_OF];
  const target = readEndpoint(text);
  if (protocol === undefined || target === undefined)
    throw new SyntaxError(`ipvsadm -Sn: not understood: ${line}`);
  return { protocol, vip: target.address, port: target.port };
}

function readOptions(
  words: readonly string[],
  line: string,
): Pick<IpvsService, "scheduler" | "flags" | "persistent" | "netmask" | "ops"> {
  const found: { scheduler: string; flags: string[]; persistent?: number; netmask?: string; ops: boolean } = {
    scheduler: "wlc",
    flags: [],
    ops: false,
  };
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    const value = words[i + 1];
    // Flags without a value first; "ops" without dashes is what older versions save.
    if (word === "-o" || word === "--ops" || word === "ops") found.ops = true;
    else if (word === "-6") continue;
    else if (value === undefined) throw new SyntaxError(`ipvsadm -Sn: ${word} has no value: ${line}`);
    else {
      i++;
      if (word === "-s") found.scheduler = value;
      else if (word === "-p") found.persistent = Number(value);
      else if (word === "-M") found.netmask = value;
      else if (word === "-b") found.flags = value.split(",").filter((flag) => flag !== "");
      else if (word !== "--pe" && word !== "pe")
        throw new SyntaxError(`ipvsadm -Sn: ${word} is not understood: ${line}`);
    }
  }
  return found;
}

function readServer(words: readonly string[], line: string): IpvsServer {
  const offset = words[0] === "-6" ? 1 : 0;
  const server = words[offset] === "-r" ? readEndpoint(words[offset + 1] ?? "") : undefined;
  const forward = FORWARD_OPTION[words[offset + 2] as keyof typeof FORWARD_OPTION];
  const weight = words[offset + 3] === "-w" ? Number(words[offset + 4]) : NaN;
  if (server === undefined || forward === undefined || !Number.isInteger(weight)) {
    throw new SyntaxError(`ipvsadm -Sn: not understood: ${line}`);
  }
  return { ...server, forward, weight };
}

export function serverKey({ address, port }: Pick<IpvsServer, "address" | "port">): string {
  return endpoint(address, port);
}

/**
 * Firewall marks of the services that `verify diagnosis` puts into the table for some seconds; as many as a service can have real
 * servers, and its sorry server. scripts/guest/ipvsTable.pl has them too.
 */
export const DIAGNOSIS_MARKS = { first: 27_000, last: 27_299 } as const;

export function isOfDiagnosis(target: Target): boolean {
  const { first, last } = DIAGNOSIS_MARKS;
  return target.mark !== undefined && target.mark >= first && target.mark <= last;
}

/** The weight a server has in the table while it is up. */
export function tableWeight(server: RealServerEntry): number {
  return server.drain ? 0 : server.weight;
}

/**
 * Whether ldirectord keeps this service's servers of weight 0 in the table. With one that drains it must: it would delete
 * the entry at its next reload and add it again after a check, and the connections in between would be cut.
 */
export function isQuiescent(service: VirtualService): boolean {
  return service.quiescent || service.realServers.some((server) => tableWeight(server) === 0);
}

/** What the table holds while every real server is up: the sorry server is out. */
export function expectedTable(lab: Lab): IpvsService[] {
  return lab.services.map(expectedService);
}

function expectedService(service: VirtualService): IpvsService {
  const { scheduler, schedulerFlags, persistent, netmask, ops, realServers } = service;
  const { protocol, vip, port } = service;
  const target =
    service.mark === undefined ? { protocol, vip, port } : { mark: service.mark, family: service.family };
  return {
    ...target,
    scheduler,
    flags: schedulerFlags,
    ...(persistent === undefined ? {} : { persistent }),
    ...(netmask === undefined ? {} : { netmask }),
    ops,
    servers: realServers.map((server) => ({
      address: server.address,
      port: server.port,
      forward: "gate",
      weight: tableWeight(server),
    })),
  };
}

/** A service as ipvsadm's arguments: which one it is, and how it schedules. */
export function serviceArguments(service: IpvsService): { readonly key: string; readonly options: string } {
  const persistence =
    service.persistent === undefined
      ? ""
      : ` -p ${service.persistent}${service.netmask === undefined ? "" : ` -M ${service.netmask}`}`;
  const flags = service.flags.length === 0 ? "" : ` -b ${service.flags.join(",")}`;
  return {
    key: targetArguments(service),
    options: `-s ${service.scheduler}${persistence}${service.ops ? " -o" : ""}${flags}`,
  };
}

/** How a server gets its packets, and how many, as ipvsadm's arguments. */
export function serverArguments({ forward, weight }: IpvsServer): string {
  return `${FLAG_OF[forward]} -w ${weight}`;
}

/** A table as `ipvsadm -R` reads it, and as `ipvsadm -Sn` prints it. */
export function renderTable(table: readonly IpvsService[]): string[] {
  return table.flatMap((service) => {
    const { key, options } = serviceArguments(service);
    return [
      `-A ${key} ${options}`,
      ...service.servers.map((server) => `-a ${key} -r ${serverKey(server)} ${serverArguments(server)}`),
    ];
  });
}

/**
 * Rules for `ipvsadm -R` that make the lab's table, word for word as `ipvsadm -Sn` prints them afterwards: a text that
 * differs is a table that differs. Connection thresholds are no part of either; only ldirectord sets those.
 */
export function ipvsRestoreRules(lab: Lab): string[] {
  return renderTable(expectedTable(lab));
}
