/** Defaults of the virtual services: the main one from the top-level keys, the others from the main one. */
import { canReadPage, checkService, serviceOfPort } from "../director/checkServices";
import { inFamilyOfVip } from "./dualStack";
import type { Config, HealthCheckConfig, ServiceConfig } from "./schema";
import { isOfDiagnosis } from "../director/ipvs/table";
import { ALL_PORTS, readPorts, type PortRange } from "../lab/ports";
import { WEB } from "../lab/workloads";
import type { HealthCheck, RealServerEntry, VirtualService } from "../lab/types";

export const MAIN = "main";

export function resolveServices(
  config: Config,
  { vip, vip6, addresses6 }: Vips,
  realServers: readonly RealServerEntry[],
): [VirtualService, ...VirtualService[]] {
  const changes = config.services.find((service) => service.name === MAIN);
  const { sorryServer } = config;
  // A page alone names no server: the clients of every tcp service read it.
  const isDefault = sorryServer !== false && !sorryServer.address && !sorryServer.port;
  const base: ServiceConfig = {
    name: MAIN,
    vip,
    port: config.port,
    protocol: "tcp",
    scheduler: config.scheduler,
    schedulerFlags: config.schedulerFlags,
    persistent: config.persistent,
    persistenceNetmask: config.persistenceNetmask,
    ops: false,
    quiescent: config.quiescent,
    sorryServer: isDefault ? undefined : sorryServer,
    ldirectord: {},
  };
  const main = build(
    { ...base, ...given(changes ?? {}) },
    checkOf(
      {
        service: portOf({ ...base, ...given(changes ?? {}) }, config.port) === 443 ? "https" : "http",
        ...given(config.healthCheck),
        ...given(changes?.healthCheck ?? {}),
      },
      changes?.protocol ?? "tcp",
      portOf({ ...base, ...given(changes ?? {}) }, config.port),
    ),
    realServers,
  );
  // Another protocol's check could make nothing of what a real server is asked for.
  const unasked = realServers.map(({ request: _request, receive: _receive, ...server }) => server);
  const others = config.services.flatMap((service, index) => {
    if (service.name === MAIN) return [];
    const port = portOf(service, config.port);
    const { checktimeout, negotiatetimeout, checkinterval, failurecount } = main.check;
    const times = { checktimeout, negotiatetimeout, checkinterval, failurecount };
    const check = checkOf({ ...times, ...given(service.healthCheck ?? {}) }, service.protocol, port);
    const inherited = { vip, scheduler: config.scheduler, quiescent: config.quiescent };
    return [
      build(
        { ...inherited, name: serviceName(service, index), ...given(service) } as ServiceConfig,
        check,
        check.service === main.check.service ? realServers : unasked,
      ),
    ];
  });
  const written = withMarks([main, ...others]);
  const place = (service: VirtualService, at: string, from: Partial<ServiceConfig> = {}): VirtualService => {
    const sorry = from.sorryServer ?? (service.name === MAIN ? sorryServer : undefined);
    const { address = "127.0.0.1", address6 } = sorry === false || sorry === undefined ? {} : sorry;
    return inFamilyOfVip({ ...service, vip: at }, addresses6, {
      prefixLength: from.persistencePrefix6 ?? (service.name === MAIN ? config.persistencePrefix6 : 128),
      sorry: address6 ?? (address === "127.0.0.1" ? "::1" : undefined),
    });
  };
  const configOf = (service: VirtualService): ServiceConfig | undefined =>
    config.services.find((each, index) => serviceName(each, index) === service.name);
  const twins = written.flatMap((service) => {
    const from = configOf(service);
    if (vip6 === undefined || from?.vip !== undefined) return [];
    return [{ ...place(service, vip6, from), name: sixthName(service.name) }];
  });
  const [first, ...rest] = written.map((service) => place(service, service.vip, configOf(service)));
  return [first as VirtualService, ...rest, ...twins];
}

/** What the service is called at the VIP of IPv6, beside its own at that of IPv4. */
export function sixthName(name: string): string {
  return `${name}-v6`;
}

/** Where the services are that name no VIP, and each node's address of IPv6 by that of IPv4. */
export interface Vips {
  readonly vip: string;
  readonly vip6?: string | undefined;
  readonly addresses6: ReadonlyMap<string, string>;
}

/** What packets to the service's ports are told by. */
type Group = Pick<ServiceConfig, "ports" | "mark">;

/** Ports of a group, in the order in which they are written; undefined where the service is one port's. */
export function groupOf({ ports, mark }: Group): readonly PortRange[] | undefined {
  if (ports === undefined) return undefined;
  if (ports === "all") return ALL_PORTS;
  const read = ports.flatMap((each) => readPorts(String(each)) ?? []);
  const [only] = read;
  // One port needs no mark.
  const isPort = only !== undefined && read.length === 1 && only.first === only.last;
  return isPort && mark === undefined ? undefined : read;
}

/** The port of a service; that of a group, which is checked and asked, is its first. */
function portOf(from: ServiceConfig, otherwise: number): number {
  if (from.ports === undefined) return from.port ?? otherwise;
  if (from.ports === "all") return from.healthCheck?.checkport ?? otherwise;
  return readPorts(String(from.ports[0]))?.first ?? otherwise;
}

/** A group without a mark of its own gets its first port as one: it stays whatever other services come and go. */
function withMarks<S extends readonly VirtualService[]>(services: S): S {
  const taken = new Set(services.flatMap(({ mark }) => mark ?? []));
  const free = (mark: number): number =>
    taken.has(mark) || isOfDiagnosis({ mark, family: 4 }) ? free(mark + 1) : mark;
  return services.map((service) => {
    if (service.mark !== 0) return service;
    const mark = free(service.ports[0]?.first ?? 1);
    taken.add(mark);
    return { ...service, mark };
  }) as unknown as S;
}

export function serviceName(service: ServiceConfig, index: number): string {
  return service.name ?? `service${index + 1}`;
}

function build(from: ServiceConfig, check: HealthCheck, all: readonly RealServerEntry[]): VirtualService {
  const group = groupOf(from);
  const port = portOf(from, 80);
  const persistent = from.persistent ?? 0;
  // The director's web server listens on some ports, not on all.
  const canStandIn = from.protocol === "tcp" && canReadPage(check.service) && from.ports !== "all";
  const sorry = from.sorryServer ?? (canStandIn ? {} : false);
  const netmask = from.persistenceNetmask;
  const service = {
    name: from.name ?? MAIN,
    ...(from.workload === undefined || from.workload === WEB ? {} : { workload: from.workload }),
    vip: from.vip ?? "",
    port,
    protocol: from.protocol,
    scheduler: from.scheduler ?? "wrr",
    schedulerFlags: canonicalFlags(from.scheduler ?? "wrr", from.schedulerFlags ?? []),
    ...(persistent === 0 ? {} : { persistent }),
    // The kernel's own default is left out, so that the table's text is the same whether it was written or not.
    ...(persistent === 0 || netmask === undefined || netmask === "255.255.255.255" ? {} : { netmask }),
    ops: from.ops,
    quiescent: from.quiescent ?? false,
    realServers: chosen(from, group ? 0 : port, all),
    ...(sorry === false
      ? {}
      : { sorry: { address: sorry.address ?? "127.0.0.1", port: sorry.port ?? (group ? 0 : port) } }),
    check,
    extras: given(from.ldirectord),
  };
  return group === undefined ? service : { ...service, mark: from.mark ?? 0, family: 4, ports: group };
}

/** Whether ipvsadm knows the scheduler's flags by names: two of them, and shows no third. */
export function hasNamedFlags(scheduler: string): boolean {
  return scheduler === "sh" || scheduler === "mh";
}

/** Flags by the names and in the order in which ipvsadm saves them. */
export function canonicalFlags(scheduler: string, flags: readonly string[]): string[] {
  const [first, second] = hasNamedFlags(scheduler)
    ? [`${scheduler}-fallback`, `${scheduler}-port`]
    : ["flag-1", "flag-2"];
  const names = flags.map((flag) => ({ "flag-1": first, "flag-2": second })[flag] ?? flag);
  const order = [first, second, "flag-3"];
  // A flag of another scheduler stays, for the invariants to refuse it.
  return [...new Set(names)].sort((a, b) => order.indexOf(a) - order.indexOf(b));
}

/** The service's real servers: all of the lab's, or those it names, with what it says of them. */
function chosen(from: ServiceConfig, port: number, all: readonly RealServerEntry[]): RealServerEntry[] {
  if (from.realServers === undefined) return all.map((server) => ({ ...server, port }));
  return from.realServers.flatMap((named) => {
    const known = all.find((server) => server.name === named.name);
    return known === undefined ? [] : [{ ...known, ...given(named), port }];
  });
}

function checkOf(from: HealthCheckConfig, protocol: "tcp" | "udp", port: number): HealthCheck {
  const byPort = serviceOfPort(port);
  const service = from.service ?? byPort;
  const checktype =
    from.checktype ?? (protocol === "udp" ? "ping" : service === "none" ? "connect" : "negotiate");
  const checktimeout = from.checktimeout ?? 3;
  const { request, receive } = checkService(service).asks ?? {};
  return {
    // A HEAD request has no body to match.
    ...given({ request, receive: from.httpmethod === "HEAD" ? undefined : receive }),
    ...given(from),
    checktype,
    service,
    checkport: from.checkport ?? port,
    checktimeout,
    negotiatetimeout: from.negotiatetimeout ?? checktimeout,
    checkinterval: from.checkinterval ?? 1,
    failurecount: from.failurecount ?? 1,
  };
}

/** The fields that were set: an undefined one must not hide a default when objects are merged. */
export function given<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}
