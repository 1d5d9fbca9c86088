/** Clients of TLS, MySQL and IPv6, all at once: requests, each on a connection of its own, and connections that stay open. */
import { expect } from "vitest";
import { parseRequest, RequestLog } from "../../../drills/requests";
import { perl, Stream } from "../../../drills/stream";
import type { RequestRecord } from "../../../drills/types";
import type { GuestShell } from "../../../lib/ssh";
import { shellQuote } from "../../../lib/text";
import { serviceUrl, type Lab, type VirtualService } from "../../../model/lab/types";
import { eventually, inGuests } from "../support";

/** Seconds. A TLS handshake with a guest without KVM that works on a change can take six: such an answer is slow, not lost. */
const TIMEOUT = 15;
const SLOW = 5;
/** Seconds: of all requests, and between two questions on a connection that stays open. */
const LONGEST = 900;
const PERIOD = 2;
/** Connections that stay open, of each service by HTTP. */
const FLOWS = 2;
/** Requests per second to each service: with a handshake, or a process for each, one costs a guest without KVM up to a second. */
const RATE = 0.5;
/** Seconds for all clients to be at it. */
const READY = 180;

const mariadb = (vip: string): string =>
  `mariadb --connect-timeout=${TIMEOUT} -N -h ${vip} -ucheck -psecret health`;

/** Prints what load.pl does. Ends with its stdin. */
const mysqlRequests = (vip: string): string => `
  for ((n = 0; ; n++)); do
    a=\${EPOCHREALTIME/./}
    if who=$(timeout ${TIMEOUT} ${mariadb(vip)} -e 'SELECT @@hostname' 2>&1); then r="ok $who"; else r="error \${who// /-}"; fi
    b=\${EPOCHREALTIME/./}
    printf '%d 1 %d.%06d %d.0 %s\\n' $n $((a / 1000000)) $((a % 1000000)) $(((b - a) / 1000)) "$r"
    read -r -t ${1 / RATE} _
    (($? > 128)) || break
  done`;

/** Prints what flows.pl does, of one connection. */
const mysqlFlow = (vip: string): string => `
  tell() { echo "$EPOCHREALTIME $*"; }
  coproc DB { exec ${mariadb(vip)} --unbuffered --skip-reconnect 2>&1; }
  ask() { echo 'SELECT 1;' >&"\${DB[1]}" && read -r -t 15 -u "\${DB[0]}" answer && [[ $answer == 1 ]]; }
  trap '' PIPE
  ask && tell open 1 || { tell lost "$answer"; exit; }
  while read -r -t ${PERIOD} _; (($? > 128)); do ask || { tell lost "$answer"; tell alive 0; exit; }; done
  ask && tell alive 1 || tell alive 0`;

interface Requests {
  readonly records: RequestRecord[];
  readonly stream: Stream;
}

interface Flows {
  open: number;
  alive: number;
  readonly lost: string[];
  readonly stream: Stream;
}

function requests(shell: GuestShell, { clients: [client] }: Lab, service: VirtualService): Requests {
  const records: RequestRecord[] = [];
  const command =
    service.workload === "mysql"
      ? `bash -c ${shellQuote(mysqlRequests(service.vip))}`
      : perl("load", serviceUrl(service), RATE, LONGEST, TIMEOUT, 1);
  const stream = new Stream(shell, client.name, command, (line) => {
    const record = parseRequest(line, (time) => time, []);
    if (record !== undefined) records.push(record);
  });
  return { records, stream };
}

function flows(shell: GuestShell, { clients: [client] }: Lab, service: VirtualService): Flows {
  const command =
    service.workload === "mysql"
      ? `bash -c ${shellQuote(mysqlFlow(service.vip))}`
      : perl("flows", serviceUrl(service), FLOWS, PERIOD, LONGEST);
  const seen: Flows = {
    ...{ open: 0, alive: 0, lost: [] },
    stream: new Stream(shell, client.name, command, (line) => {
      const [, word, ...rest] = line.split(" ");
      if (word === "open") seen.open = Number(rest[0]);
      else if (word === "alive") seen.alive = Number(rest[0]);
      else seen.lost.push(rest.join(" "));
    }),
  };
  return seen;
}

/** What a service's clients noticed. */
export interface Noticed {
  readonly asked: number;
  readonly failed: number;
  /** Answered, after more than SLOW seconds. */
  readonly slow: number;
  /** Why requests failed. */
  readonly why: Readonly<Record<string, number>>;
  /** Connections that were open at the beginning, and still at the end. */
  readonly open: number;
  readonly kept: number;
}

/** Does `work` while the client asks each of the named services, and prints what it noticed. */
export async function whileAsked(
  stack: string,
  names: readonly string[],
  what: string,
  work: () => Promise<unknown>,
): Promise<Readonly<Record<string, Noticed>>> {
  return inGuests(async (shell, lab) => {
    const clients = lab.services
      .filter(({ name }) => names.includes(name))
      .map((service) => ({
        name: service.name,
        ...{ load: requests(shell, lab, service), flow: flows(shell, lab, service) },
      }));
    expect(clients.map(({ name }) => name).sort()).toEqual([...names].sort());
    try {
      for (const { name, load, flow } of clients)
        await eventually(READY, () =>
          Promise.resolve(expect([name, load.records.length > 0, flow.open > 0]).toEqual([name, true, true])),
        );
      await work();
      await Promise.all(clients.flatMap(({ load, flow }) => [load.stream.end(), flow.stream.end(20_000)]));
    } finally {
      for (const { load, flow } of clients) {
        load.stream.kill();
        flow.stream.kill();
      }
    }
    const noticed = clients.map(({ name, load, flow }): [string, Noticed] => {
      const log = new RequestLog(load.records);
      return [
        name,
        {
          ...{ asked: log.first.length, failed: log.failed.length, slow: log.slow(SLOW * 1000) },
          ...{ why: log.errors, open: flow.open, kept: flow.alive },
        },
      ];
    });
    const told = noticed.map(
      ([name, { asked, failed, slow, open, kept }]) =>
        `${name} ${failed} of ${asked} failed, ${slow} slow, ${kept} of ${open} kept`,
    );
    console.log(`${what}: ${told.join("; ")}`);
    return Object.fromEntries(noticed);
  }, stack);
}
