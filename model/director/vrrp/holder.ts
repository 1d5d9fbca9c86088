/** Two directors, of which keepalived chooses the holder of the VIPs by VRRP version 3; IPVS' connection sync follows it. */
import { hostPrefix } from "../../lab/address";
import { nicOn, vipsOf, type HighAvailability, type Lab, type LabNode } from "../../lab/types";
import type { VipHolder } from "../vipHolder";

const INSTANCE = "VI_1";

/** Seconds after which the preferred director takes the VIPs back: by then it was told of every connection that talks. */
const PREEMPT_DELAY = 60;

/** @throws Error for a lab with one director */
function pairOf({ highAvailability, stack }: Lab): HighAvailability {
  if (highAvailability === undefined) throw new Error(`${stack} has one director`);
  return highAvailability;
}

/** The router's neighbour entry is permanent under that strategy: VIPs must keep their MAC when they move. */
function hasVirtualMac({ arpStrategy }: Lab): boolean {
  return arpStrategy === "static";
}

const virtualDevice = (lab: Lab): string => `vrrp${pairOf(lab).virtualRouterId}`;

/** 00:00:5e:00:01 and the VRID: RFC 9568. */
function virtualMac(lab: Lab): string {
  return `00:00:5e:00:01:${pairOf(lab).virtualRouterId.toString(16).padStart(2, "0")}`;
}

/**
 * Adverts in a row that the standby misses before it takes over: VRRP's 3, and up to 8 as long as that is 0.8 s at most. A guest without KVM stands still
 * for more than 0.3 s now and then, and takes over for nothing.
 */
export function missedAdverts(interval: number): number {
  return Math.min(8, Math.max(3, Math.round(0.8 / interval)));
}

/**
 * keepalived.conf of one director. The first VIP alone is in the adverts: a standby that knows more of the others than the active director, while an
 * `up` adds one, would take its adverts for somebody else's.
 */
export function renderKeepalived(lab: Lab, director: LabNode): string {
  const { advertInterval, virtualRouterId, failback, priorities } = pairOf(lab);
  const { device } = nicOn(director, "server");
  const [first, ...others] = vipsOf(lab).map(
    (vip) => hostPrefix(vip) + (hasVirtualMac(lab) ? "" : ` dev ${device}`),
  );
  const lines = [
    "# Written by the lab.",
    "global_defs {",
    `  router_id ${director.name}`,
    "  vrrp_version 3",
    "  vrrp_garp_master_repeat 3",
    "  vrrp_garp_master_delay 1",
    "  vrrp_garp_master_refresh 10",
    // Else the router keeps the loser's MAC after a split until its entry is stale.
    "  vrrp_garp_lower_prio_repeat 3",
    "  vrrp_higher_prio_send_advert true",
    // Adverts in time on a busy machine. The limit counts a guest's processor as used while its host runs another guest: at 0.1 s it killed the process.
    "  vrrp_rt_priority 50",
    "  vrrp_rlimit_rttime 10000000",
    "  vrrp_no_swap",
    "  script_user root",
    "  enable_script_security",
    "  vrrp_notify_fifo /run/lvs-dr/vrrp.fifo",
    "  vrrp_notify_fifo_script /usr/local/lib/lvs-dr/vrrp-notify",
    "}",
    // Whoever does not reach the router gives the VIPs up, and is not preferred when it does again.
    "vrrp_script router {",
    `  script "/usr/bin/arping -q -c 1 -w 1 -I ${device} ${lab.routers[0].address}"`,
    "  interval 1",
    "  timeout 3",
    "  fall 3",
    "  rise 2",
    "  init_fail",
    "}",
    `vrrp_instance ${INSTANCE} {`,
    "  state BACKUP",
    failback === "manual" ? "  nopreempt" : `  preempt_delay ${PREEMPT_DELAY}`,
    `  interface ${device}`,
    ...(hasVirtualMac(lab) ? [`  use_vmac ${virtualDevice(lab)}`] : []),
    `  virtual_router_id ${virtualRouterId}`,
    `  priority ${priorities[director.name]}`,
    `  advert_int ${advertInterval}`,
    `  down_timer_adverts ${missedAdverts(advertInterval)}`,
    "  virtual_ipaddress {",
    `    ${first}`,
    "  }",
    ...(others.length === 0
      ? []
      : ["  virtual_ipaddress_excluded {", ...others.map((vip) => `    ${vip}`), "  }"]),
    "  track_script {",
    "    router",
    "  }",
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

/** A connection is told of at once, and again every 10 s. With `backup_only` a director on which both sync daemons run would forward nothing. */
function sysctls(lab: Lab): Readonly<Record<string, string>> {
  const { sync } = pairOf(lab);
  const own = {
    daemon: { backup_only: "0", sync_threshold: "0\t0", sync_refresh_period: "10", sync_retries: "2" },
    // A connection that only the other director knows is taken up by any of its packets.
    hash: { sloppy_tcp: "1" },
    off: {},
  }[sync];
  return Object.fromEntries(Object.entries(own).map(([key, value]) => [`net.ipv4.vs.${key}`, value]));
}

export const VRRP: VipHolder = {
  units: ["lvs-dr-keepalived.service"],
  sysctls,
  settings: (lab, director) => ({
    LVS_KEEPALIVED_CONF: renderKeepalived(lab, director),
    LVS_VMAC: hasVirtualMac(lab) ? virtualDevice(lab) : "",
    LVS_SYNC_ID: pairOf(lab).sync === "daemon" ? String(pairOf(lab).virtualRouterId) : "",
    LVS_PEER: lab.directors.find(({ name }) => name !== director.name)?.address ?? "",
    LVS_HA_SYSCTLS: Object.entries(sysctls(lab))
      .map(([key, value]) => `${key}=${value}`)
      .join("\n"),
  }),
  mac: (lab, director) => (hasVirtualMac(lab) ? virtualMac(lab) : nicOn(director, "server").mac),
  device: (lab, director) => (hasVirtualMac(lab) ? virtualDevice(lab) : nicOn(director, "server").device),
};
