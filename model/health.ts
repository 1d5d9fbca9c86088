/** The verdict on a lab: from what was observed on the director, the guests and the client to the `health` output. */
import { isDeepStrictEqual } from "node:util";
import { parseIpvsSave, serverKey, type IpvsServer, type IpvsService } from "./director/ipvs/table";
import { serviceKey } from "./lab/target";
import { parseIpvsList, rowOf, type IpvsList } from "./director/ipvs/list";
import type { Family } from "./lab/address";
import type { PortRange } from "./lab/ports";
import { wrongPages } from "./guest/pages";
import { withHolder } from "./lab/directors";
import { directorsHealth, holderOf, pairProblems, type DirectorHealth, type PairObservation } from "./pair";
import { distinct, problemOf, type Problem, type ProblemCode } from "./lab/problem";
import { placement } from "./lab/hosts";
import {
  clientService,
  labNodes,
  serviceUrl,
  type Lab,
  type RealServerEntry,
  type VirtualService,
} from "./lab/types";

export type HealthStatus = "healthy" | "degraded" | "sorry" | "down";
export type RealServerState = "up" | "down" | "drained";

export interface RealServerHealth {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Weight in the kernel's table; 0 when it is not in it. */
  readonly weight: number;
  readonly configuredWeight: number;
  readonly state: RealServerState;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
}

/** What a service is known by. */
export interface ServiceIdentity extends Pick<VirtualService, "vip" | "port" | "protocol"> {
  /** Of a service by firewall mark, as are the two that follow. */
  readonly mark?: number;
  readonly family?: Family;
  readonly ports?: readonly PortRange[];
}

export function identityOf(service: VirtualService): ServiceIdentity {
  const { vip, port, protocol } = service;
  if (service.mark === undefined) return { vip, port, protocol };
  const { mark, family, ports } = service;
  return { vip, port, protocol, mark, family, ports };
}

export interface ServiceHealth extends ServiceIdentity {
  readonly scheduler: string;
  /** Seconds, null without persistence. */
  readonly persistent: number | null;
  /** Whether the sorry server stands in for the real ones. */
  readonly sorry: boolean;
  readonly realServers: readonly RealServerHealth[];
}

export interface Health {
  readonly status: HealthStatus;
  /** ISO 8601, UTC. */
  readonly observedAt: string;
  readonly configHash: string;
  readonly services: readonly ServiceHealth[];
  /** Of a lab with two. */
  readonly directors?: readonly DirectorHealth[];
  /** What keeps the lab from being healthy, one sentence each, its subject first; empty when it is. */
  readonly problems: readonly string[];
  /** The same as data, one for each of `problems`. Absent in what a version without codes has recorded. */
  readonly findings?: readonly Problem[];
}

export interface DirectorObservation {
  readonly reachable: boolean;
  /** Text of `ipvsadm -Sn`. */
  readonly ipvsSave?: string;
  /** Text of `ipvsadm -Ln`. */
  readonly ipvsList?: string;
  /** Of the configuration that the director's script was made for; empty when the guest cannot tell. */
  readonly configHash?: string;
}

export interface NodeObservation {
  /** Whether SSH got there, whatever became of the question. */
  readonly reachable: boolean;
  /** What the guest's own `lvs-dr status` finds, or why it finds nothing. */
  readonly problems: readonly Problem[];
}

export interface ClientRequest {
  /** Whether an answer came with a good status. */
  readonly ok: boolean;
  /** HTTP status, 0 without an answer. */
  readonly status: number;
  /** Who answered: a real server's name, "sorry", or "" when unknown. */
  readonly server: string;
  /** The answer's beginning. */
  readonly body: string;
  readonly seconds: number;
}

export interface Observation {
  readonly observedAt: string;
  /** The one, or that of two which holds the VIPs. */
  readonly director: DirectorObservation;
  /** Of a lab with two directors. */
  readonly pair?: PairObservation;
  readonly nodes: Readonly<Record<string, NodeObservation>>;
  /** Requests from the client guest, to `clientService`; none when it could not be asked, or the web server serves no service. */
  readonly client: { readonly requests: readonly ClientRequest[] };
}

/** Exit codes of `scripts/lab status`. */
export const EXIT_CODES: Readonly<Record<HealthStatus, number>> = {
  healthy: 0,
  degraded: 3,
  sorry: 4,
  down: 5,
};

/**
 * Judges a lab. Never throws on an observation: a table that cannot be read is a problem like any other.
 */
export function assessHealth(applied: Lab, observation: Observation): Health {
  const { pair } = observation;
  const lab = pair === undefined ? applied : withHolder(applied, holderOf(applied, pair));
  const found: Problem[] = [];
  const { table, list } = readTables(lab, observation.director, found);
  const services = lab.services.map((service) => serviceHealth(service, table, list));
  if (table !== undefined) found.push(...services.flatMap(serviceProblems));
  found.push(...nodeProblems(lab, observation));
  if (pair !== undefined) found.push(...pairProblems(lab, pair));
  const requests = observation.client.requests;
  found.push(...clientProblems(lab, requests));
  const asked = clientService(lab) ?? lab.services[0];
  const status = statusOf(services[lab.services.indexOf(asked)], table !== undefined, requests, found);
  const { observedAt } = observation;
  const health = { status, observedAt, configHash: lab.configHash, services, problems: [] };
  return withProblems(
    pair === undefined ? health : { ...health, directors: directorsHealth(lab, pair) },
    found,
  );
}

/** What differs between any two looks at the same lab: when they were, and how many connections there were. */
const MOMENTARY = ["observedAt", "activeConnections", "inactiveConnections"];

/** Whether both say the same, whenever they were observed. */
export function sameHealth(one: Health, other: Health): boolean {
  const [lasting, others] = [one, other].map((health): unknown =>
    JSON.parse(
      JSON.stringify(health, (key, value: unknown) => (MOMENTARY.includes(key) ? undefined : value)),
    ),
  );
  return isDeepStrictEqual(lasting, others);
}

/** Whether it names that problem of that node or service. */
export function hasProblem({ findings }: Health, subject: string, code: ProblemCode): boolean {
  return findings?.some((each) => each.subject === subject && each.code === code) === true;
}

/** The same health with more problems, each fact once: what was healthy is degraded by them. */
export function withProblems<H extends Health>(health: H, more: readonly Problem[]): H {
  const findings = distinct([...(health.findings ?? []), ...more]);
  const degraded = health.status === "healthy" && findings.length > 0;
  const status = degraded ? "degraded" : health.status;
  return { ...health, status, problems: findings.map(({ text }) => text), findings };
}

function statusOf(
  asked: ServiceHealth | undefined,
  tableKnown: boolean,
  requests: readonly ClientRequest[],
  problems: readonly Problem[],
): HealthStatus {
  const served = asked?.sorry === true || asked?.realServers.some((server) => server.weight > 0) === true;
  // The client is who counts; where it could not be asked, the table tells whether anyone would answer.
  const answered = requests.length > 0 ? requests.some((request) => request.ok) : tableKnown && served;
  if (!answered) return "down";
  if (asked?.sorry === true) return "sorry";
  return problems.length > 0 ? "degraded" : "healthy";
}

function readTables(
  lab: Lab,
  director: DirectorObservation,
  problems: Problem[],
): { table?: IpvsService[]; list?: IpvsList } {
  if (!director.reachable || director.ipvsSave === undefined) return {};
  try {
    const table = parseIpvsSave(director.ipvsSave);
    return director.ipvsList === undefined ? { table } : { table, list: parseIpvsList(director.ipvsList) };
  } catch (error) {
    problems.push(problemOf(lab.directors[0].name, "table-unreadable", (error as Error).message));
    return {};
  }
}

function serviceHealth(
  service: VirtualService,
  table: readonly IpvsService[] = [],
  list?: IpvsList,
): ServiceHealth {
  const { scheduler, persistent, realServers, sorry } = service;
  const found = table.find((each) => serviceKey(each) === serviceKey(service));
  const inTable = (address: Pick<IpvsServer, "address" | "port">) =>
    found?.servers.find((each) => serverKey(each) === serverKey(address));
  const servers = realServers.map((server) => {
    const entry = inTable(server);
    const counters = list && rowOf(list, service, server)?.values;
    return {
      name: server.name,
      address: server.address,
      port: server.port,
      weight: entry?.weight ?? 0,
      configuredWeight: server.weight,
      state: stateOf(server, entry),
      activeConnections: counters?.["ActiveConn"] ?? 0,
      inactiveConnections: counters?.["InActConn"] ?? 0,
    };
  });
  const standsIn = sorry !== undefined && (inTable(sorry)?.weight ?? 0) > 0;
  return {
    ...identityOf(service),
    scheduler: found?.scheduler ?? scheduler,
    persistent: (found ? found.persistent : persistent) ?? null,
    sorry: standsIn && servers.every((server) => server.weight === 0),
    realServers: servers,
  };
}

/** Weight 0 on purpose is drained; by quiescence, or out of the table, it is down. */
function stateOf(server: RealServerEntry, entry: IpvsServer | undefined): RealServerState {
  if (entry === undefined) return "down";
  if (entry.weight > 0) return "up";
  return server.drain || server.weight === 0 ? "drained" : "down";
}

/** What ldirectord has done about the servers' state; all else that differs in the table the director's script finds. */
function serviceProblems(health: ServiceHealth): Problem[] {
  const service = serviceKey(
    health.mark === undefined
      ? { ...health, mark: undefined }
      : { mark: health.mark, family: health.family ?? 4 },
  );
  const down = health.realServers
    .filter(({ state }) => state === "down")
    .map((server): Problem => {
      const { name, configuredWeight } = server;
      const text = `${name} ${serverKey(server)}: down: weight 0 in service ${service}, expected ${configuredWeight}`;
      return { subject: name, code: "server-down", detail: service, text };
    });
  if (!health.sorry) return down;
  const text = `service ${service}: the sorry server stands in for all real servers`;
  return [{ subject: service, code: "sorry-server-active", detail: "", text }, ...down];
}

function nodeProblems(lab: Lab, { director, nodes, pair }: Observation): Problem[] {
  const outdated = lab.directors.flatMap(({ name: subject }, index): Problem[] => {
    const hash =
      pair === undefined || index === 0 ? director.configHash : pair.directors[subject]?.values?.configHash;
    if (hash === undefined || hash === "" || hash === lab.configHash) return [];
    const what = "its script is of another configuration than the stack's: run `scripts/lab up`";
    return [problemOf(subject, "script-outdated", what)];
  });
  return [
    ...silentHosts(lab, nodes),
    ...labNodes(lab).flatMap(({ name }) => nodes[name]?.problems ?? []),
    ...outdated,
  ];
}

/** Of several hosts those whose guests have all gone at once. */
function silentHosts(lab: Lab, nodes: Observation["nodes"]): Problem[] {
  return placement(lab).flatMap(({ name: subject, guests }): Problem[] => {
    if (guests.length === 0 || guests.some((name) => nodes[name]?.reachable !== false)) return [];
    return [
      problemOf(
        subject,
        "host-silent",
        `none of its guests can be reached: ${guests.join(", ")} (if it answers itself, \`scripts/lab up\` starts them)`,
      ),
    ];
  });
}

function clientProblems(lab: Lab, requests: readonly ClientRequest[]): Problem[] {
  const subject = lab.clients[0].name;
  const service = clientService(lab);
  if (service === undefined) return [];
  if (requests.length === 0)
    return [problemOf(subject, "client-not-asked", "could not be asked to send requests")];
  const good = requests.filter(({ ok }) => ok);
  const pages = wrongPages(lab, serviceUrl(service), good);
  const failed = requests.length - good.length;
  if (failed === 0) return pages;
  const what = `${failed} of ${requests.length} requests got no good answer`;
  return [...pages, problemOf(subject, "requests-failed", what, serviceKey(service))];
}
