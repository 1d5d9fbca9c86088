/** Two directors, of which Pacemaker on Corosync chooses the holder of the VIPs; one that is lost is powered off and on first. */
import { hostPrefix } from "../../lab/address";
import { nicOn, vipsOf } from "../../lab/types";
import { pairOf, syncSettings, syncSysctls } from "../connectionSync";
import type { VipHolder } from "../vipHolder";
import { FIRST_VIP, PREEMPT_DELAY, renderCib, SETTLED, VIPS } from "./cib";
import { renderCorosync } from "./corosync";
import { clusterKey, FENCE_DELAY, fencePlace, lostMs } from "./fencing";

/** scripts/guest/holders/pacemaker.sh puts it there. */
const STATE = "/usr/local/lib/lvs-dr/cluster-state";

export const PACEMAKER: VipHolder = {
  manager: "pacemaker",
  packages: ["corosync", "fence-virt", "pacemaker", "pacemaker-cli-utils", "resource-agents"],
  units: ["corosync.service", "pacemaker.service"],
  sysctls: syncSysctls,
  settings: (lab, director) => {
    const { properties, resources, constraints } = renderCib(lab);
    const { device } = nicOn(director, "server");
    const { address, port } = fencePlace(lab);
    return {
      LVS_CLUSTER_CONF: renderCorosync(lab),
      LVS_CLUSTER_KEY: clusterKey(lab, "corosync"),
      LVS_FENCE_KEY: clusterKey(lab, "fence"),
      LVS_CIB_PROPERTIES: properties,
      LVS_CIB_RESOURCES: resources,
      LVS_CIB_CONSTRAINTS: constraints,
      LVS_ADDRESS: director.address,
      LVS_FENCE: `${address} ${port}`,
      LVS_ROUTER: lab.routers[0].address,
      LVS_SETTLED: pairOf(lab).failback === "automatic" ? `${SETTLED} ${PREEMPT_DELAY}` : "",
      LVS_HELD: vipsOf(lab)
        .map((vip) => `${device}=${hostPrefix(vip)}`)
        .join(" "),
      ...syncSettings(lab, director),
    };
  },
  mac: (_lab, director) => nicOn(director, "server").mac,
  device: (_lab, director) => nicOn(director, "server").device,
  // CLUSTER_SECONDS of that script.
  startSeconds: 200,
  // Until it is lost, the delay, its power, and the agents' own time.
  takeoverMs: (lab) => Math.ceil(lostMs(lab)) + FENCE_DELAY * 1000 + 5000,
  // An agent of a few shell commands takes most of it, ten times as long without KVM.
  handoverMs: () => 4000,
  // Banned until it is elsewhere.
  move: (name) =>
    `crm_resource -Q -r ${VIPS} --ban -N ${name} -u PT1M 2>/dev/null; ` +
    `SECONDS=0; while ((SECONDS < 40)) && ${STATE} | grep -q ^MASTER; do sleep 0.1; done; crm_resource -Q -r ${VIPS} --clear`,
  // Each step of an agent takes such a guest seconds.
  moveSeconds: 60,
  state: STATE,
  elections: `journalctl -b -u pacemaker -o cat --no-pager | grep -c 'Result of start operation for ${FIRST_VIP} on .*: ok' || true`,
  kill: "kill -9 $(pidof corosync pacemakerd pacemaker-based pacemaker-fenced pacemaker-execd pacemaker-attrd pacemaker-schedulerd pacemaker-controld)",
  deaf: `nft 'table inet lvsdr_drill { chain input { type filter hook input priority -10; udp dport 5405 drop; }; }'`,
  hearing: "do they hear each other (corosync-cfgtool -s)?",
};
