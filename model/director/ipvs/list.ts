/** The lists of `ipvsadm -Ln` and its variants: counters beside the table. */
import { readEndpoint } from "../../lab/address";
import { serviceKey, type EndpointTarget, type Target } from "../../lab/target";
import { serverKey, type IpvsServer } from "./table";

/** One real server's line under its service. */
export interface IpvsRow extends Pick<IpvsServer, "address" | "port"> {
  readonly service: Target;
  /** The columns' values by their titles: Weight, ActiveConn, InActConn, PersistConn, Uthreshold, Conns … */
  readonly values: Readonly<Record<string, number>>;
  /** Route, Masq, Tunnel or Local, where the list has that column. */
  readonly forward?: string;
}

export interface IpvsList {
  /** Each service with its own counters (`--stats`, `--rate`); none in the other lists. */
  readonly services: readonly (Target & { readonly values: Readonly<Record<string, number>> })[];
  readonly rows: readonly IpvsRow[];
}

const PROTOCOLS: Readonly<Record<string, EndpointTarget["protocol"]>> = {
  TCP: "tcp",
  UDP: "udp",
  SCTP: "sctp",
};
const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/**
 * Reads `ipvsadm -Ln`, alone or with --stats, --rate, --thresholds or --persistent-conn. Columns are told by their
 * titles. Numbers that ipvsadm shortens ("123456K") come back rounded as printed; --exact avoids that.
 * @throws SyntaxError naming the line that is not understood
 */
export function parseIpvsList(text: string): IpvsList {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const titles = titlesOf(lines);
  const services: IpvsList["services"][number][] = [];
  const rows: IpvsRow[] = [];
  let service: Target | undefined;
  for (const line of lines) {
    const words = line.trim().split(/\s+/);
    if (line.startsWith("IP Virtual Server") || words[0] === "Prot" || words[1] === "RemoteAddress:Port")
      continue;
    if (words[0] === "FWM" || PROTOCOLS[words[0] ?? ""] !== undefined) {
      service = readTarget(words);
      services.push({ ...service, values: countersOf(words, titles) });
    } else if (words[0] === "->") {
      if (service === undefined)
        throw new SyntaxError(`ipvsadm -Ln: a real server without its service: ${line}`);
      rows.push(readRow(service, words.slice(1), titles, line));
    } else throw new SyntaxError(`ipvsadm -Ln: not understood: ${line}`);
  }
  return { services, rows };
}

/** The titles of the value columns: on the second head line, or for --stats and --rate and others on the first. */
function titlesOf(lines: readonly string[]): string[] {
  const second =
    lines
      .find((line) => /^\s*-> RemoteAddress:Port/.test(line))
      ?.trim()
      .split(/\s+/)
      .slice(2) ?? [];
  if (second.length > 0) return second;
  return (
    lines
      .find((line) => line.startsWith("Prot "))
      ?.trim()
      .split(/\s+/)
      .slice(2) ?? []
  );
}

function readTarget([kind = "", text = "", family]: readonly string[]): Target {
  const protocol = PROTOCOLS[kind];
  if (protocol === undefined && /^\d+$/.test(text))
    return { mark: Number(text), family: family === "IPv6" ? 6 : 4 };
  const at = readEndpoint(text);
  if (protocol === undefined || at === undefined)
    throw new SyntaxError(`ipvsadm -Ln: not understood: ${kind} ${text}`);
  return { protocol, vip: at.address, port: at.port };
}

/** After the address stand counters, or the scheduler and its flags. */
function countersOf(words: readonly string[], titles: readonly string[]): Record<string, number> {
  const counters = words.slice(words[2] === "IPv6" ? 3 : 2).map(readNumber);
  return counters.includes(undefined) ? {} : zip(titles, counters);
}

function readRow(
  service: Target,
  words: readonly string[],
  titles: readonly string[],
  line: string,
): IpvsRow {
  const endpoint = readEndpoint(words[0] ?? "");
  if (endpoint === undefined) throw new SyntaxError(`ipvsadm -Ln: not understood: ${line}`);
  const forward = titles.indexOf("Forward");
  const cells = words.slice(1);
  return {
    service,
    ...endpoint,
    ...(forward < 0 ? {} : { forward: cells[forward] ?? "" }),
    values: zip(titles, cells.map(readNumber)),
  };
}

function zip(titles: readonly string[], numbers: readonly (number | undefined)[]): Record<string, number> {
  const pairs = titles.map((title, index) => [title, numbers[index]] as const);
  return Object.fromEntries(pairs.filter((pair): pair is [string, number] => pair[1] !== undefined));
}

function readNumber(text: string): number | undefined {
  const match = /^(\d+)([KMGT]?)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * (UNITS[match[2] ?? ""] ?? 1);
}

/** The line of one real server under one service. */
export function rowOf(
  list: IpvsList,
  service: Target,
  server: Pick<IpvsServer, "address" | "port">,
): IpvsRow | undefined {
  return list.rows.find(
    (row) => serviceKey(row.service) === serviceKey(service) && serverKey(row) === serverKey(server),
  );
}
