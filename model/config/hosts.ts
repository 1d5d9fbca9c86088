/** From the configured hosts to the lab's: their addresses on the segments, and who is where. */
import type { Prefix } from "../lab/address";
import { onSegment } from "../lab/hosts";
import type { LabNetwork, LibvirtHost, NetworkName, RemoteHost } from "../lab/types";
import type { AddressPlan } from "./addressPlan";
import type { Config } from "./schema";
import { bareKey } from "./schemaMachine";
import { given } from "./serviceDefaults";

export type HostDraft = Partial<NonNullable<Config["hosts"]>[number]> & {
  readonly name: string;
  readonly libvirtUri: string;
};

/** The hosts as configured, by either form. */
export function hostsOf({
  hosts,
  libvirtUri,
  remoteHostKey,
  clientNetwork,
  serverNetwork,
}: Config): HostDraft[] {
  const bridges = given({ client: clientNetwork.bridge, server: serverNetwork.bridge });
  if (hosts === undefined) return [{ name: "", libvirtUri, hostKey: remoteHostKey, bridges }];
  return hosts.map((each, index) => ({ ...each, name: each.name ?? `host${index + 1}` }));
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
  const keyFile = new URLSearchParams(match?.[4]).get("keyfile");
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

/** @param segments of the first host */
export function resolveHosts(
  config: Config,
  segments: Readonly<Record<NetworkName, LabNetwork>>,
  free: Free,
): readonly [LibvirtHost, ...LibvirtHost[]] {
  const addressOn = (network: NetworkName, place: number): string =>
    free[network].plan.next(free[network].prefix.size - 1 - place) ?? NO_ADDRESS;
  return hostsOf(config).map((host, index): LibvirtHost => {
    const { name, libvirtUri, bridges, underlay } = host;
    const on = (network: NetworkName, own: string | undefined): LibvirtHost["segments"]["client"] =>
      onSegment({
        hostAddress: index === 0 ? segments[network].hostAddress : (own ?? addressOn(network, index)),
        ...given({ existingBridge: bridges?.[network] }),
      });
    return given({
      name,
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
