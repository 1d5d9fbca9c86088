/** What each guest is sent: its role's script, with its settings. */
import { readFileSync } from "node:fs";
import { guestSettings, hasAlerts } from "./settings";
import { renderPayload, type Settings } from "./script";
import type { Lab, LabNode } from "../lab/types";

const files = new Map<string, string>();

/** A file's text; below the project's directory, in which the program runs. */
function read(file: string): string {
  let text = files.get(file);
  if (text === undefined) {
    text = readFileSync(`scripts/${file}`, "utf8");
    files.set(file, text);
  }
  return text;
}

interface Role {
  /** Files below scripts/guest/ beside common.sh, in the order in which they are put together. */
  readonly scripts: readonly string[];
  /** What is a setting too, since it goes into a file of its own. */
  readonly programs?: (lab: Lab) => Settings;
}

const ROLES: Readonly<Record<LabNode["role"], Role>> = {
  client: { scripts: ["client.sh"] },
  router: { scripts: ["router.sh"] },
  realServer: { scripts: ["pages.sh", "guard.sh", "realServer.sh"] },
  director: {
    scripts: ["pages.sh", "alerts.sh", "declaredVips.sh", "director.sh"],
    programs: (lab) => ({
      LVS_TABLE_PROGRAM: read("guest/ipvsTable.pl"),
      // The guest's ldirectord is asked as this host's is, in components/ldirectordProbe.ts.
      LVS_DRY_RUN: read("host/ldirectord-dry-run.sh"),
      LVS_DRY_RUN_MODULE: read("host/ldirectord-dry-run/DryRun.pm"),
      LVS_LDIRECTORD_MODULE: read("guest/ldirectord/Ldirectord.pm"),
      LVS_ALERTS: hasAlerts(lab) ? read("guest/ldirectord/alerts.pl") : "",
    }),
  },
};

/** @param node one of the lab's */
export function guestPayload(lab: Lab, node: LabNode): string {
  const { scripts, programs } = ROLES[node.role];
  return renderPayload(
    { ...guestSettings(lab, node), ...programs?.(lab) },
    ["common.sh", ...scripts].map((name) => read(`guest/${name}`)),
  );
}
