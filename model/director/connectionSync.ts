/** IPVS' connection sync between two directors, whoever decides which of them holds the VIPs. */
import type { HighAvailability, Lab, LabNode } from "../lab/types";

/** @throws Error for a lab with one director */
export function pairOf({ highAvailability, stack }: Lab): HighAvailability {
  if (highAvailability === undefined) throw new Error(`${stack} has one director`);
  return highAvailability;
}

/** Whether keepalived decides between two directors: one process then has its checks too. */
export const hasVrrp = ({ highAvailability }: Pick<Lab, "highAvailability">): boolean =>
  highAvailability?.manager === "keepalived";

/** Seconds after which a connection that talks is told of again. */
export const SYNC_REFRESH = 10;

/** A connection is told of at once, and again and again. With `backup_only` a director on which both sync daemons run would forward nothing. */
export function syncSysctls(lab: Lab): Readonly<Record<string, string>> {
  const { sync } = pairOf(lab);
  const own = {
    daemon: {
      backup_only: "0",
      sync_threshold: "0\t0",
      sync_refresh_period: String(SYNC_REFRESH),
      sync_retries: "2",
    },
    // A connection that only the other director knows is taken up by any of its packets.
    hash: { sloppy_tcp: "1" },
    off: {},
  }[sync];
  return Object.fromEntries(Object.entries(own).map(([key, value]) => [`net.ipv4.vs.${key}`, value]));
}

/** What scripts/guest/holders/sync.sh reads. */
export function syncSettings(lab: Lab, director: LabNode): Readonly<Record<string, string>> {
  return {
    LVS_SYNC_ID: pairOf(lab).sync === "daemon" ? String(pairOf(lab).virtualRouterId) : "",
    LVS_PEER: lab.directors.find(({ name }) => name !== director.name)?.address ?? "",
    LVS_HA_SYSCTLS: Object.entries(syncSysctls(lab))
      .map(([key, value]) => `${key}=${value}`)
      .join("\n"),
  };
}
