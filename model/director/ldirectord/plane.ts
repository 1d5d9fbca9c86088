import type { Lab } from "../../lab/types";
import { startUnit } from "../../guest/script";
import type { ControlPlane } from "../controlPlane";
import { detectionSeconds } from "../detection";
import { ldirectordFor, renderLdirectord } from "./ldirectord";
import { ldirectordId, renderTls } from "./tls";

const UNIT = "lvs-dr-ldirectord.service";
const configuration = (lab: Lab): string => renderLdirectord(ldirectordFor(lab));

/** Checks the real servers, and changes the table by what it finds. */
export const LDIRECTORD: ControlPlane = {
  daemon: {
    name: "ldirectord",
    unit: UNIT,
    stopChecks: `systemctl stop ${UNIT}`,
    startChecks: startUnit(UNIT),
    file: "/etc/ha.d/ldirectord.cf",
    told: "/run/lvs-dr-reloaded",
    forks: ({ ldirectord }) => ldirectord.fork,
    idle: ({ ldirectord, services }, titles) =>
      ldirectord.fork
        ? services.find((service) => !titles.some((title) => title.includes(ldirectordId(service))))
        : undefined,
  },
  settings: (lab) => ({ LVS_LDIRECTORD_CF: configuration(lab), LVS_LDIRECTORD_TLS: renderTls(lab) }),
  configuration,
  detectionSeconds,
};
