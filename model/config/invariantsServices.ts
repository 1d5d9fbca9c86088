/** The virtual services: one each, ports that Direct Routing keeps, somebody to serve them. */
import { canReadPage } from "../director/checkServices";
import type { Draft } from "./defaults";
import type { Findings } from "./findings";
import { DIAGNOSIS_MARKS, isOfDiagnosis } from "../director/ipvs/table";
import { endpoint, familyOf, Prefix } from "../lab/address";
import { listenedPorts, overlap, portsOf, portsText } from "../lab/ports";
import { serviceTitle } from "../lab/target";
import { addressOf, isOwnSorry, type VirtualService } from "../lab/types";
import { ownedAddresses } from "./owners";
import { nearest } from "./refusal";
import type { Config } from "./schema";
import { groupOf, hasNamedFlags, MAIN, serviceName, sixthName } from "./serviceDefaults";
import { keysOf, reporter, servicePlaces, type Place } from "./servicePlaces";

export function checkServices(findings: Findings, config: Config, draft: Draft): void {
  const all = servicePlaces(config, draft);
  for (const place of all) {
    checkPort(findings, config, place);
    checkScheduling(findings, config, draft, place);
    checkSorry(findings, config, draft, place);
    checkTraffic(findings, config, place);
  }
  checkSixth(findings, config, draft, all);
  checkPorts(findings, config, draft);
  checkMembers(findings, config, draft);
  checkTwins(findings, config, draft, all);
}

function checkPort(findings: Findings, config: Config, place: Place): void {
  const { index, service } = place;
  const report = reporter(findings, config, place);
  const given = index === undefined ? undefined : config.services[index];
  const mark = `services[${index}].mark`;
  if (given?.ports !== undefined) {
    checkGroup(findings, place, given.port, `services[${index}]`);
  } else if (given?.mark !== undefined) {
    const fix = "write the ports that share the mark as a list, ports, or remove mark";
    findings.add({ key: mark, value: given.mark, message: "is given without ports", fix });
  } else if (given !== undefined && service.name !== MAIN && given.port === undefined) {
    report("port", { message: "is missing", fix: "write the port of the service" }, ["ports"]);
  } else if (service.port === 22) {
    const message = "is SSH's port, through which the guests are configured";
    report("port", { value: 22, message, fix: "choose a port from 1–65535, not SSH's" });
  }
}

/** A service whose ports are told by a mark. */
function checkGroup(findings: Findings, { service }: Place, port: number | undefined, at: string): void {
  if (port !== undefined) {
    const fix = "remove one of the two; the first of ports is the one that is checked";
    findings.add({ key: `${at}.port`, value: port, message: "is given beside ports", fix }, `${at}.ports`);
  }
  const { mark } = service;
  if (mark !== undefined && isOfDiagnosis({ mark, family: 4 })) {
    const { first, last } = DIAGNOSIS_MARKS;
    const message = `is one of those by which verify asks each real server, ${first} to ${last}`;
    findings.add({
      key: `${at}.mark`,
      value: mark,
      message,
      fix: "choose another one, or leave the key out",
    });
  }
  if (listenedPorts(service).includes(22)) {
    const message = "has SSH's port 22, through which the guests are configured";
    findings.add({ key: `${at}.ports`, message, fix: "remove it from the list" });
  }
  const ports = portsOf(service);
  const twice = ports.find((one, i) => ports.slice(0, i).some((other) => overlap(one, other)));
  if (twice === undefined) return;
  const message = `names ${portsText(twice)} twice`;
  findings.add({ key: `${at}.ports`, message, fix: "name each port once" });
}

/** Ports of real servers may only repeat their service's. */
function checkPorts(findings: Findings, config: Config, draft: Draft): void {
  const main = draft.services[0].port;
  const check = (key: string, port: number | undefined, wanted: number, portKey: string): void => {
    if (port === undefined || port === wanted) return;
    const message = `differs from the service's port ${wanted}: Direct Routing cannot map ports`;
    findings.add({ key, value: port, message, fix: `use ${wanted}, or leave the key out` }, portKey);
  };
  config.realServers?.forEach((server, index) =>
    check(`realServers[${index}].port`, server.port, main, "port"),
  );
  config.services.forEach((service, index) => {
    // In a group each packet keeps its own.
    const wanted = groupOf(service) === undefined ? (service.port ?? config.port) : 0;
    service.realServers?.forEach((server, member) =>
      check(`services[${index}].realServers[${member}].port`, server.port, wanted, `services[${index}].port`),
    );
  });
}

/** How many clients stick together: no matter without persistence. */
const GROUPINGS = [
  { field: "persistenceNetmask", none: "255.255.255.255", called: "mask", family: 4 },
  { field: "persistencePrefix6", none: 128, called: "length", family: 6 },
] as const;

function checkScheduling(findings: Findings, config: Config, draft: Draft, place: Place): void {
  const { service, index } = place;
  const report = reporter(findings, config, place);
  if (service.scheduler === "twos" && config.image === undefined) {
    const message = "is not in Debian 12's kernel, which the project's own image has";
    const fix = "choose another one, or an image whose kernel has the module ip_vs_twos";
    report("scheduler", { value: "twos", message, fix });
  }
  for (const flag of service.schedulerFlags) {
    const [prefix = ""] = flag.split("-");
    // What ipvsadm does not show would never make the table the expected one.
    const unnamed = flag === "flag-3" && hasNamedFlags(service.scheduler);
    if ((prefix === "flag" && !unnamed) || prefix === service.scheduler) continue;
    const message = `is not a flag of scheduler ${service.scheduler}`;
    const fix = unnamed ? "remove flag-3" : `use scheduler ${prefix}, or remove ${flag}`;
    report("schedulerFlags", { value: flag, message, fix }, ["scheduler"]);
  }
  if (service.ops && service.protocol !== "udp") {
    const fix = "set protocol to udp, or remove ops";
    report("ops", { value: true, message: "is for udp services only", fix }, ["protocol"]);
  } else if (service.ops && service.mark !== undefined && draft.mode === "ldirectord") {
    const message = "is what ldirectord gives no group of ports: its line for a firewall mark has no -o";
    const fix = "remove it, write a service for each port, or set director.mode to keepalived or static";
    report("ops", { value: true, message, fix }, ["protocol", "ports"], ["director.mode"]);
  }
  const isBoth = draft.vip6Cidr !== undefined && config.services[index ?? -1]?.vip === undefined;
  for (const { field, none, called, family } of GROUPINGS) {
    const configured = index === undefined ? undefined : config.services[index]?.[field];
    const value = configured ?? (service.name === MAIN ? config[field] : none);
    if (value === none) continue;
    const at = familyOf(service.vip);
    if (at !== family && !isBoth) {
      const message = `has no effect: ${service.name} is at a VIP of IPv${at} alone`;
      const fix = `remove it; IPv${at} has persistence${at === 4 ? "Netmask" : "Prefix6"}`;
      report(field, { value, message, fix }, ["vip"], ["vip6", "vip6Cidr"]);
    }
    if (service.persistent !== undefined) continue;
    const message = "has no effect without persistence";
    const fix = `set persistent to the seconds that a client shall stick, or remove the ${called}`;
    report(field, { value, message, fix }, ["persistent"]);
  }
}

function checkSorry(findings: Findings, config: Config, draft: Draft, place: Place): void {
  const { service } = place;
  if (service.sorry === undefined) return;
  const report = reporter(findings, config, place);
  const { address, port } = service.sorry;
  const group = service.mark !== undefined;
  if (port !== (group ? 0 : service.port)) {
    const message = `differs from the service's ${group ? "ports" : `port ${service.port}`}: Direct Routing cannot map ports`;
    const fix = `${group ? "" : `use ${service.port}, or `}leave the key out`;
    report("sorryServer.port", { value: port, message, fix }, ["port"]);
  }
  const family = familyOf(service.vip);
  const suffix = family === 6 ? "6" : "";
  const field = `sorryServer.address${suffix}`;
  const cidrKey = `serverNetwork.cidr${suffix}`;
  const cidr = config.serverNetwork[`cidr${suffix}`] ?? "";
  const isWeb = service.protocol === "tcp" && canReadPage(service.check.service);
  if (isOwnSorry(service)) {
    if (isWeb) return;
    const other = service.protocol === "udp" ? "udp" : service.check.service;
    const message = `is the director's own web server, which speaks HTTP only, and ${service.name} is ${other}`;
    const fix = `use another server in ${cidr}, or set sorryServer to false`;
    report(field, { value: address, message, fix }, ["protocol", "healthCheck.service"]);
    return;
  }
  const local = family === 6 ? "::1" : "127.0.0.1";
  const own = isWeb ? `${local}, the director's own web server, or ` : "";
  const fix = `use ${own}another server in ${cidr}`;
  const network = Prefix.read(cidr);
  // A network that is missing has been reported.
  if (network === undefined) return;
  const node = ownedAddresses(config, draft).find((each) => each.value === address);
  const isVip = draft.services.some(({ vip }) => vip === address);
  const why = service.realServers.some((member) => member.address === address)
    ? `a real server of ${service.name}, which cannot stand in when they are all down`
    : draft.directors.some((director) => addressOf(director, family) === address)
      ? draft.directors.length === 1
        ? `whose own page is at ${local}`
        : "and two directors would send each request to one another; each has its own page at 127.0.0.1"
      : address === addressOf(draft.routers[0], family)
        ? "which would send each request back to the director"
        : address === addressOf(draft.clients[0], family)
          ? "which cannot have the VIP that it asks for"
          : undefined;
  const kind = network.kindOf(address);
  const message = isVip
    ? `is a VIP, which the director has itself; its own page is at ${local}`
    : why !== undefined
      ? `is the address of ${node?.owner} (${node?.key}), ${why}`
      : !network.contains(address)
        ? `is outside ${cidrKey} ${cidr}; gate needs one segment`
        : kind !== "host"
          ? `is the ${kind} address of ${cidrKey} ${cidr}`
          : undefined;
  if (message === undefined) return;
  report(field, { value: address, message, fix }, [], [why === undefined ? cidrKey : (node?.key ?? "")]);
}

/** The services that are served at the VIP of IPv6 too, which nobody has written. */
function checkSixth(findings: Findings, config: Config, draft: Draft, all: readonly Place[]): void {
  for (const place of all) {
    const { service, index } = place;
    const twin = draft.services.find(({ name }) => name === sixthName(service.name));
    const written = config.services.findIndex(
      (each, at) => serviceName(each, at) === sixthName(service.name),
    );
    if (draft.vip6Cidr === undefined) continue;
    if (config.services[index ?? -1]?.vip !== undefined) {
      checkSorryOfSix(findings, config, place);
      continue;
    }
    if (written >= 0) {
      const message = `is what ${service.name} is called at the VIP of IPv6`;
      const fix = `choose another name, or name the VIP of ${service.name}, which is then served there alone`;
      findings.add({ key: `services[${written}].name`, value: sixthName(service.name), message, fix });
    } else if (twin?.sorry !== undefined) checkSorry(findings, config, draft, { service: twin, index });
    else if (service.sorry !== undefined && twin !== undefined) {
      const message = `is missing: ${service.sorry.address} answers nobody who comes by IPv6`;
      const fix =
        "set it to the sorry server's address of IPv6, or name the VIP of the service, which is then served there alone";
      reporter(findings, config, place)("sorryServer.address6", { message, fix }, ["sorryServer.address"]);
    }
  }
}

/** Of a service at one VIP: at one of IPv6 a sorry server that has no address of that family would be left out. */
function checkSorryOfSix(findings: Findings, config: Config, place: Place): void {
  const { service, index } = place;
  const own = config.services[index ?? -1]?.sorryServer;
  const sorry = own ?? (service.name === MAIN ? config.sorryServer : false);
  if (sorry === false) return;
  if (familyOf(service.vip) === 4 && sorry.address6 !== undefined) {
    const message = `has no effect: ${service.name} is at a VIP of IPv4 alone`;
    const problem = { value: sorry.address6, message, fix: "remove it, or the service's vip" };
    reporter(findings, config, place)("sorryServer.address6", problem, ["vip"]);
  }
  if (familyOf(service.vip) === 4 || service.sorry !== undefined || sorry.address === undefined) return;
  const message = `is missing: ${sorry.address} answers nobody who comes by IPv6, and ${service.name} is at a VIP of IPv6`;
  const fix = "set it to the sorry server's address of IPv6, or sorryServer to false";
  reporter(findings, config, place)("sorryServer.address6", { message, fix }, ["sorryServer.address"]);
}

function checkTraffic(findings: Findings, config: Config, place: Place): void {
  const { realServers, name } = place.service;
  const own = place.index !== undefined && config.services[place.index]?.realServers !== undefined;
  const key = own ? `services[${place.index}].realServers` : "realServers";
  // Services without real servers of their own would only repeat what is said of the main one.
  if (!own && name !== MAIN) return;
  if (realServers.length === 0 || realServers.some((server) => server.weight > 0 && !server.drain)) return;
  const drained = realServers.every((server) => server.drain);
  const allZero = realServers.every((server) => server.weight === 0);
  findings.add({
    key,
    message: `${drained ? "all are drained" : allZero ? "all weights are 0" : "all are drained or have weight 0"}: no server can receive traffic`,
    fix: drained ? "leave at least one undrained" : "give at least one an own weight above 0, undrained",
  });
}

function checkMembers(findings: Findings, config: Config, draft: Draft): void {
  const names = draft.realServers.map((server) => server.name);
  config.services.forEach((service, index) => {
    const seen = new Map<string, number>();
    service.realServers?.forEach(({ name }, member) => {
      const key = `services[${index}].realServers[${member}].name`;
      const known = `name one of ${names.join(", ")}`;
      if (name === undefined) {
        findings.add({ key, message: "is missing", fix: known });
        return;
      }
      const meant = nearest(name, names);
      const fix = meant === undefined ? known : `write ${meant}`;
      if (!names.includes(name)) {
        findings.add(
          { key, value: name, message: "is not a real server of the lab", fix },
          "realServers",
          "realServerCount",
        );
      } else if (seen.has(name)) {
        const message = `is listed twice, as realServers[${seen.get(name)}] too`;
        findings.add({ key, value: name, message, fix: "remove one of the two" });
      }
      seen.set(name, seen.get(name) ?? member);
    });
  });
}

/** One service for each port of a VIP and protocol, and one for each mark: also of those that nobody has written, at the VIP of IPv6. */
function checkTwins(findings: Findings, config: Config, draft: Draft, written: readonly Place[]): void {
  const own = new Set(written.map(({ service }) => service));
  const all = written.flatMap((place) => [
    place,
    ...sixthOf(config, draft.services.slice(written.length), place),
  ]);
  const sixths = new Set(all.filter(({ service }) => !own.has(service)));
  all.forEach((place, position) => {
    const { service, index } = place;
    const isSixth = sixths.has(place);
    // Two that are the same there are the same at the VIP of IPv4, which is said.
    const before = all.slice(0, position).filter((each) => !isSixth || !sixths.has(each));
    const given = index === undefined ? undefined : config.services[index];
    if (index !== undefined && given?.port === undefined && given?.ports === undefined) return;
    const other = before.find((each) => sharePort(each.service, service));
    const sixth = [place, other].find((each) => each !== undefined && sixths.has(each));
    const alone =
      sixth === undefined
        ? ""
        : `; or name the VIP of ${writtenAs(draft, sixth)}, which is then served there alone`;
    // Whatever of the two was refused: a default stands in for it.
    const also = ["vip", "port", "ports", "protocol"].flatMap((field) =>
      [place, ...(other ? [other] : [])].flatMap((each) => keysOf(config, each, field)),
    );
    if (other !== undefined) {
      const { name, vip, port, protocol } = service;
      const group = [service, other.service].some(({ mark }) => mark !== undefined);
      const message = group
        ? `has a port that ${other.service.name} has too, ${serviceTitle(other.service)}`
        : `makes ${name} the same service as ${other.service.name}, ${protocol} ${endpoint(vip, port)}`;
      const [key] = keysOf(config, place, given?.ports === undefined ? "port" : "ports");
      const value = given?.ports === undefined ? { value: port } : {};
      findings.add(
        { key, ...value, message, fix: `choose another port, VIP or protocol${alone}` },
        ...also,
        ...(sixth === undefined ? [] : ["vip6", "vip6Cidr"]),
      );
    }
    // IPVS has a mark once in each family.
    const marked = before.find(
      (each) =>
        service.mark !== undefined &&
        each.service.mark === service.mark &&
        familyOf(each.service.vip) === familyOf(service.vip),
    );
    if (marked === undefined || given?.mark === undefined) return;
    findings.add({
      key: `services[${index}].mark`,
      value: given.mark,
      message: `is ${marked.service.name}'s too`,
      fix: "choose another one, or leave the key out",
    });
  });
}

/**
 * The service that serves the same at the VIP of IPv6, if there is one.
 * @param sixths those that nobody has written
 */
function sixthOf(config: Config, sixths: readonly VirtualService[], { service, index }: Place): Place[] {
  if (config.services[index ?? -1]?.vip !== undefined) return [];
  const sixth = sixths.find(({ name }) => name === sixthName(service.name));
  return sixth === undefined ? [] : [{ service: sixth, index }];
}

/** What the service is called that has another one at the VIP of IPv6. */
function writtenAs({ services }: Draft, { service }: Place): string {
  return services.find(({ name }) => sixthName(name) === service.name)?.name ?? service.name;
}

function sharePort(one: VirtualService, other: VirtualService): boolean {
  if (one.vip !== other.vip || one.protocol !== other.protocol) return false;
  return portsOf(one).some((ports) => portsOf(other).some((each) => overlap(ports, each)));
}
