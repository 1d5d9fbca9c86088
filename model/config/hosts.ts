/** From the configured hosts to the lab's: their addresses on the segments, and who is where. */
import type { Prefix } from "../lab/address";
import { sameLibvirt } from "../../lib/hostPlace";
import { onSegment, ordinalOf } from "../lab/hosts";
import type { LibvirtHost, NetworkName, RemoteHost } from "../lab/types";
import type { AddressPlan } from "./addressPlan";
import type { Config } from "./schema";
import { bareKey } from "./schemaMachine";
import { given } from "./serviceDefaults";

type ListedHost = NonNullable<Config["hosts"]>[number];

export type HostDraft = Partial<ListedHost> & {
  readonly name: string;
  /** See ordinalOf. */
  readonly ordinal: number;
  readonly libvirtUri: string;
};

/** The hosts as configured, by either form. */
export function hostsOf({
  hosts,
  libvirtUri,
  remoteHostKey,
  clientNetwork,
  serverNetwork,
  last,
}: Config): HostDraft[] {
  const bridges = given({ client: clientNetwork.bridge, server: serverNetwork.bridge });
  if (hosts === undefined) return [{ name: "", ordinal: 0, libvirtUri, hostKey: remoteHostKey, bridges }];
  const ordinals = ordinalsOf(hosts, last?.hosts);
  return hosts.map((each, index) => {
    const ordinal = ordinals[index] ?? index;
    return { ...each, ordinal, name: each.name ?? `host${ordinal + 1}` };
  });
}

/** @param last the hosts as they were: one of them is the same by its libvirt, or else by its name, or its place if it has none */
function ordinalsOf(hosts: readonly ListedHost[], last: readonly LibvirtHost[] | undefined): number[] {
  if (last === undefined) return hosts.map((_host, index) => index);
  const same = hosts.map(({ libvirtUri }) => last.find((each) => sameLibvirt(each.libvirtUri, libvirtUri)));
  const others = new Set(last.filter((each) => !same.includes(each)));
  let newest = Math.max(...last.map((each) => ordinalOf({ hosts: last }, each)));
  return hosts.map(({ name }, index) => {
    const former =
      same[index] ??
      [...others].find((each) => (name === undefined ? each === last[index] : each.name === name));
    if (former !== undefined) others.delete(former);
    return former === undefined ? (newest += 1) : ordinalOf({ hosts: last }, former);
  });
}

/** Keys that describe the one host of a lab without `hosts`, and the same keys of a listed host. */
const LISTED = {
  libvirtUri: "libvirtUri",
  remoteHostKey: "hostKey",
  "clientNetwork.bridge": "bridges.client",
  "serverNetwork.bridge": "bridges.server",
  "clientNetwork.hostAddress": "clientAddress",
  "serverNetwork.hostAddress": "serverAddress",
} as const;
export type HostKey = keyof typeof LISTED;

export const isHostKey = (key: string): key is HostKey => key in LISTED;

/** The key of a listed host in the place of the one host's. */
export const listedKey = (key: HostKey, index: number): string => `hosts[${index}].${LISTED[key]}`;

/** The key of a host, in the form in which it is configured. */
export const hostKeyOf = ({ hosts }: Config, index: number, key: HostKey): string =>
  hosts === undefined ? key : listedKey(key, index);

/** Only a URI with SSH names a host through which the guests can be reached. */
export function remoteOf({ libvirtUri, hostKey }: HostDraft): RemoteHost | undefined {
  const match = /^qemu\+ssh:\/\/(?:([^@/]+)@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/[^?]*\??(.*)$/.exec(libvirtUri);
  const host = match?.[2];
  if (host === undefined) return undefined;
  // libvirt takes a plus as one.
  const keyFile = new URLSearchParams(match?.[4]?.replaceAll("+", "%2B")).get("keyfile");
  return {
    host: host.replace(/[[\]]/g, ""),
    user: match?.[1] ?? "root",
    port: Number(match?.[3] ?? 22),
    ...given({ hostKey: bareKey(hostKey) }),
    ...(keyFile !== null && { keyFile }),
  };
}

/** Addresses that are left on a segment when its nodes have theirs. */
type Free = Readonly<
  Record<NetworkName, { readonly prefix: Prefix; readonly plan: Pick<AddressPlan, "next"> }>
>;

/** @param first addresses of the one with the ordinal 0 */
export function resolveHosts(
  config: Config,
  first: Readonly<Record<NetworkName, string>>,
  free: Free,
): readonly [LibvirtHost, ...LibvirtHost[]] {
  const addressOn = (network: NetworkName, ordinal: number): string =>
    free[network].plan.next(free[network].prefix.size - 1 - ordinal) ?? NO_ADDRESS;
  return hostsOf(config).map((host, index): LibvirtHost => {
    const { name, ordinal, libvirtUri, bridges, underlay } = host;
    const on = (network: NetworkName, own: string | undefined): LibvirtHost["segments"]["client"] =>
      onSegment({
        hostAddress: ordinal === 0 ? first[network] : (own ?? addressOn(network, ordinal)),
        ...given({ existingBridge: bridges?.[network] }),
      });
    return given({
      name,
      ordinal: ordinal === index ? undefined : ordinal,
      libvirtUri,
      remote: remoteOf(host),
      segments: { client: on("client", host.clientAddress), server: on("server", host.serverAddress) },
      underlay,
    }) as LibvirtHost;
  }) as unknown as readonly [LibvirtHost, ...LibvirtHost[]];
}

/** Stands where a network has no address left; the invariants then say that the network is too small. */
export const NO_ADDRESS = "0.0.0.0";

/**
 * The host of the guest at that place of its role; undefined for the first, where all are that say nothing else.
 * @param place from 0: of a real server by the number in which its name ends, so that it stays where it is when another one goes
 */
export function placed(config: Config, host: string | undefined, place = 0): string | undefined {
  const names = hostsOf(config).map(({ name }) => name);
  const at = host ?? names[place % names.length];
  return at === names[0] ? undefined : at;
}

/** See `placed`. */
export function placeOf(name: string, index: number): number {
  const number = Number(/\d+$/.exec(name)?.[0] ?? index + 1);
  return Math.max(0, number - 1);
}
