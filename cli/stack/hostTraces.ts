/** What libvirt makes on its host for a guest besides the objects that it lists. */
import { closeSync, openSync, readSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { exec } from "../../lib/process";
import { poolPath } from "../../model/lab/naming";
import { contents } from "./stackDirectory";
import type { StackNames, Virsh } from "./virsh";

/** Where a system libvirt keeps things. */
export interface HostDirectories {
  readonly images: string;
  readonly logs: string;
  readonly dnsmasq: string;
}

export const HOST_DIRECTORIES: HostDirectories = {
  images: dirname(poolPath("any")),
  logs: "/var/log/libvirt/qemu",
  dnsmasq: "/var/lib/libvirt/dnsmasq",
};

export interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  /** The bridge that it belongs to. */
  readonly master?: string;
}

/** Index of interfaces by name. */
export type Taps = ReadonlyMap<string, number>;

export async function links(): Promise<Link[]> {
  const { code, stdout, stderr } = await exec("ip", ["-j", "link", "show"]);
  if (code !== 0) throw new Error(`ip link: ${stderr.trim()}`);
  return JSON.parse(stdout) as Link[];
}

/** This host's ends of running guests' interfaces. */
export async function tapsOf(virsh: Virsh, domains: Iterable<string>): Promise<Taps> {
  const lists = await Promise.all([...domains].map((name) => virsh.run("domiflist", name).catch(() => "")));
  // A guest that does not run has "-" there.
  const names = lists.flatMap((list) => list.split("\n").map((line) => line.trim().split(/\s+/)[0] ?? ""));
  if (names.length === 0) return new Map();
  const own = (await links()).filter(({ ifname }) => names.includes(ifname));
  return new Map(own.map(({ ifname, ifindex }) => [ifname, ifindex]));
}

/** What a log begins with holds QEMU's arguments. */
const LOG_HEAD = 256 * 1024;

function head(file: string): string {
  const buffer = Buffer.alloc(LOG_HEAD);
  const descriptor = openSync(file, "r");
  try {
    return buffer.toString("utf8", 0, readSync(descriptor, buffer, 0, LOG_HEAD, 0));
  } finally {
    closeSync(descriptor);
  }
}

function forbidden(error: unknown): boolean {
  return ["EACCES", "EPERM", "ENOENT", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/**
 * Removes QEMU's logs of a stack's guests, which libvirt leaves behind: those of the guests that are known, and those of
 * others, long gone from the configuration, whose disk was in the stack's pool.
 * @returns those that could not be removed; none where this user may not, since nobody expects it then
 */
export function removeLogs(
  { prefix, domains }: Pick<StackNames, "prefix" | "domains">,
  { logs }: HostDirectories = HOST_DIRECTORIES,
): string[] {
  const failed: string[] = [];
  for (const name of contents(logs)) {
    const guest = /^(.*)\.log(\.\d+)?$/.exec(name)?.[1];
    if (guest === undefined || !guest.startsWith(`${prefix}-`)) continue;
    const file = join(logs, name);
    try {
      // The stack dev-2 has guests whose names begin like those of dev.
      if (domains.includes(guest) || head(file).includes(`${poolPath(prefix)}/`)) rmSync(file);
    } catch (error) {
      if (!forbidden(error)) failed.push(`file ${file} (${(error as Error).message})`);
    }
  }
  return failed;
}
