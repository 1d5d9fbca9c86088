/** What each guest's script gets: shell settings from the lab. */
import { holdSeconds } from "../director/detection";
import { controlPlane, planeSettings } from "../director/controlPlane";
import { renderGuestTable } from "../director/ipvs/guestTable";
import { renderMarks } from "../director/ipvs/marks";
import { realServerPage, sorryPage } from "./pages";
import { RUN_LIMIT, type Settings } from "./script";
import { hostPrefix } from "../lab/address";
import { listenedPorts, nicOn, vipsOf, type Lab, type LabNode } from "../lab/types";

function common(lab: Lab, node: LabNode): Settings {
  return { LVS_ROLE: node.role, LVS_NODE: node.name, LVS_VIPS: vipsOf(lab).map(hostPrefix).join(" ") };
}

function clientSettings(lab: Lab, node: LabNode): Settings {
  return { ...common(lab, node), LVS_GATEWAY: node.gateway ?? "" };
}

function routerSettings(lab: Lab, node: LabNode): Settings {
  return {
    ...common(lab, node),
    LVS_SERVER_IF: nicOn(node, "server").device,
    LVS_ADDRESSES: node.nics
      .flatMap((nic) => nic.addresses.map((address) => `${nic.device}=${address}`))
      .join(" "),
    LVS_ARP_STRATEGY: lab.arpStrategy,
    // Told only where it matters: a new director touches the router in that strategy alone.
    LVS_DIRECTOR_MAC: lab.arpStrategy === "static" ? nicOn(lab.directors[0], "server").mac : "",
  };
}

function realServerSettings(lab: Lab, node: LabNode): Settings {
  // Those of every TCP service: one that leaves a service is asked until the director, which comes later, has drained it.
  const ports = new Set(lab.services.filter(({ protocol }) => protocol === "tcp").flatMap(listenedPorts));
  return {
    ...common(lab, node),
    LVS_IF: nicOn(node, "server").device,
    LVS_RIP: node.address,
    LVS_PORTS: [...ports].join(" "),
    LVS_ARP_STRATEGY: lab.arpStrategy,
    LVS_INDEX_PAGE: realServerPage(node.name),
    LVS_TEST_PAGE: "test\n",
  };
}

/**
 * Seconds for the kernel's table to become the expected one after a reload: one check of every server, and time to spare. At its start and
 * at each reload ldirectord checks all services one after the other, also where each then gets a process of its own.
 */
function settleSeconds(lab: Lab): number {
  const round = lab.services.reduce(
    (sum, { check, realServers }) => sum + holdSeconds(check) * realServers.length,
    0,
  );
  const interval = Math.max(...lab.services.map(({ check }) => check.checkinterval));
  return Math.ceil(30 + interval + round);
}

/** Seconds that a director's `start` takes beside drain and settling: a dry run under load, the daemon's start, and all else. */
const START_SECONDS = 120 + 30 + 50;

/** Longest `start` of the lab's director, seconds: each of its waits may take its time. */
export function directorRunLimit(lab: Lab): number {
  return Math.max(RUN_LIMIT, lab.drainTimeout + settleSeconds(lab) + START_SECONDS);
}

/** Whether ldirectord has anybody to send e-mail to. */
function hasAlerts(lab: Lab): boolean {
  const all = [lab.ldirectord, ...lab.services.map(({ extras }) => extras)];
  return controlPlane(lab).checks && all.some(({ emailalert }) => emailalert !== undefined);
}

/** Ports of the services for which the director's own web server stands in; without any, none runs there. */
export function sorryPorts(lab: Lab): number[] {
  const local = lab.services.filter(({ sorry }) => sorry?.address === "127.0.0.1");
  return [...new Set(local.flatMap(listenedPorts))];
}

function directorSettings(lab: Lab, node: LabNode): Settings {
  const timeouts = lab.ipvsTimeouts ?? { tcp: 300, tcpfin: 120, udp: 300 };
  return {
    ...common(lab, node),
    LVS_CONFIG_HASH: lab.configHash,
    LVS_IF: nicOn(node, "server").device,
    LVS_MODE: lab.mode,
    ...planeSettings(lab),
    LVS_IPVS_TIMEOUTS: `${timeouts.tcp} ${timeouts.tcpfin} ${timeouts.udp}`,
    LVS_TABLE: renderGuestTable(lab, node),
    LVS_MARKS: renderMarks(lab),
    // A text file ends with a newline, as the article's `echo` writes it.
    LVS_SORRY_PAGE: sorryPage(lab),
    LVS_SORRY_PORTS: sorryPorts(lab).join(" "),
    LVS_DRAIN_SECONDS: String(lab.drainTimeout),
    LVS_SETTLE_SECONDS: String(settleSeconds(lab)),
    LVS_RUN_LIMIT: String(directorRunLimit(lab)),
    // Its program takes the place of the word.
    LVS_ALERTS: hasAlerts(lab) ? "yes" : "",
  };
}

const SETTINGS: Readonly<Record<LabNode["role"], (lab: Lab, node: LabNode) => Settings>> = {
  client: clientSettings,
  router: routerSettings,
  director: directorSettings,
  realServer: realServerSettings,
};

/** @param node one of the lab's */
export function guestSettings(lab: Lab, node: LabNode): Settings {
  return SETTINGS[node.role](lab, node);
}
