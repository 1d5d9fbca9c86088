/** What differs between the kernel's table and the expected one, as the arguments that ipvsadm prints for both. */
import { expectedTable, isOfDiagnosis, serverArguments, serverKey, serviceArguments } from "./table";
import type { IpvsServer, IpvsService } from "./table";
import { serviceKey } from "../../lab/target";
import type { Lab, VirtualService } from "../../lab/types";

export interface Difference {
  /** A real server's name, another server's endpoint, or the service. */
  readonly subject: string;
  /** One sentence, the subject first. */
  readonly text: string;
}

type Named = Readonly<Pick<Lab, "realServers">>;

/** Whether an entry of this service is its own sorry server, which belongs there while all real servers are down. */
export function isSorry(service: VirtualService, server: Pick<IpvsServer, "address" | "port">): boolean {
  return service.sorry !== undefined && serverKey(service.sorry) === serverKey(server);
}

/** What differs from the lab's table. What a diagnosis that is under way has put there is not part of it, and neither are sorry servers. */
export function compareWithLab(lab: Lab, table: readonly IpvsService[]): Difference[] {
  const seen = table
    .filter((service) => !isOfDiagnosis(service))
    .map((entry) => {
      const service = lab.services.find((each) => serviceKey(each) === serviceKey(entry));
      if (service === undefined) return entry;
      return { ...entry, servers: entry.servers.filter((server) => !isSorry(service, server)) };
    });
  return compareTables(seen, expectedTable(lab), lab);
}

/** @returns one for each entry that differs; order of services and servers does not count */
export function compareTables(
  actual: readonly IpvsService[],
  expected: readonly IpvsService[],
  lab: Named = { realServers: [] },
): Difference[] {
  return pairs(actual, expected, serviceKey).flatMap(([is, wanted, key]) => {
    const title = `service ${key}`;
    const own = differences(
      title,
      title,
      is && serviceArguments(is).options,
      wanted && serviceArguments(wanted).options,
    );
    if (is === undefined || wanted === undefined) return own;
    const servers = pairs(is.servers, wanted.servers, serverKey).flatMap(([entry, server, at]) => {
      const { address } = (entry ?? server) as IpvsServer;
      const name = lab.realServers.find(
        (node) => node.address === address || node.address6 === address,
      )?.name;
      const called = name === undefined ? at : `${name} ${at}`;
      return differences(
        name ?? at,
        `${called} in ${title}`,
        entry && serverArguments(entry),
        server && serverArguments(server),
      );
    });
    return [...own, ...servers];
  });
}

/** What has the same key in both, those of `expected` first. */
function pairs<T>(
  actual: readonly T[],
  expected: readonly T[],
  keyOf: (each: T) => string,
): [is: T | undefined, wanted: T | undefined, key: string][] {
  const keys = new Set([...expected, ...actual].map(keyOf));
  const at = (all: readonly T[], key: string): T | undefined => all.find((each) => keyOf(each) === key);
  return [...keys].map((key) => [at(actual, key), at(expected, key), key]);
}

function differences(subject: string, called: string, is?: string, wanted?: string): Difference[] {
  if (is === wanted) return [];
  const text = wanted === undefined ? "not configured" : `${is ?? "missing"}, expected ${wanted}`;
  return [{ subject, text: `${called}: ${text}` }];
}
