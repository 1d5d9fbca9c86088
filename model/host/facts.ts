import { XMLParser } from "fast-xml-parser";
import { lengthOfNetmask } from "../lab/address";

/** What scripts/host/facts.sh finds out about the libvirt host. null and absent mean that it could not be asked: an empty list, that there is none. */

export interface HostInterface {
  readonly ifname: string;
  readonly mtu?: number;
  readonly addr_info?: readonly { readonly local?: string }[];
}

export interface HostRoute {
  /** "default", an address, or a network in CIDR form. */
  readonly dst: string;
  readonly dev?: string;
}

/** A libvirt object that exists already. */
export interface LibvirtObject {
  readonly name: string;
  /** "PROJECT/STACK" of the stack that made it, absent where it was none of ours. */
  readonly owner?: string | null;
}

export interface LibvirtNetwork extends LibvirtObject {
  readonly bridge?: string | null;
  readonly addresses?: readonly { readonly address: string; readonly prefix: number }[];
}

export interface LibvirtPool extends LibvirtObject {
  readonly active?: boolean;
  readonly path?: string | null;
}

export interface HostFacts {
  readonly interfaces?: readonly HostInterface[] | null;
  readonly routes?: readonly HostRoute[] | null;
  readonly libvirt?: {
    /** Why libvirt does not answer. */
    readonly error?: string | null;
    /** The command that starts it. */
    readonly start?: string | null;
    readonly domains?: readonly LibvirtObject[] | null;
    readonly networks?: readonly LibvirtNetwork[] | null;
    readonly pools?: readonly LibvirtPool[] | null;
    /** One that its network driver needs and makes too late. */
    readonly missingDirectory?: string | null;
    /** User that QEMU runs as, who must be able to walk to the image. */
    readonly qemuUser?: string | null;
  };
  readonly memory?: { readonly availableMiB?: number | null };
  readonly disk?: { readonly path?: string; readonly availableMiB?: number | null };
  /** Where the project's own guest image would be, if it is not built. */
  readonly missingImage?: string | null;
  /** The user's own image, when one is configured. */
  readonly image?: {
    readonly path: string;
    readonly kind: "file" | "directory" | "missing" | "other";
    /** As `qemu-img info` names it. */
    readonly format?: string | null;
    readonly sha256?: string | null;
    /** First directory on the way that QEMU's user cannot enter. */
    readonly untraversable?: string | null;
  };
  /** The private key that the guests are to be reached with, when one of the user's is used. */
  readonly privateKey?: {
    readonly path: string;
    readonly kind: "private" | "encrypted" | "public" | "missing" | "other";
    /** Permission bits as octal digits: "0600". */
    readonly mode?: string | null;
  };
  readonly kvm?: boolean;
  /** Verdict of the probe that boots a kernel under KVM. */
  readonly kvmProbe?: "works" | "fails" | null;
  readonly bridgeNetfilter?: boolean | null;
  /** iptables' policy of FORWARD. */
  readonly forwardPolicy?: string | null;
  /** Versions found, by tool: node, pulumi, libvirt, libvirt provider … */
  readonly versions?: Readonly<Record<string, string | null>>;
}

/** Whether a fact could be read. */
export function isKnown<T>(fact: T | null | undefined): fact is T {
  return fact !== null && fact !== undefined;
}

/** The same as the script prints it: descriptions of networks and pools are libvirt's XML, each below a line "@NAME". */
interface Printed extends Omit<HostFacts, "libvirt"> {
  readonly libvirt?: Omit<NonNullable<HostFacts["libvirt"]>, "networks" | "pools"> &
    Readonly<Partial<Record<"networks" | "pools" | "activePools", string | null>>>;
}

type Attributes = Readonly<Record<string, string>>;
interface Description {
  readonly network?: { readonly bridge?: readonly Attributes[]; readonly ip?: readonly Attributes[] };
  readonly pool?: { readonly target?: readonly { readonly path?: string }[] };
}

const XML = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "",
  parseTagValue: false,
  isArray: (tag) => ["bridge", "ip", "target"].includes(tag),
});

/** @param text what scripts/host/facts.sh has printed */
export function readFacts(text: string): HostFacts {
  const { libvirt, ...facts } = JSON.parse(text) as Printed;
  if (libvirt === undefined) return facts;
  const { networks, pools, activePools, ...rest } = libvirt;
  const active = new Set((activePools ?? "").split("\n"));
  return {
    ...facts,
    libvirt: {
      ...rest,
      networks: described(networks)?.map(([name, { network }]) => ({
        name,
        bridge: network?.bridge?.[0]?.name ?? null,
        addresses: (network?.ip ?? []).flatMap(({ address, family, prefix, netmask }) => {
          if (address === undefined || family === "ipv6") return [];
          return [{ address, prefix: Number(prefix ?? lengthOfNetmask(netmask ?? "") ?? 32) }];
        }),
      })),
      pools: described(pools)?.map(([name, { pool }]) => ({
        name,
        active: active.has(name),
        path: pool?.target?.[0]?.path ?? null,
      })),
    },
  };
}

function described(text: string | null | undefined): [name: string, description: Description][] | undefined {
  if (!isKnown(text)) return undefined;
  const [, ...parts] = `\n${text}`.split("\n@");
  return parts.map((part) => {
    const [name = "", ...lines] = part.split("\n");
    return [name, XML.parse(lines.join("\n")) as Description];
  });
}
