/** The verdict on a lab: from what was observed on the director, the guests and the client to the `health` output. */
import { parseIpvsSave, serverKey, serviceKey, type IpvsServer, type IpvsService } from "./ipvs";
import { compareWithLab } from "./ipvsCompare";
import { parseIpvsList, rowOf, type IpvsList } from "./ipvsList";
import { clientService, type Lab, type RealServerEntry, type VirtualService } from "./types";

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

export interface ServiceHealth {
  readonly vip: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
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
  /** What keeps the lab from being healthy, one sentence each, node first; empty when it is. */
  readonly problems: readonly string[];
}

export interface DirectorObservation {
  readonly reachable: boolean;
  /** Text of `ipvsadm -Sn`. */
  readonly ipvsSave?: string;
  /** Text of `ipvsadm -Ln`. */
  readonly ipvsList?: string;
  /** The daemon; in static mode there is none. `configHash` is the one it was started or reloaded with. */
  readonly daemon?: { readonly active: boolean; readonly configHash?: string };
}

export interface NodeObservation {
  /** Whether SSH got there, whatever became of the question. */
  readonly reachable: boolean;
  /** Verdict of the guest's own `lvs-dr status`. */
  readonly ok: boolean;
  readonly problems: readonly string[];
}

export interface ClientRequest {
  /** Whether an answer came with a good status. */
  readonly ok: boolean;
  /** HTTP status, 0 without an answer. */
  readonly status: number;
  /** Who answered: a real server's name, "sorry", or "" when unknown. */
  readonly server: string;
  /** First line of the answer. */
  readonly body: string;
  readonly seconds: number;
}

export interface Observation {
  readonly observedAt: string;
  readonly director: DirectorObservation;
  readonly nodes: Readonly<Record<string, NodeObservation>>;
  /** Requests from the client guest, to `clientService`; none when it could not be asked, or no service speaks TCP. */
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
export function assessHealth(lab: Lab, observation: Observation): Health {
  const problems: string[] = [];
  const { table, list } = readTables(lab, observation.director, problems);
  const services = lab.services.map((service) => serviceHealth(service, table, list));
  if (table !== undefined) problems.push(...tableProblems(lab, table, services));
  problems.push(...daemonProblems(lab, observation.director));
  problems.push(...nodeProblems(lab, observation));
  const requests = observation.client.requests;
  problems.push(...clientProblems(lab, requests));
  const asked = clientService(lab) ?? lab.services[0];
  return {
    status: statusOf(services[lab.services.indexOf(asked)], table !== undefined, requests, problems),
    observedAt: observation.observedAt,
    configHash: lab.configHash,
    services,
    problems,
  };
}

function statusOf(
  asked: ServiceHealth | undefined,
  tableKnown: boolean,
  requests: readonly ClientRequest[],
  problems: readonly string[],
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
  problems: string[],
): { table?: IpvsService[]; list?: IpvsList } {
  if (!director.reachable || director.ipvsSave === undefined) return {};
  try {
    const table = parseIpvsSave(director.ipvsSave);
    return director.ipvsList === undefined ? { table } : { table, list: parseIpvsList(director.ipvsList) };
  } catch (error) {
    problems.push(`${lab.director.name}: ${(error as Error).message}`);
    return {};
  }
}

function serviceHealth(
  service: VirtualService,
  table: readonly IpvsService[] = [],
  list?: IpvsList,
): ServiceHealth {
  const { vip, port, protocol, scheduler, persistent, realServers, sorry } = service;
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
    vip,
    port,
    protocol,
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

function tableProblems(
  lab: Lab,
  table: readonly IpvsService[],
  services: readonly ServiceHealth[],
): string[] {
  // While nobody else serves, the sorry server is meant to be there.
  const stood = lab.services.filter((_, index) => services[index]?.sorry);
  return [
    ...stood.map((service) => `${lab.director.name}: the sorry server stands in for ${serviceKey(service)}`),
    ...compareWithLab(lab, table, stood),
  ];
}

function daemonProblems(lab: Lab, { reachable, daemon }: DirectorObservation): string[] {
  if (lab.mode === "static" || !reachable || daemon === undefined) return [];
  if (!daemon.active)
    return [`${lab.director.name}: ldirectord is not running; nothing checks the real servers`];
  // An empty digest: the guest could not tell.
  if (!daemon.configHash || daemon.configHash === lab.configHash) return [];
  return [`${lab.director.name}: ldirectord runs with another configuration than the stack's`];
}

function nodeProblems(lab: Lab, { director, nodes }: Observation): string[] {
  const expected = [lab.router, lab.client, lab.director, ...lab.realServers];
  return expected.flatMap(({ name }) => {
    const node = nodes[name];
    const silent =
      name === lab.director.name
        ? !director.reachable || node?.reachable === false
        : node?.reachable === false;
    if (silent) return [`${name}: cannot be reached by SSH`];
    if (node === undefined || (node.ok && node.problems.length === 0)) return [];
    return (node.problems.length > 0 ? node.problems : ["its own check fails"]).map(
      (problem) => `${name}: ${problem}`,
    );
  });
}

function clientProblems(lab: Lab, requests: readonly ClientRequest[]): string[] {
  const name = lab.client.name;
  if (clientService(lab) === undefined) return [];
  if (requests.length === 0) return [`${name}: could not be asked to send requests`];
  const failed = requests.filter((request) => !request.ok).length;
  if (failed === 0) return [];
  return [`${name}: ${failed} of ${requests.length} requests got no good answer`];
}
