/** Two directors, of which keepalived chooses the holder of the VIPs by VRRP version 3; IPVS' connection sync follows it. */
import { ADVERT_INTERVAL } from "../../config/schemaHighAvailability";
import { Address, familyOf, hostPrefix, type Family } from "../../lab/address";
import { nicOn, vipsOf, type Lab, type LabNode } from "../../lab/types";
import { pairOf, syncSettings, syncSysctls } from "../connectionSync";
import type { VipHolder } from "../vipHolder";

/** Seconds after which the preferred director takes the VIPs back: by then it was told of every connection that talks. */
const PREEMPT_DELAY = 60;

/** The router's neighbour entry is permanent under that strategy: VIPs must keep their MAC when they move. */
function hasVirtualMac({ arpStrategy }: Lab): boolean {
  return arpStrategy === "static";
}

/** RFC 9568: virtual routers of one ID are two, one a family, and so are their MACs. */
function virtualDevice(lab: Lab, family: Family): string {
  return `vrrp${pairOf(lab).virtualRouterId}${family === 6 ? "v6" : ""}`;
}

function virtualMac(lab: Lab, family: Family): string {
  const id = pairOf(lab).virtualRouterId.toString(16).padStart(2, "0");
  return `00:00:5e:00:0${family === 6 ? 2 : 1}:${id}`;
}

/** The address of the virtual router itself, which its adverts of IPv6 begin with: by RFC 9568 link-local, here by its MAC. */
function linkLocal(lab: Lab): string {
  return String(Address.parse("fe80::200:5eff:fe00:200").plus(pairOf(lab).virtualRouterId));
}

const vipsOfFamily = (lab: Lab, family: Family): string[] =>
  vipsOf(lab).filter((vip) => familyOf(vip) === family);

const instance = (family: Family): string => (family === 6 ? "VI_6" : "VI_1");

/**
 * Adverts in a row that the standby misses before it takes over: VRRP's 3, and up to 8 as long as that is 0.8 s at most. A guest without KVM stands still
 * for more than 0.3 s now and then, and takes over for nothing.
 */
export function missedAdverts(interval: number): number {
  return Math.min(8, Math.max(3, Math.round(0.8 / interval)));
}

/** What an instance holds: the first is in its adverts. */
function heldOf(lab: Lab, family: Family): string[] {
  const vips = vipsOfFamily(lab, family);
  return family === 6 && vips.length > 0 ? [linkLocal(lab), ...vips] : vips;
}

/**
 * One instance. One address alone is in the adverts: a standby that knows more of the others than the active director, while an `up` adds one,
 * would take its adverts for somebody else's.
 */
function renderInstance(lab: Lab, director: LabNode, family: Family, tracked: readonly string[]): string[] {
  const { advertInterval = ADVERT_INTERVAL, virtualRouterId, failback, priorities } = pairOf(lab);
  const { device } = nicOn(director, "server");
  const [first, ...others] = heldOf(lab, family).map(
    (vip) => hostPrefix(vip) + (hasVirtualMac(lab) ? "" : ` dev ${device}`),
  );
  return [
    `vrrp_instance ${instance(family)} {`,
    "  state BACKUP",
    failback === "manual" ? "  nopreempt" : `  preempt_delay ${PREEMPT_DELAY}`,
    `  interface ${device}`,
    ...(hasVirtualMac(lab) ? [`  use_vmac ${virtualDevice(lab, family)}`] : []),
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
    ...tracked,
    "}",
  ];
}

/** keepalived.conf of one director: an instance has VIPs of one family, and those of both families move together. */
export function renderKeepalived(lab: Lab, director: LabNode): string {
  const { device } = nicOn(director, "server");
  const families = ([4, 6] as const).filter((family) => vipsOfFamily(lab, family).length > 0);
  const together = families.length > 1;
  const tracked = ["  track_script {", "    router", "  }"];
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
    ...(together
      ? [
          "vrrp_sync_group vips {",
          "  group {",
          ...families.map((each) => `    ${instance(each)}`),
          "  }",
          ...tracked,
          "}",
        ]
      : []),
    ...families.flatMap((family) => renderInstance(lab, director, family, together ? [] : tracked)),
  ];
  return `${lines.join("\n")}\n`;
}

function deviceOf(lab: Lab, director: LabNode, family: Family): string {
  return hasVirtualMac(lab) ? virtualDevice(lab, family) : nicOn(director, "server").device;
}

const UNIT = "lvs-dr-keepalived.service";
/** Its state as it says it itself: scripts/guest/holders/keepalived.sh. */
const STATE = "/run/lvs-dr/vrrp";

export const VRRP: VipHolder = {
  manager: "keepalived",
  packages: [],
  units: [UNIT],
  sysctls: syncSysctls,
  settings: (lab, director) => ({
    LVS_KEEPALIVED_CONF: renderKeepalived(lab, director),
    LVS_HELD: ([4, 6] as const)
      .flatMap((family) => heldOf(lab, family))
      .map((vip) => `${deviceOf(lab, director, familyOf(vip))}=${hostPrefix(vip)}`)
      .join(" "),
    ...syncSettings(lab, director),
  }),
  mac: (lab, director, family) =>
    hasVirtualMac(lab) ? virtualMac(lab, family) : nicOn(director, "server").mac,
  device: deviceOf,
  startSeconds: 0,
  takeoverMs: (lab) => {
    const { advertInterval = ADVERT_INTERVAL } = pairOf(lab);
    // Beside the adverts that are missed a part of one, which is shorter the higher the priority is.
    return Math.max(1000, Math.round((missedAdverts(advertInterval) + 1) * advertInterval * 1000) + 100);
  },
  handoverMs: () => 250,
  // It says that it ends, at which the other one takes over at once, and is the standby then.
  move: () => `systemctl restart --no-block ${UNIT}`,
  moveSeconds: 15,
  // While the unit stops, its last word is still there.
  state: `systemctl is-active -q ${UNIT} && cat ${STATE}`,
  elections: `journalctl -u ${UNIT} -o cat --no-pager | grep -c 'Entering MASTER STATE' || true`,
  // Its VRRP process first: the death of the other one is a SIGTERM to it, at which it would give the VIP up in order.
  kill: "kill -9 $(cat /run/lvs-dr/keepalived-vrrp.pid) $(cat /run/lvs-dr/keepalived.pid)",
  deaf: `nft 'table inet lvsdr_drill { chain input { type filter hook input priority -10; meta l4proto 112 drop; }; }'`,
  hearing: "do they hear each other's adverts (tcpdump -nn proto 112)?",
};
