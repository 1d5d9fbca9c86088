/** The hosts whose libvirt has a lab's guests. */
import { Address } from "./address";
import { guestsOf, labNodes, type Lab, type LabNetwork, type LabNode, type LibvirtHost } from "./types";

/** libvirt of the host that the program runs on. */
export const LIBVIRT_URI = "qemu:///system";

/** What a host has of its own on a segment. */
export const onSegment = ({
  hostAddress,
  existingBridge,
}: Pick<LabNetwork, "hostAddress" | "existingBridge">): LibvirtHost["segments"]["client"] => ({
  hostAddress,
  ...(existingBridge !== undefined && { existingBridge }),
});

type Hosts = { readonly hosts: readonly LibvirtHost[] };

/**
 * A host's number among all that the stack has had, from 0. Its default name and addresses follow from it, and its resources' names: so they stay
 * when another host leaves, while its place in the list changes.
 */
export const ordinalOf = ({ hosts }: Hosts, { name, ordinal }: LibvirtHost): number =>
  ordinal ?? hosts.findIndex((each) => each.name === name);

/** What the names of a host's resources end in. The first one's bear no host's name: a lab may get a second host. */
export const suffixOf = (lab: Hosts, host: LibvirtHost): string =>
  ordinalOf(lab, host) === 0 ? "" : `-${host.name}`;

/** The host that a guest is on. */
export function hostOf({ hosts }: Pick<Lab, "hosts">, { host }: Pick<LabNode, "host">): LibvirtHost {
  return hosts.find(({ name }) => name === host) ?? hosts[0];
}

/**
 * The lab as one of its hosts sees it: with its libvirt, its addresses and its guests alone. A role may be without a node there.
 */
export function labAt(lab: Lab, host: LibvirtHost): Lab {
  if (lab.hosts.length === 1) return lab;
  const here = <T extends readonly LabNode[]>(nodes: T): T =>
    nodes.filter((node) => node.ssh === undefined && hostOf(lab, node) === host) as unknown as T;
  const { client, server } = lab.segments;
  return {
    ...lab,
    hosts: [host],
    segments: {
      client: { ...client, ...host.segments.client },
      server: { ...server, ...host.segments.server },
    },
    clients: here(lab.clients),
    routers: here(lab.routers),
    directors: here(lab.directors),
    realServers: here(lab.realServers),
  };
}

/** The lab as each of its hosts sees it. */
export const labsByHost = (lab: Lab): Lab[] => lab.hosts.map((host) => labAt(lab, host));

/** Of a guest of several hosts, its host's name; undefined for others. */
export function hostNameOf(
  lab: Pick<Lab, "hosts">,
  node: Pick<LabNode, "host" | "ssh" | "here">,
): string | undefined {
  return lab.hosts.length > 1 && node.ssh === undefined && node.here !== true
    ? hostOf(lab, node).name
    : undefined;
}

/** What a stack's outputs say of the nodes. */
export function nodesByName(lab: Lab): Record<string, Pick<LabNode, "role" | "address" | "host">> {
  const entries = labNodes(lab).map((node) => {
    const { name, role, address } = node;
    const host = hostNameOf(lab, node);
    return [name, { role, address, ...(host !== undefined && { host }) }] as const;
  });
  return Object.fromEntries(entries);
}

/** Names of the guests of each of several hosts; of one there is nothing to tell. */
export const placement = (lab: Lab): { readonly name: string; readonly guests: readonly string[] }[] =>
  lab.hosts.length === 1
    ? []
    : labsByHost(lab).map((there) => ({
        name: there.hosts[0].name,
        guests: guestsOf(there).map(({ name }) => name),
      }));

/** What to call a host in a sentence. */
export const hostTitle = ({ name }: Pick<LibvirtHost, "name">): string => (name === "" ? "the host" : name);

/** Bytes that VXLAN puts before each frame: Ethernet, VXLAN, UDP, and IP of the underlay's family. */
export function vxlanOverhead(underlay: string): number {
  return Address.read(underlay)?.family === 6 ? 70 : 50;
}
