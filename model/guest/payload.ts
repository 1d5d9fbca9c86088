/** What each guest is sent: its role's script, with its settings. */
import { perlServices } from "../director/checkServices";
import { guestSettings } from "./settings";
import { renderPayload, type Settings } from "./script";
import type { Lab, LabNode, Role } from "../lab/types";

/** A file's text, by its path below scripts/. */
type Read = (name: string) => string;

/** Beside them, on a machine that exists. */
const MACHINE = ["foreign.sh", "machine.sh"] as const;

/** Stands for the script of whoever holds the VIPs. */
const HOLDER = "holder";

/** Of whoever asks for the VIP on the server segment. */
const NEIGHBOURS = "neighbours.sh";

/** Files below scripts/guest/ beside common.sh, in the order in which they are put together. */
const SCRIPTS: Readonly<Record<Role, readonly string[]>> = {
  client: [NEIGHBOURS, "client.sh"],
  router: [NEIGHBOURS, "router.sh"],
  realServer: ["pages.sh", "files.sh", "workloads.sh", "guard.sh", "realServer.sh"],
  director: [
    "pages.sh",
    "files.sh",
    "directorFiles.sh",
    "alerts.sh",
    "declaredVips.sh",
    "keepalived.sh",
    HOLDER,
    "planes/static.sh",
    "planes/ldirectord.sh",
    "planes/keepalived.sh",
    "director.sh",
  ],
};

function scriptsOf(role: Role, settings: Settings): string[] {
  const own =
    "LVS_CLUSTER_CONF" in settings ? "pacemaker" : "LVS_KEEPALIVED_CONF" in settings ? "keepalived" : "fixed";
  const holder = [...(own === "fixed" ? [] : ["sync"]), own].map((name) => `holders/${name}.sh`);
  const scripts = SCRIPTS[role]
    .filter((name) => name !== NEIGHBOURS || "LVS_NEIGHBOURS" in settings)
    .flatMap((name) => (name === HOLDER ? holder : [name]));
  // Before the last one, which runs.
  return "LVS_MACHINE" in settings ? [...scripts.slice(0, -1), ...MACHINE, ...scripts.slice(-1)] : scripts;
}

/** Settings with the programs of other languages that a script carries in them. */
function withPrograms(role: Role, settings: Settings, read: Read): Settings {
  if (role !== "director") return settings;
  const { LVS_ALERTS = "", ...others } = settings;
  const module = (name: string): string => read(name) + perlServices();
  return {
    ...others,
    LVS_TABLE_PROGRAM: read("guest/ipvsTable.pl"),
    // The guest's ldirectord is asked as this host's is, in program/ldirectordProbe.ts.
    LVS_DRY_RUN: read("host/ldirectord-dry-run.sh"),
    LVS_DRY_RUN_MODULE: module("host/ldirectord-dry-run/DryRun.pm"),
    LVS_LDIRECTORD_MODULE: module("guest/ldirectord/Ldirectord.pm"),
    LVS_ALERTS: LVS_ALERTS && read("guest/ldirectord/alerts.pl"),
  };
}

/** @param settings as {@link guestSettings} gives them */
export function rolePayload(role: Role, settings: Settings, read: Read): string {
  return renderPayload(
    withPrograms(role, settings, read),
    ["common.sh", "addresses.sh", ...scriptsOf(role, settings)].map((name) => read(`guest/${name}`)),
  );
}

/**
 * What a machine is asked before anything is touched: prints `refused=REASON` lines, and `nic=ADDRESS/LENGTH DEVICE MAC` for each address.
 * @param node a machine that exists, one of the lab's
 */
export function machineQuestion(lab: Lab, node: LabNode, read: Read): string {
  const settings = {
    ...guestSettings(lab, node),
    LVS_ADDRESSES: node.nics.flatMap((nic) => nic.addresses).join(" "),
  };
  return renderPayload(settings, [read("guest/foreign.sh"), "refusals", "nics"]);
}

/** @param node one of the lab's */
export function guestPayload(lab: Lab, node: LabNode, read: Read): string {
  return rolePayload(node.role, guestSettings(lab, node), read);
}
