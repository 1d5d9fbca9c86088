/** Which of a stack's resources are on one libvirt host: for a run that asks nothing of a host that does not answer. */
import { isObject, reveal, type Properties, type Value } from "./properties";
import { referenced } from "./urn";

/** Names of the hosts that do not answer, for the program and all that it runs. */
export const ABSENT = "LVS_DR_ABSENT_HOSTS";

/** By what resources name a host other than this one, or a machine that exists, which has no libvirt of the stack's. */
export interface HostPlace {
  readonly libvirtUri?: string;
  /** Where its SSH is. */
  readonly address: string;
  readonly port: number;
}

/** A resource as far as the states of both engines agree. */
interface Placed {
  readonly urn: string;
  readonly inputs?: Properties;
  /** `urn::id` of its provider; empty or absent for a default one. */
  readonly provider?: string;
  readonly dependencies?: readonly string[];
  readonly propertyDependencies?: { readonly [property: string]: readonly string[] };
}

/** Whether two URIs lead to one libvirt: what follows the path says how to get there. */
export const sameLibvirt = (one: string, other: string): boolean => one.split("?")[0] === other.split("?")[0];

/** A libvirt provider says which host it is for, and so does what watches a guest's boot. */
const uriIn = ({ uri, environment }: Properties): Value | undefined =>
  isObject(environment) ? environment.LVS_DR_LIBVIRT_URI : uri;

/** By its libvirt, or by where its command runs; guests are also on the host through which they are reached. */
function isOn(
  { libvirtUri, address, port }: HostPlace,
  inputs: Properties,
  providers: Properties | undefined,
): boolean {
  const { connection } = inputs;
  const leadsThere = (hop: Value | undefined): boolean =>
    isObject(hop) && hop.host === address && (hop.port ?? 22) === port;
  if (leadsThere(connection)) return true;
  if (libvirtUri === undefined) return false;
  return (
    [uriIn(inputs), providers && uriIn(providers)].some(
      (uri) => typeof uri === "string" && sameLibvirt(uri, libvirtUri),
    ) ||
    (isObject(connection) && leadsThere(connection.proxy))
  );
}

/** Whether a resource is on one of some hosts. @param all among which its provider is found */
export function isOnAny(
  places: readonly HostPlace[],
  { inputs = {}, provider = "" }: Pick<Placed, "inputs" | "provider">,
  all: readonly Placed[],
): boolean {
  if (places.length === 0) return false;
  const by = provider === "" ? undefined : all.find(({ urn }) => urn === referenced(provider));
  return places.some((place) => isOn(place, reveal(inputs), by && reveal(by.inputs ?? {})));
}

/** The resources without some of them, which the others name no more. */
export function withoutResources<T extends Placed>(all: readonly T[], gone: ReadonlySet<string>): T[] {
  const stays = (urn: string): boolean => !gone.has(urn);
  return all
    .filter(({ urn }) => stays(urn))
    .map((each) => {
      const { dependencies = [], propertyDependencies = {} } = each;
      const named = [...dependencies, ...Object.values(propertyDependencies).flat()];
      if (named.every(stays)) return each;
      const left = Object.entries(propertyDependencies).map(([key, urns]) => [key, urns.filter(stays)]);
      return {
        ...each,
        dependencies: dependencies.filter(stays),
        propertyDependencies: Object.fromEntries(left) as Placed["propertyDependencies"],
      };
    });
}
