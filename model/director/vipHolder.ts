/** Who holds the VIPs: the host's half. The guest's is in scripts/guest/holders/. */
import { familyOf, type Family } from "../lab/address";
import type { HighAvailability, Lab, LabNode } from "../lab/types";
import { nicOn } from "../lab/types";
import { PACEMAKER } from "./pacemaker/holder";
import { VRRP } from "./vrrp/holder";

export interface VipHolder {
  /** As messages call it; empty for the one director. */
  readonly manager: string;
  /** Debian packages that the stack's image has for it, beside those of every image. */
  readonly packages: readonly string[];
  /** Its systemd units on a director, in the order in which they start: to stop all of them in order is to give the VIPs up. */
  readonly units: readonly string[];
  /** Sysctls of a director beside those of Direct Routing, as /proc/sys prints them. */
  readonly sysctls: (lab: Lab) => Readonly<Record<string, string>>;
  /** Settings of its script on a director. */
  readonly settings: (lab: Lab, director: LabNode) => Readonly<Record<string, string>>;
  /** MAC at which the VIPs of a family are while that director holds them. */
  readonly mac: (lab: Lab, director: LabNode, family: Family) => string;
  /** Device that the VIPs of a family are on while that director holds them. */
  readonly device: (lab: Lab, director: LabNode, family: Family) => string;
  /** Longest that a director's `start` waits for it, seconds, beyond what every director's has to spare. */
  readonly startSeconds: number;
  /** Milliseconds within which the VIPs answer again, on a host with KVM: when the active director dies, and when it gives them up in order. */
  readonly takeoverMs: (lab: Lab) => number;
  readonly handoverMs: (lab: Lab) => number;
  /** Bash on the active director after which the other one holds the VIPs. */
  readonly move: (from: string) => string;
  /** Longest that it takes, seconds: guests without KVM stand still now and then. */
  readonly moveSeconds: number;
  /** Bash on a director: prints MASTER or BACKUP, and since when, once it is decided what that is. */
  readonly state: string;
  /** Bash on a director: prints how often it has become the active one since its boot. */
  readonly elections: string;
  /** Bash on a director: its processes end at once, and leave behind what they had. */
  readonly kill: string;
  /** Bash on a director, which no longer hears the other one; the table `inet lvsdr_drill` is taken away again. */
  readonly deaf: string;
  /** What to look at where both hold the VIPs. */
  readonly hearing: string;
}

/** The one director. */
const FIXED: VipHolder = {
  manager: "",
  packages: [],
  units: [],
  sysctls: () => ({}),
  settings: () => ({}),
  mac: (_lab, director) => nicOn(director, "server").mac,
  device: (_lab, director) => nicOn(director, "server").device,
  startSeconds: 0,
  takeoverMs: () => 0,
  handoverMs: () => 0,
  move: () => "false",
  moveSeconds: 0,
  state: "false",
  elections: "echo 0",
  kill: "false",
  deaf: "false",
  hearing: "",
};

const HOLDERS: Readonly<Record<HighAvailability["manager"], VipHolder>> = {
  keepalived: VRRP,
  pacemaker: PACEMAKER,
};

export function vipHolder({ highAvailability }: Pick<Lab, "highAvailability">): VipHolder {
  return highAvailability === undefined ? FIXED : HOLDERS[highAvailability.manager];
}

/** MAC at which a VIP is, the first director being the one that holds it. */
export function vipMac(lab: Lab, vip: string): string {
  return vipHolder(lab).mac(lab, lab.directors[0], familyOf(vip));
}
