/** The cluster as it is now: its health, its counters, its checker, and how soon a failure would be noticed. */
import {
  assessHealth,
  identityOf,
  withProblems,
  type Health,
  type Observation,
  type ServiceIdentity,
} from "../model/health";
import { controlPlane, type ControlPlane } from "../model/director/controlPlane";
import { parseIpvsList, rowOf } from "../model/director/ipvs/list";
import { serviceKey } from "../model/lab/target";
import type { GuestStatus } from "../model/guest/status";
import { familyOf } from "../model/lab/address";
import { withHolder } from "../model/lab/directors";
import { placement } from "../model/lab/hosts";
import type { Problem } from "../model/lab/problem";
import { holderOf } from "../model/pair";
import { addressesOf, addressOf, type Lab, type LabNode } from "../model/lab/types";
import {
  checkerScript,
  checkedPort,
  judgeChecker,
  parseChecker,
  unasked,
  type CheckerHealth,
} from "./checker";
import { checkSightScript, parseCheckSight, type CheckSight } from "./checkSight";
import type { Shell } from "../lib/ssh";
import { lookCloser } from "./observe";

/** As `ipvsadm -Ln --stats` counts. Replies by Direct Routing never cross the director: only a local sorry server makes some go out. */
export interface Counters {
  readonly connections: number;
  readonly incomingPackets: number;
  readonly outgoingPackets: number;
  readonly incomingBytes: number;
  readonly outgoingBytes: number;
}

export interface ServiceCounters extends Counters, ServiceIdentity {
  readonly realServers: readonly ({
    readonly name: string;
    readonly address: string;
    readonly port: number;
  } & Counters)[];
}

/** A libvirt host by its guests. */
export interface HostSight {
  readonly name: string;
  readonly guests: readonly string[];
  /** Whether any guest answers; null without guests. */
  readonly reachable: boolean | null;
}

/** Seconds from a failure to the table without the server, by the service's own settings. */
export interface DetectionBudget {
  readonly service: string;
  /** The server refuses connections. */
  readonly refused: number;
  /** One server answers nothing. */
  readonly silent: number;
  /** None of them answers anything: they are checked one after the other. */
  readonly allSilent: number;
}

/** One line of `ipvsadm -Ln` under its service. */
export interface TableEntry {
  readonly protocol: string;
  /** "" for a service by firewall mark, whose mark is `port`. */
  readonly vip: string;
  readonly port: number;
  readonly address: string;
  readonly serverPort: number;
  readonly weight: number;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
}

export interface Status extends Health {
  /** What is in the kernel's table, whoever put it there: the sorry server, and servers of weight 0, too. */
  readonly table: readonly TableEntry[];
  readonly counters: { readonly total: Counters | null; readonly services: readonly ServiceCounters[] };
  readonly detection: readonly DetectionBudget[];
  /** Only of several. */
  readonly hosts?: readonly HostSight[];
  /** null where nobody checks. */
  readonly checker: CheckerHealth | null;
}

const directorScript = ({ daemon }: ControlPlane): string => `
${daemon === undefined ? "" : checkerScript(daemon)}
echo '== stats'
ipvsadm -Ln --stats --exact
echo '== totals'
mapfile -t totals </proc/net/ip_vs_stats
printf '%s\\n' "\${totals[@]}"
`;

/** Reads /proc/net/ip_vs_stats: hexadecimal totals since the module was loaded. */
export function parseTotals(text: string): Counters | null {
  const line = text.split("\n").find((each) => /^\s*[0-9A-F]+(\s+[0-9A-F]+){4}\s*$/.test(each));
  if (line === undefined) return null;
  const [connections = 0, incomingPackets = 0, outgoingPackets = 0, incomingBytes = 0, outgoingBytes = 0] =
    line
      .trim()
      .split(/\s+/)
      .map((word) => parseInt(word, 16));
  return { connections, incomingPackets, outgoingPackets, incomingBytes, outgoingBytes };
}

function countersOf(values: Readonly<Record<string, number>> = {}): Counters {
  return {
    connections: values["Conns"] ?? 0,
    incomingPackets: values["InPkts"] ?? 0,
    outgoingPackets: values["OutPkts"] ?? 0,
    incomingBytes: values["InBytes"] ?? 0,
    outgoingBytes: values["OutBytes"] ?? 0,
  };
}

/** @param stats text of `ipvsadm -Ln --stats --exact` */
export function serviceCounters(lab: Lab, stats: string): ServiceCounters[] {
  const list = parseIpvsList(stats);
  return lab.services.map((service) => {
    const { realServers, sorry } = service;
    const own = list.services.find((each) => serviceKey(each) === serviceKey(service));
    const standIn = sorry ? [{ name: "sorry", ...sorry }] : [];
    return {
      ...identityOf(service),
      ...countersOf(own?.values),
      realServers: [...realServers, ...standIn].flatMap(({ name, address, port: serverPort }) => {
        const row = rowOf(list, service, { address, port: serverPort });
        // Out of the table there is nothing that counts.
        return row === undefined ? [] : [{ name, address, port: serverPort, ...countersOf(row.values) }];
      }),
    };
  });
}

/** @param list text of `ipvsadm -Ln`; one that cannot be read is among the health's problems */
export function tableEntries(list: string): TableEntry[] {
  try {
    return parseIpvsList(list).rows.map(({ service, address, port, values }) => ({
      ...(service.mark === undefined ? service : { protocol: "fwm", vip: "", port: service.mark }),
      address,
      serverPort: port,
      weight: values["Weight"] ?? 0,
      activeConnections: values["ActiveConn"] ?? 0,
      inactiveConnections: values["InActConn"] ?? 0,
    }));
  } catch {
    return [];
  }
}

function detectionBudget(lab: Lab): DetectionBudget[] {
  const { detectionSeconds } = controlPlane(lab);
  return lab.services.map((service) => ({
    service: service.name,
    refused: detectionSeconds(service, 0, lab),
    silent: detectionSeconds(service, 1, lab),
    allSilent: detectionSeconds(service, service.realServers.length, lab),
  }));
}

const hostSights = (lab: Lab, { nodes }: Observation): HostSight[] =>
  placement(lab).map(({ name, guests }) => ({
    name,
    guests,
    reachable: guests.length === 0 ? null : guests.some((guest) => nodes[guest]?.reachable === true),
  }));

interface CheckerSight {
  readonly checker: CheckerHealth | null;
  readonly findings: readonly Problem[];
}

/** Section of a real server's answer with what it remembers of a director's checks. */
const sectionOf = ({ name }: LabNode): string => `checks-${name}`;

/** The checks of the lab's first director. */
function checkerOf(
  lab: Lab,
  statuses: ReadonlyMap<string, GuestStatus | undefined>,
  { services }: Health,
): CheckerSight {
  const [director] = lab.directors;
  const status = statuses.get(director.name);
  const { daemon } = controlPlane(lab);
  if (daemon === undefined) return { checker: null, findings: [] };
  if (status === undefined) return { checker: unasked(daemon), findings: [] };
  const sights = lab.services.map(
    (service) =>
      new Map(
        service.realServers.flatMap(({ name }): (readonly [string, CheckSight])[] => {
          const section = statuses.get(name)?.sections[sectionOf(director)];
          const dip = addressOf(director, familyOf(service.vip)) ?? "";
          return section === undefined ? [] : [[name, parseCheckSight(section, checkedPort(service), dip)]];
        }),
      ),
  );
  return judgeChecker(lab, daemon, parseChecker(status.sections["checker"] ?? "", daemon), sights, services);
}

/** One look at everything. A guest that does not answer is part of the answer. */
export async function readStatus(shell: Shell, applied: Lab): Promise<Status> {
  const { observation, statuses } = await lookCloser(shell, applied, {
    ...Object.fromEntries(applied.directors.map(({ name }) => [name, directorScript(controlPlane(applied))])),
    ...Object.fromEntries(
      applied.realServers.map(({ name }) => [
        name,
        applied.directors
          .map((director) => checkSightScript(addressesOf(director), sectionOf(director)))
          .join("\n"),
      ]),
    ),
  });
  const health = assessHealth(applied, observation);
  const lab =
    observation.pair === undefined ? applied : withHolder(applied, holderOf(applied, observation.pair));
  const director = statuses.get(lab.directors[0].name);
  // A standby whose checks have ended would take over with a table that nobody keeps.
  const [{ checker, findings }, ...others] = lab.directors.map((each) =>
    checkerOf(withHolder(lab, each.name), statuses, health),
  ) as [CheckerSight, ...CheckerSight[]];
  return {
    ...withProblems(health, [...findings, ...others.flatMap((each) => each.findings)]),
    table: tableEntries(director?.sections["ipvsadm-list"] ?? ""),
    counters: {
      total: parseTotals(director?.sections["totals"] ?? ""),
      services:
        director?.sections["stats"] === undefined ? [] : serviceCounters(lab, director.sections["stats"]),
    },
    detection: detectionBudget(lab),
    ...(lab.hosts.length > 1 && { hosts: hostSights(lab, observation) }),
    checker,
  };
}
