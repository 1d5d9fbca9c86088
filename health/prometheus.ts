/**
 * The status as Prometheus text. Names and labels of node_ipvs_* are those of node_exporter's ipvs collector, so that
 * dashboards made for it work; what it does not have is ours, lvsdr_*.
 */
import { Counter, Gauge, Registry } from "prom-client";
import type { HealthStatus } from "../model/health";
import { PROBLEM_CODES } from "../model/lab/problem";
import type { Status } from "./status";

const STATES: readonly HealthStatus[] = ["healthy", "degraded", "sorry", "down"];
const BACKEND_LABELS = [
  "local_address",
  "local_port",
  "remote_address",
  "remote_port",
  "proto",
  "local_mark",
];

/** @param imageDigest the stack's output, where it is at hand */
export function renderPrometheus(status: Status, stack: string, imageDigest = ""): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name, help, labelNames, registers });
  const count = (name: string, help: string, value: number): void =>
    new Counter({ name, help, registers }).inc(value);

  const { total } = status.counters;
  if (total !== null) {
    count("node_ipvs_connections_total", "The total number of connections made.", total.connections);
    count("node_ipvs_incoming_packets_total", "The total number of incoming packets.", total.incomingPackets);
    count("node_ipvs_outgoing_packets_total", "The total number of outgoing packets.", total.outgoingPackets);
    count("node_ipvs_incoming_bytes_total", "The total amount of incoming data.", total.incomingBytes);
    count("node_ipvs_outgoing_bytes_total", "The total amount of outgoing data.", total.outgoingBytes);
  }
  backends(status, gauge);
  health(status, stack, imageDigest, gauge);
  checker(status, gauge);
  return registry.metrics();
}

type MakeGauge = (name: string, help: string, labelNames?: string[]) => Gauge;

function backends(status: Status, gauge: MakeGauge): void {
  const active = gauge(
    "node_ipvs_backend_connections_active",
    "The current active connections by local and remote address.",
    BACKEND_LABELS,
  );
  const inactive = gauge(
    "node_ipvs_backend_connections_inactive",
    "The current inactive connections by local and remote address.",
    BACKEND_LABELS,
  );
  const weight = gauge(
    "node_ipvs_backend_weight",
    "The current backend weight by local and remote address.",
    BACKEND_LABELS,
  );
  for (const { protocol, vip, port, address, serverPort, ...entry } of status.table) {
    const marked = protocol === "fwm";
    const labels = {
      local_address: vip,
      local_port: marked ? 0 : port,
      remote_address: address,
      remote_port: serverPort,
      proto: protocol.toUpperCase(),
      // As /proc/net/ip_vs has it.
      local_mark: marked ? port.toString(16).toUpperCase().padStart(8, "0") : "",
    };
    active.set(labels, entry.activeConnections);
    inactive.set(labels, entry.inactiveConnections);
    weight.set(labels, entry.weight);
  }
}

function health(status: Status, stack: string, imageDigest: string, gauge: MakeGauge): void {
  const info = ["stack", "config_hash", "image_digest"];
  gauge("lvsdr_info", "The lab that was looked at; always 1.", info).set(
    { stack, config_hash: status.configHash, image_digest: imageDigest },
    1,
  );
  gauge("lvsdr_observed_at_seconds", "When it was looked at, seconds since 1970.").set(
    Date.parse(status.observedAt) / 1000,
  );
  const state = gauge("lvsdr_health_status", "1 for the cluster's status, 0 for the others.", ["status"]);
  for (const each of STATES) state.set({ status: each }, each === status.status ? 1 : 0);
  gauge("lvsdr_problems", "What keeps the cluster from being healthy, counted.").set(status.problems.length);
  const byCode = gauge("lvsdr_problems_by_code", "The same by what they are; a code without problems is 0.", [
    "code",
  ]);
  for (const code of Object.keys(PROBLEM_CODES))
    byCode.set({ code }, status.findings?.filter((each) => each.code === code).length ?? 0);
  const service = ["vip", "port", "proto"];
  const sorry = gauge("lvsdr_sorry", "Whether the sorry server stands in for the real servers.", service);
  const server = [...service, "real_server"];
  const up = gauge("lvsdr_real_server_up", "Whether the real server is in the table with a weight.", server);
  const configured = gauge("lvsdr_real_server_configured_weight", "Configured weight.", server);
  for (const { vip, port, protocol, realServers, ...rest } of status.services) {
    const labels = { vip, port, proto: protocol };
    sorry.set(labels, rest.sorry ? 1 : 0);
    for (const { name, state: own, configuredWeight } of realServers) {
      up.set({ ...labels, real_server: name }, own === "up" ? 1 : 0);
      configured.set({ ...labels, real_server: name }, configuredWeight);
    }
  }
  if (status.directors !== undefined) directors(status.directors, gauge);
  if (status.hosts !== undefined) hosts(status.hosts, gauge);
  const detection = gauge(
    "lvsdr_detection_budget_seconds",
    "Seconds from a failure until the server is out of the table, by the health check's settings.",
    ["service", "failure"],
  );
  for (const { service: name, refused, silent, allSilent } of status.detection) {
    detection.set({ service: name, failure: "refused" }, refused);
    detection.set({ service: name, failure: "silent" }, silent);
    detection.set({ service: name, failure: "all_silent" }, allSilent);
  }
}

const DIRECTOR_ROLES = ["active", "standby", "fault"] as const;

function directors(all: NonNullable<Status["directors"]>, gauge: MakeGauge): void {
  const role = gauge("lvsdr_director_role", "1 for a director's role, 0 for the others.", [
    "director",
    "role",
  ]);
  const holds = gauge("lvsdr_director_holds_vip", "Whether the VIP is on the director.", ["director"]);
  const equal = gauge("lvsdr_director_table_equal", "Whether its table is the active director's.", [
    "director",
  ]);
  const since = gauge(
    "lvsdr_director_last_transition_seconds",
    "When it last became active or standby, seconds since 1970.",
    ["director"],
  );
  for (const { name: director, holdsVip, table, lastTransition, ...each } of all) {
    for (const own of DIRECTOR_ROLES) role.set({ director, role: own }, own === each.role ? 1 : 0);
    holds.set({ director }, holdsVip ? 1 : 0);
    equal.set({ director }, table === "equal" ? 1 : 0);
    if (lastTransition !== null) since.set({ director }, Date.parse(lastTransition) / 1000);
  }
}

function hosts(all: NonNullable<Status["hosts"]>, gauge: MakeGauge): void {
  const reachable = gauge("lvsdr_host_reachable", "Whether any guest of a libvirt host answers.", ["host"]);
  const placed = gauge("lvsdr_guest_host", "Which libvirt host a guest is on; always 1.", ["guest", "host"]);
  for (const { name: host, guests, reachable: answers } of all) {
    if (answers !== null) reachable.set({ host }, answers ? 1 : 0);
    for (const guest of guests) placed.set({ guest, host }, 1);
  }
}

/** Alive is 0 while the director cannot be asked too, so that an alert on it fires; what cannot be told is absent. */
function checker({ checker: seen }: Status, gauge: MakeGauge): void {
  if (seen === null) return;
  gauge(
    "lvsdr_checker_alive",
    "Whether the processes of the daemon that checks are there and not stopped, as the director says.",
  ).set(seen.alive === true ? 1 : 0);
  if (seen.configCurrent !== null)
    gauge(
      "lvsdr_checker_config_current",
      "Whether that daemon has read its configuration since it changed.",
    ).set(seen.configCurrent ? 1 : 0);
  if (seen.checking !== null)
    gauge("lvsdr_checker_checking", "Whether it checks the real servers.").set(seen.checking ? 1 : 0);
  const last = gauge("lvsdr_checker_last_check_seconds", "Seconds since a real server was last checked.", [
    "service",
    "real_server",
  ]);
  for (const [service, servers] of Object.entries(seen.lastCheckSeconds))
    for (const [name, seconds] of Object.entries(servers))
      if (seconds !== null) last.set({ service, real_server: name }, seconds);
  const round = gauge(
    "lvsdr_checker_round_seconds",
    "Seconds from one round of a service's checks to the next.",
    ["service"],
  );
  for (const [service, { measured }] of Object.entries(seen.roundSeconds))
    if (measured !== null) round.set({ service }, measured);
}
