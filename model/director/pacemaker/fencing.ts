/** How a director has the other one powered off and on: fence_virtd on the host, for this lab's directors alone. */
import { createHash } from "node:crypto";
import { hostOf } from "../../lab/hosts";
import type { Lab } from "../../lab/types";
import { pairOf } from "../connectionSync";

/** fence_virtd's, of TCP. */
const PORT = 1229;
/** On a director, and in the daemon's directory on the host. */
export const FENCE_KEY = "/etc/lvs-dr/fence.key";

/** Whether somebody on the host has power over the directors. */
export const hasFencing = ({ highAvailability }: Pick<Lab, "highAvailability">): boolean =>
  highAvailability?.manager === "pacemaker";

/** Where the directors reach it: on the server segment, and nowhere else. */
export function fencePlace(lab: Lab): { readonly address: string; readonly port: number } {
  return { address: hostOf(lab, lab.directors[0]).segments.server.hostAddress, port: PORT };
}

/** One of the cluster's keys, from the lab's secret: 256 characters, as Corosync needs 128 bytes at least. */
export function clusterKey(lab: Pick<Lab, "authority">, what: "corosync" | "fence"): string {
  const { secret = "" } = lab.authority ?? {};
  return ["a", "b"]
    .map((part) => createHash("sha512").update(`${what} ${part} ${secret}`).digest("hex"))
    .join("");
}

const line = (depth: number, text: string): string => `${"  ".repeat(depth)}${text}`;

/**
 * fence_virt.conf. Only who has the key and one of these addresses is heard, and only of these domains: whatever is asked of another one,
 * its status too, is denied.
 * @param key file of the key
 */
export function renderFenceVirtd(lab: Lab, key: string): string {
  const { address, port } = fencePlace(lab);
  return [
    "# Written by the lab.",
    "fence_virtd {",
    line(1, 'listener = "tcp";'),
    line(1, 'backend = "libvirt";'),
    "}",
    "listeners {",
    line(1, "tcp {"),
    line(2, `address = "${address}";`),
    line(2, `port = "${port}";`),
    line(2, 'family = "ipv4";'),
    line(2, `key_file = "${key}";`),
    line(1, "}"),
    "}",
    "backends {",
    line(1, "libvirt {"),
    line(2, `uri = "${hostOf(lab, lab.directors[0]).libvirtUri}";`),
    line(1, "}"),
    "}",
    "groups {",
    line(1, "group {"),
    line(2, `name = "${lab.prefix}";`),
    ...lab.directors.flatMap(({ address: own, domain }) => [
      line(2, `ip = "${own}";`),
      line(2, `uuid = "${domain}";`),
    ]),
    line(1, "}"),
    "}",
    "",
  ].join("\n");
}

/** Directory of the daemon, relative to the program's, for scripts/host/fence.sh. */
export const fencingPlace = ({ stack }: Pick<Lab, "stack">): string => `.lab/${stack}/fencing`;

/** What that script reads: the key, and the configuration, in which its directory stands for DIRECTORY. */
export const fencingFiles = (lab: Lab): string =>
  `${clusterKey(lab, "fence")}\n${renderFenceVirtd(lab, "DIRECTORY/key")}`;

/** Longest that the standby waits before it has the active one powered off, seconds: where both could, the one with the VIPs is first. */
export const FENCE_DELAY = 2;

/** Milliseconds until a director is declared lost, with what Corosync needs to agree on it. */
export const lostMs = (lab: Lab): number => ((pairOf(lab).token ?? 0) * 11) / 5;
