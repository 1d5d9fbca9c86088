import type { Lab } from "../../lab/types";
import type { ControlPlane } from "../controlPlane";
import { ldirectordFor, renderLdirectord } from "./ldirectord";
import { renderTls } from "./tls";

const configuration = (lab: Lab): string => renderLdirectord(ldirectordFor(lab));

/** Checks the real servers, and changes the table by what it finds. */
export const LDIRECTORD: ControlPlane = {
  checks: true,
  units: ["lvs-dr-ldirectord.service"],
  settings: (lab) => ({ LVS_LDIRECTORD_CF: configuration(lab), LVS_LDIRECTORD_TLS: renderTls(lab) }),
  configuration,
};
