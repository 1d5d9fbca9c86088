/** Who holds the VIPs: the host's half. The guest's is in scripts/guest/holders/. */
import { familyOf, type Family } from "../lab/address";
import type { Lab, LabNode } from "../lab/types";
import { nicOn } from "../lab/types";
import { VRRP } from "./vrrp/holder";

export interface VipHolder {
  /** Its systemd units on a director. */
  readonly units: readonly string[];
  /** Sysctls of a director beside those of Direct Routing, as /proc/sys prints them. */
  readonly sysctls: (lab: Lab) => Readonly<Record<string, string>>;
  /** Settings of its script on a director. */
  readonly settings: (lab: Lab, director: LabNode) => Readonly<Record<string, string>>;
  /** MAC at which the VIPs of a family are while that director holds them. */
  readonly mac: (lab: Lab, director: LabNode, family: Family) => string;
  /** Device that the VIPs of a family are on while that director holds them. */
  readonly device: (lab: Lab, director: LabNode, family: Family) => string;
}

/** The one director. */
const FIXED: VipHolder = {
  units: [],
  sysctls: () => ({}),
  settings: () => ({}),
  mac: (_lab, director) => nicOn(director, "server").mac,
  device: (_lab, director) => nicOn(director, "server").device,
};

export function vipHolder({ highAvailability }: Pick<Lab, "highAvailability">): VipHolder {
  return highAvailability === undefined ? FIXED : VRRP;
}

/** MAC at which a VIP is, the first director being the one that holds it. */
export function vipMac(lab: Lab, vip: string): string {
  return vipHolder(lab).mac(lab, lab.directors[0], familyOf(vip));
}
