/** What each guest's script gets: shell settings from the lab. */
import { holdSeconds } from "../director/detection";
import { checkPackages } from "../director/checkServices";
import { controlPlane, planeSettings } from "../director/controlPlane";
import { vipHolder, vipMac } from "../director/vipHolder";
import { renderGuestTable } from "../director/ipvs/guestTable";
import { renderMarks } from "../director/ipvs/marks";
import { checkPages, TEST_PAGE } from "./checkPages";
import { authority, serverCertificate } from "./certificates";
import { realServerPage, sorryPage } from "./pages";
import { RUN_LIMIT, type Settings } from "./script";
import { endpoint, familyOf, hostPrefix, Prefix, type Family } from "../lab/address";
import { needsAuthority, tlsPorts, webProtocol, workloadPackages } from "../lab/workloads";
import { isClientOnSegment } from "../lab/lastHop";
import { listenedPorts } from "../lab/ports";
import {
  addressesOf,
  isOwnSorry,
  nicOn,
  vipCidrsOf,
  vipsOf,
  type Lab,
  type LabNode,
  type Machine,
} from "../lab/types";

/** "eth0=192.168.7.10/24 …": a node's addresses of one family. */
function addresses({ nics }: LabNode, family: Family): string {
  const all = nics.flatMap((nic) => nic.addresses.map((address) => ({ device: nic.device, address })));
  return all
    .filter(({ address }) => familyOf(address) === family)
    .map(({ device, address }) => `${device}=${address}`)
    .join(" ");
}

/** Which role of a lab a machine that exists has, and which machine that is. */
export const roleAt = ({ role, name }: LabNode, { host, port, jump }: Machine): string =>
  [role, name, endpoint(host, port), ...(jump ? [`by ${endpoint(jump.host, jump.port)}`] : [])].join(" ");

function common(lab: Lab, node: LabNode): Settings {
  return {
    LVS_ROLE: node.role,
    LVS_NODE: node.name,
    LVS_VIPS: vipsOf(lab).map(hostPrefix).join(" "),
    // What a machine has, it has by itself.
    ...(node.ssh && { LVS_MACHINE: `${lab.project}/${lab.stack}`, LVS_SELF: roleAt(node, node.ssh) }),
    ...(node.address6 !== undefined && !node.ssh && { LVS_ADDRESSES6: addresses(node, 6) }),
    ...(node.gateway6 !== undefined && !node.ssh && { LVS_GATEWAY6: node.gateway6 }),
  };
}

/** Of a node that asks for VIPs on the server segment. */
function neighbourSettings(lab: Lab, node: LabNode): Settings {
  return {
    LVS_SERVER_IF: nicOn(node, "server").device,
    // Told only where it matters: a new director touches these nodes in that strategy alone.
    LVS_NEIGHBOURS:
      lab.arpStrategy === "static"
        ? vipsOf(lab)
            .map((vip) => `${vip} ${vipMac(lab, vip)}`)
            .join("\n")
        : "",
  };
}

function clientSettings(lab: Lab, node: LabNode): Settings {
  return {
    ...common(lab, node),
    LVS_GATEWAY: node.ssh === undefined ? (node.gateway ?? "") : "",
    ...(isClientOnSegment(lab) && neighbourSettings(lab, node)),
    ...(lab.authority &&
      needsAuthority(lab) && { LVS_CA: authority(lab.authority.secret, lab.prefix).certificate }),
  };
}

function routerSettings(lab: Lab, node: LabNode): Settings {
  const routed = vipCidrsOf(lab).filter((cidr) => Prefix.parse(cidr).size === 1);
  return {
    ...common(lab, node),
    ...neighbourSettings(lab, node),
    LVS_ADDRESSES: addresses(node, 4),
    ...(routed.length > 0 && { LVS_VIP_ROUTES: routed.join(" ") }),
  };
}

function realServerSettings(lab: Lab, node: LabNode): Settings {
  // Those of every service: one that leaves a service is asked until the director, which comes later, has drained it.
  const web = lab.services.filter((service) => webProtocol(service) !== undefined);
  const ports = new Set([...web.flatMap(listenedPorts), ...checkedPorts(lab)]);
  const pages = checkPages(lab, node);
  return {
    ...common(lab, node),
    LVS_IF: nicOn(node, "server").device,
    LVS_RIP: node.address,
    ...(node.address6 !== undefined && { LVS_RIP6: node.address6 }),
    LVS_PORTS: [...ports].join(" "),
    LVS_ARP_STRATEGY: lab.arpStrategy,
    LVS_INDEX_PAGE: realServerPage(node.name),
    LVS_TEST_PAGE: TEST_PAGE.text,
    ...(pages.length > 0 && { LVS_CHECK_PAGES: pages.map(({ path }) => path).join(" ") }),
    ...Object.fromEntries(pages.map(({ text }, place) => [`LVS_CHECK_PAGE_${place}`, text])),
    ...tlsSettings(lab, node),
    ...workloadSettings(lab, node),
  };
}

/** Where checks of the web server's services ask, often beside its ports. */
function checkedPorts({ services, workloads = [] }: Lab, protocols = ["http", "https"]): number[] {
  const others = [22, ...workloads.flatMap(({ ports }) => ports)];
  return services
    .filter((service) => protocols.includes(webProtocol(service) ?? ""))
    .flatMap(({ check: { checkport = 22 } }) => (others.includes(checkport) ? [] : [checkport]));
}

/** Ports of the web server that speak TLS, and the certificate; nothing for a lab without. */
function tlsSettings(lab: Lab, node: LabNode): Settings {
  const { services, prefix } = lab;
  const own = needsAuthority(lab) ? lab.authority : undefined;
  const ports = new Set([...services.flatMap(tlsPorts), ...checkedPorts(lab, ["https"])]);
  const pair =
    lab.web ??
    (own &&
      serverCertificate(
        own.secret,
        prefix,
        node.name,
        [...new Set(services.map(({ vip }) => vip)), ...addressesOf(node)],
        [...new Set(services.flatMap(({ check }) => check.virtualhost ?? []))],
      ));
  return {
    ...(ports.size > 0 && { LVS_TLS_PORTS: [...ports].join(" ") }),
    ...(pair && { LVS_CERTIFICATE: pair.certificate, LVS_KEY: pair.key }),
  };
}

/** Seconds of a real server's `start` for each workload: scripts/guest/workloads.sh. */
const WORKLOAD_SECONDS = 120;

/** Longest `start` of a real server, seconds: each workload's script may take its time. */
function workloadsRunLimit({ workloads = [] }: Lab): number {
  return RUN_LIMIT + (workloads.length === 0 ? 0 : WORKLOAD_SECONDS * (workloads.length + 1));
}

/** Longest `start` of any of the lab's guests, seconds. */
export function longestRun(lab: Lab): number {
  return Math.max(directorRunLimit(lab), workloadsRunLimit(lab));
}

const prefixed = (prefix: string, settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [prefix + key, value]));

/** What scripts/guest/files.sh reads, behind a prefix. */
function fileSettings(files: Readonly<Record<string, string>>): Settings {
  const texts = Object.values(files).map((text, place) => [`FILE_${place}`, text] as const);
  return { FILES: Object.keys(files).join(" "), ...Object.fromEntries(texts) };
}

/** What scripts/guest/workloads.sh reads; nothing for a lab without workloads. */
function workloadSettings(lab: Lab, node: LabNode): Settings {
  const { workloads = [], services, image } = lab;
  if (workloads.length === 0) return {};
  const packages = workloadPackages(lab);
  const each = workloads.map(({ name, ports, script = "", files }, place): Settings => {
    const own = services.filter(({ workload }) => workload === name);
    const listens = new Set(
      own.flatMap((each) => listenedPorts(each).map((port) => `${each.protocol}=${port}`)),
    );
    const settings = {
      PORTS: ports.join(" "),
      LISTENS: [...listens].join(" "),
      SCRIPT: script,
      ...fileSettings(files),
    };
    return prefixed(`LVS_WORKLOAD_${place}_`, settings);
  });
  return {
    LVS_WORKLOADS: workloads.map(({ name }) => name).join(" "),
    LVS_RUN_LIMIT: String(workloadsRunLimit(lab)),
    // The project's own image was built with them.
    ...((image !== undefined || node.ssh !== undefined) &&
      packages.length > 0 && { LVS_PACKAGES: packages.join(" ") }),
    ...Object.assign({}, ...each),
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
  const seconds = lab.drainTimeout + settleSeconds(lab) + START_SECONDS;
  return Math.max(RUN_LIMIT, seconds + vipHolder(lab).startSeconds);
}

/** Whether ldirectord has anybody to send e-mail to. */
function hasAlerts(lab: Lab): boolean {
  const all = [lab.ldirectord, ...lab.services.map(({ extras }) => extras)];
  return controlPlane(lab).daemon !== undefined && all.some(({ emailalert }) => emailalert !== undefined);
}

/** Ports of the services for which the director's own web server stands in; without any, none runs there. */
export function sorryPorts(lab: Lab): number[] {
  const local = lab.services.filter(isOwnSorry);
  // It speaks HTTP alone: a client of TLS is refused.
  return [
    ...new Set(local.flatMap((each) => listenedPorts(each).filter((port) => !tlsPorts(each).includes(port)))),
  ];
}

/** Packages of a director's checks that a machine may lack; nothing where there are none. The project's own image has them all. */
function checkSettings({ mode, services }: Lab, { ssh }: LabNode): Settings {
  if (ssh === undefined || mode !== "ldirectord") return {};
  const packages = services.flatMap(({ check, vip }) =>
    checkPackages(check.checktype, check.service, familyOf(vip)),
  );
  return packages.length === 0 ? {} : { LVS_PACKAGES: [...new Set(packages)].join(" ") };
}

function directorSettings(lab: Lab, node: LabNode): Settings {
  const timeouts = lab.ipvsTimeouts ?? { tcp: 300, tcpfin: 120, udp: 300 };
  return {
    ...common(lab, node),
    LVS_CONFIG_HASH: lab.configHash,
    LVS_IF: nicOn(node, "server").device,
    LVS_MODE: lab.mode,
    ...checkSettings(lab, node),
    ...planeSettings(lab),
    ...(lab.directorFiles && prefixed("LVS_", fileSettings(lab.directorFiles))),
    ...vipHolder(lab).settings(lab, node),
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
