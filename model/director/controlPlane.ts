/** Who keeps the kernel's table on a director: the host's half of `director.mode`. The guest's is in scripts/guest/planes/. */
import type { DirectorMode, Lab, VirtualService } from "../lab/types";
import { KEEPALIVED } from "./keepalived/plane";
import { LDIRECTORD } from "./ldirectord/plane";
import { STATIC } from "./static/plane";

/** A daemon that checks real servers: takes out the dead, brings the sorry server in, and sets connection thresholds. */
export interface CheckerDaemon {
  /** As messages call it. */
  readonly name: string;
  /** Its systemd unit on a director. */
  readonly unit: string;
  /** Its configuration file on a director. */
  readonly file: string;
  /** A file there that is as old as the last configuration that it was told to read. */
  readonly told: string;
  /** Bash on a director that ends its checks and leaves what else its unit does alone, and bash that begins them again. */
  readonly stopChecks: string;
  readonly startChecks: string;
  /** Whether each service has a process of its own, which a new configuration replaces. */
  readonly forks: (lab: Lab) => boolean;
  /** A service that none of its processes checks; undefined: there is none. */
  readonly idle: (lab: Lab, titles: readonly string[]) => VirtualService | undefined;
}

export interface ControlPlane {
  /** Absent where nobody checks real servers. */
  readonly daemon?: CheckerDaemon;
  /** Settings of its script in the guest. */
  readonly settings: (lab: Lab) => Readonly<Record<string, string>>;
  /** Its configuration, which the host's own copy of it can read beforehand; absent where there is nothing to read. */
  readonly configuration?: (lab: Lab) => string;
  /**
   * Seconds within which a dead real server is out of the table, when `silent` of the lab's real servers (1) answer nothing: they accept and say
   * no more, or are gone from the wire. 0: only the one is dead, and its port refuses.
   */
  readonly detectionSeconds: (
    service: VirtualService,
    silent?: number,
    lab?: Pick<Lab, "ldirectord" | "services">,
  ) => number;
}

const PLANES: Readonly<Record<DirectorMode, ControlPlane>> = {
  static: STATIC,
  ldirectord: LDIRECTORD,
  keepalived: KEEPALIVED,
};

export function controlPlane({ mode }: Pick<Lab, "mode">): ControlPlane {
  return PLANES[mode];
}

/** Settings of every plane's script: a guest has them all, for the chosen one to follow another. */
export function planeSettings(lab: Lab): Readonly<Record<string, string>> {
  const none = Object.values(PLANES).flatMap(({ settings }) => Object.keys(settings(lab)));
  return { ...Object.fromEntries(none.map((name) => [name, ""])), ...controlPlane(lab).settings(lab) };
}
