/** What each guest is sent: its role's script, with its settings. */
import { guestSettings, hasAlerts } from "./settings";
import { renderPayload, type Settings } from "./script";
import type { Lab, LabNode } from "../lab/types";

/** The text of a file of the project. */
export type ReadFile = (path: string) => string;

interface Role {
  /** Files below scripts/guest/ beside common.sh, in the order in which they are put together. */
  readonly scripts: readonly string[];
  /** What is a setting too, since it goes into a file of its own. */
  readonly programs?: (lab: Lab, read: ReadFile) => Settings;
}

const ROLES: Readonly<Record<LabNode["role"], Role>> = {
  client: { scripts: ["client.sh"] },
  router: { scripts: ["router.sh"] },
  realServer: { scripts: ["pages.sh", "guard.sh", "realServer.sh"] },
  director: {
    scripts: [
      "pages.sh",
      "alerts.sh",
      "declaredVips.sh",
      "planes/static.sh",
      "planes/ldirectord.sh",
      "director.sh",
    ],
    programs: (lab, read) => ({
      LVS_TABLE_PROGRAM: read("scripts/guest/ipvsTable.pl"),
      // The guest's ldirectord is asked as this host's is, in components/ldirectordProbe.ts.
      LVS_DRY_RUN: read("scripts/host/ldirectord-dry-run.sh"),
      LVS_DRY_RUN_MODULE: read("scripts/host/ldirectord-dry-run/DryRun.pm"),
      LVS_LDIRECTORD_MODULE: read("scripts/guest/ldirectord/Ldirectord.pm"),
      LVS_ALERTS: hasAlerts(lab) ? read("scripts/guest/ldirectord/alerts.pl") : "",
    }),
  },
};

/** @param node one of the lab's */
export function guestPayload(lab: Lab, node: LabNode, read: ReadFile): string {
  const { scripts, programs } = ROLES[node.role];
  return renderPayload(
    { ...guestSettings(lab, node), ...programs?.(lab, read) },
    ["common.sh", ...scripts].map((name) => read(`scripts/guest/${name}`)),
  );
}
