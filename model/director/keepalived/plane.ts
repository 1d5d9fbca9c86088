import { hasVrrp } from "../connectionSync";
import { startUnit } from "../../guest/script";
import { negotiates } from "../checkServices";
import type { ControlPlane } from "../controlPlane";
import { renderCheckers } from "./conf";
import type { VirtualService } from "../../lab/types";

const UNIT = "lvs-dr-keepalived.service";
const CHECKERS_PID = "/run/lvs-dr/keepalived-checkers.pid";

/** For what no formula covers: the daemon's own work, and the kernel's edit. */
const DAEMON_SECONDS = 2;

/** Seconds that one check of a server that is silent takes. */
const timeLimit = ({ checktype, checktimeout, negotiatetimeout }: VirtualService["check"]): number =>
  negotiates(checktype) ? negotiatetimeout : checktimeout;

/** keepalived's checkers: they ask all real servers at once, and change the table by what they find. */
export const KEEPALIVED: ControlPlane = {
  daemon: {
    name: "keepalived",
    unit: UNIT,
    // Of its processes the one that checks.
    stopChecks: `kill -STOP $(cat ${CHECKERS_PID})`,
    startChecks: `${startUnit(UNIT)}; kill -CONT $(cat ${CHECKERS_PID})`,
    file: "/etc/lvs-dr/keepalived.conf",
    told: "/run/lvs-dr/keepalived.told",
    forks: () => false,
    // The parent, the checkers, and VRRP.
    idle: ({ highAvailability, services }, titles) =>
      titles.length < (hasVrrp({ highAvailability }) ? 3 : 2) ? services[0] : undefined,
  },
  settings: (lab) => ({
    LVS_CHECKERS_CONF: renderCheckers(lab),
    LVS_JUDGED_SECONDS: String(
      Math.max(...lab.services.map((each) => KEEPALIVED.detectionSeconds(each, 1, lab))),
    ),
  }),
  // The silent do not wait for each other.
  detectionSeconds({ check, protocol }, silent = 1) {
    const { checktype, checkinterval, failurecount } = check;
    const still = silent > 0 || protocol === "udp" || checktype === "ping";
    const between = typeof checktype === "number" && still ? checkinterval * checktype : checkinterval;
    return (
      between +
      (failurecount - 1) * checkinterval +
      (still ? failurecount * timeLimit(check) : 0) +
      DAEMON_SECONDS
    );
  },
};
