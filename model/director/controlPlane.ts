/** Who keeps the kernel's table on a director: the host's half of `director.mode`. The guest's is in scripts/guest/planes/. */
import type { DirectorMode, Lab } from "../lab/types";
import { LDIRECTORD } from "./ldirectord/plane";
import { STATIC } from "./static/plane";

export interface ControlPlane {
  /** Whether it checks real servers: takes out the dead, brings the sorry server in, and sets connection thresholds. */
  readonly checks: boolean;
  /** Its systemd units on a director. */
  readonly units: readonly string[];
  /** Settings of its script in the guest. */
  readonly settings: (lab: Lab) => Readonly<Record<string, string>>;
  /** Its configuration, which the host's own copy of it can read beforehand; absent where there is nothing to read. */
  readonly configuration?: (lab: Lab) => string;
}

const PLANES: Readonly<Record<DirectorMode, ControlPlane>> = { static: STATIC, ldirectord: LDIRECTORD };

export function controlPlane({ mode }: Pick<Lab, "mode">): ControlPlane {
  return PLANES[mode];
}

/** Settings of every plane's script: a guest has them all, for the chosen one to follow another. */
export function planeSettings(lab: Lab): Readonly<Record<string, string>> {
  const none = Object.values(PLANES).flatMap(({ settings }) => Object.keys(settings(lab)));
  return { ...Object.fromEntries(none.map((name) => [name, ""])), ...controlPlane(lab).settings(lab) };
}
