/** Deterministic names, MAC addresses and digests: the same project and stack always give the same lab. */
import { sha256 } from "../../lib/text";

/** The project's name, as Pulumi.yaml has it. */
export const PROJECT = "lvs-dr";

/** Type of the resource with which the program records the lab that it has applied. */
export const APPLIED_LAB = "lvsdr:index:AppliedLab";

/** A stack's own cluster, of `index.ts`: its parts and its libvirt objects were named before a stack could have several, and keep their names. */
export const MAIN_CLUSTER = "cluster";

/** JSON with sorted keys, so that equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * Longest sanitised name: project, stack and a node's name (at most 63) make a domain of at most 145 characters, under every
 * limit of libvirt and file names, so that no stack's name is too long.
 */
const MAX_SLUG = 40;

/**
 * A name fit for libvirt domains, file names and host names. A name that had to be changed gets a digest of the
 * original, so that "a_b" and "a.b" stay apart.
 */
export function slug(name: string): string {
  const clean = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  if (clean === name && clean.length <= MAX_SLUG) return clean;
  const kept = clean.slice(0, MAX_SLUG - 9).replace(/-+$/, "");
  return `${kept === "" ? "stack" : kept}-${sha256(name).slice(0, 8)}`;
}

/** Prefix of every libvirt object of the stack, and the name of its own pool. */
export function prefixFor(project: string, stack: string): string {
  return `${slug(project)}-${slug(stack)}`;
}

/** Directory of the stack's own pool: where libvirt's pools live, with the labels and rights that confinement expects. */
export function poolPath(prefix: string): string {
  return `/var/lib/libvirt/images/${prefix}`;
}

/** Linux bridge of one segment: IFNAMSIZ leaves 15 characters, so a digest stands for project and stack. */
export function bridgeFor(project: string, stack: string, network: "client" | "server"): string {
  return `lv${sha256(`${project}/${stack}`).slice(0, 8)}${network[0]}`;
}

/** MAC of one NIC in QEMU's range; `taken` holds the lower-case MACs in use and gets the new one. */
export function macFor(
  project: string,
  stack: string,
  node: string,
  device: string,
  taken: Set<string>,
): string {
  for (let attempt = 0; ; attempt++) {
    // 24 bits are few enough for two NICs of one lab to collide now and then: ask again with a counter.
    const suffix = attempt === 0 ? "" : `/${attempt}`;
    const digest = sha256(`${project}/${stack}/${node}/${device}${suffix}`);
    const mac = `52:54:00:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}`;
    if (taken.has(mac)) continue;
    taken.add(mac);
    return mac;
  }
}
