/** What scripts/host/facts.sh prints about the libvirt host. null and absent mean that it could not be asked: an empty list, that there is none. */

export interface HostInterface {
  readonly ifname: string;
  readonly mtu?: number;
  readonly addr_info?: readonly {
    readonly family?: string;
    readonly local?: string;
    readonly prefixlen?: number;
  }[];
}

export interface HostRoute {
  /** "default", an address, or a network in CIDR form. */
  readonly dst: string;
  readonly dev?: string;
}

/** A libvirt object that exists already. A bare name is one whose owner is unknown. */
export interface LibvirtObject {
  readonly name: string;
  /** "PROJECT/STACK" of the stack that made it, absent where it was none of ours. */
  readonly owner?: string | null;
  readonly active?: boolean;
}

export interface LibvirtNetwork extends LibvirtObject {
  readonly bridge?: string | null;
  readonly addresses?: readonly { readonly address: string; readonly prefix: number }[];
}

export interface LibvirtPool extends LibvirtObject {
  readonly path?: string | null;
}

export interface HostFacts {
  readonly interfaces?: readonly HostInterface[] | null;
  readonly routes?: readonly HostRoute[] | null;
  readonly libvirt?: {
    readonly uri?: string;
    /** Why libvirt does not answer. */
    readonly error?: string | null;
    /** The command that starts it. */
    readonly start?: string | null;
    readonly domains?: readonly (string | LibvirtObject)[] | null;
    readonly networks?: readonly LibvirtNetwork[] | null;
    readonly pools?: readonly LibvirtPool[] | null;
    readonly version?: string | null;
    /** One that its network driver needs and makes too late. */
    readonly missingDirectory?: string | null;
    /** User that QEMU runs as, who must be able to walk to the image. */
    readonly qemuUser?: string | null;
  };
  readonly memory?: { readonly totalMiB?: number | null; readonly availableMiB?: number | null };
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
