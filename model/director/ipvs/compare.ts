/** What differs between the kernel's table and the expected one, in words. */
import { expectedTable, isOfDiagnosis, serverKey, type IpvsServer, type IpvsService } from "./table";
import { serviceKey } from "../../lab/target";
import type { Lab, VirtualService } from "../../lab/types";

/** Calls a real server of the lab by name and endpoint, any other by its endpoint alone. */
function serverNames(lab: Lab): (server: Pick<IpvsServer, "address" | "port">) => string {
  const names = new Map(lab.realServers.map(({ address, name }) => [address, name]));
  return (server) => {
    const name = names.get(server.address);
    return name === undefined ? serverKey(server) : `${name} ${serverKey(server)}`;
  };
}

/** Whether an entry of this service is its own sorry server, which belongs there while all real servers are down. */
export function isSorry(service: VirtualService, server: Pick<IpvsServer, "address" | "port">): boolean {
  return service.sorry !== undefined && serverKey(service.sorry) === serverKey(server);
}

/**
 * What differs between the kernel's table and the lab's, in words. What a diagnosis that is under way has put there is no part of it.
 * @param aside services whose own sorry server is no difference
 */
export function compareWithLab(
  lab: Lab,
  table: readonly IpvsService[],
  aside: readonly VirtualService[],
): string[] {
  const seen = table
    .filter((service) => !isOfDiagnosis(service))
    .map((entry) => {
      const service = aside.find((each) => serviceKey(each) === serviceKey(entry));
      if (service === undefined) return entry;
      return { ...entry, servers: entry.servers.filter((server) => !isSorry(service, server)) };
    });
  return compareTables(seen, expectedTable(lab), serverNames(lab));
}

/**
 * @param named calls a real server by name where it has one
 * @returns one sentence for each difference; order of services and servers does not count
 */
export function compareTables(
  actual: readonly IpvsService[],
  expected: readonly IpvsService[],
  named: (server: Pick<IpvsServer, "address" | "port">) => string = serverKey,
): string[] {
  const differences: string[] = [];
  for (const service of expected) {
    const found = actual.find((each) => serviceKey(each) === serviceKey(service));
    if (found === undefined) differences.push(`service ${serviceKey(service)}: missing`);
    else differences.push(...compareServices(found, service, named));
  }
  for (const service of actual) {
    if (!expected.some((each) => serviceKey(each) === serviceKey(service))) {
      differences.push(`service ${serviceKey(service)}: not configured`);
    }
  }
  return differences;
}

function compareServices(
  actual: IpvsService,
  expected: IpvsService,
  named: (server: Pick<IpvsServer, "address" | "port">) => string,
): string[] {
  const title = `service ${serviceKey(expected)}`;
  const fields: readonly [string, string, string][] = [
    ["scheduler", actual.scheduler, expected.scheduler],
    ["scheduler flags", flagsText(actual), flagsText(expected)],
    ["persistence", persistenceText(actual), persistenceText(expected)],
    ["one-packet scheduling", actual.ops ? "on" : "off", expected.ops ? "on" : "off"],
  ];
  const changed = fields.filter(([, is, wanted]) => is !== wanted);
  return [
    ...changed.map(([what, is, wanted]) => `${title}: ${what} ${is}, expected ${wanted}`),
    ...expected.servers.flatMap((server) => compareServer(actual, server, named(server))),
    ...actual.servers
      .filter((server) => !expected.servers.some((each) => serverKey(each) === serverKey(server)))
      .map((server) => `${named(server)}: not configured in ${title}`),
  ];
}

function compareServer(actual: IpvsService, expected: IpvsServer, name: string): string[] {
  const found = actual.servers.find((each) => serverKey(each) === serverKey(expected));
  if (found === undefined) return [`${name}: missing from service ${serviceKey(actual)}`];
  return [
    ...(found.weight === expected.weight
      ? []
      : [`${name}: weight ${found.weight}, expected ${expected.weight}`]),
    ...(found.forward === expected.forward
      ? []
      : [`${name}: forwarded by ${found.forward}, expected ${expected.forward}`]),
  ];
}

/** ipvsadm prints a scheduler's flags under their numbers or their names. */
function flagsText({ flags, scheduler }: IpvsService): string {
  const numbers: Readonly<Record<string, string>> = {
    [`${scheduler}-fallback`]: "flag-1",
    [`${scheduler}-port`]: "flag-2",
  };
  const sorted = flags.map((flag) => numbers[flag] ?? flag).sort();
  return sorted.length === 0 ? "none" : sorted.join(",");
}

function persistenceText({ persistent, netmask }: IpvsService): string {
  if (persistent === undefined) return "off";
  const granularity = netmask === undefined || netmask === "255.255.255.255" ? "" : ` for ${netmask}`;
  return `${persistent} s${granularity}`;
}
