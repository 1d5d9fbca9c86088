/** What each guest's script is told: shell settings from the lab. */
import { renderLdirectord, ldirectordFor } from "./ldirectord";
import { ipvsRestoreRules, isQuiescent, renderTable } from "./ipvs";
import { tableFor } from "./ldirectordTable";
import type { Settings } from "./payload";
import type { Lab, LabNode, Nic, RealServerEntry, VirtualService } from "./types";

function vips(lab: Lab): string {
  return [...new Set(lab.services.map((service) => service.vip))].join(" ");
}

function common(lab: Lab, node: LabNode): Settings {
  return { LVS_ROLE: node.role, LVS_NODE: node.name, LVS_VIPS: vips(lab) };
}

function nicOn(node: LabNode, network: Nic["network"]): Nic {
  const nic = node.nics.find((candidate) => candidate.network === network);
  if (nic === undefined) throw new Error(`${node.name} has no NIC on the ${network} network`);
  return nic;
}

export function clientSettings(lab: Lab): Settings {
  return { ...common(lab, lab.client), LVS_GATEWAY: lab.client.gateway ?? "" };
}

export function routerSettings(lab: Lab): Settings {
  return {
    ...common(lab, lab.router),
    LVS_SERVER_IF: nicOn(lab.router, "server").device,
    LVS_ADDRESSES: lab.router.nics
      .flatMap((nic) => nic.addresses.map((address) => `${nic.device}=${address}`))
      .join(" "),
    LVS_ARP_STRATEGY: lab.arpStrategy,
    // Told only where it matters: a new director touches the router in that strategy alone.
    LVS_DIRECTOR_MAC: lab.arpStrategy === "static" ? nicOn(lab.director, "server").mac : "",
  };
}

export function realServerSettings(lab: Lab, node: LabNode): Settings {
  const ports = new Set(lab.services.filter(servedBy(node)).map((service) => service.port));
  return {
    ...common(lab, node),
    LVS_IF: nicOn(node, "server").device,
    LVS_RIP: node.address,
    LVS_PORTS: [...ports].join(" "),
    LVS_ARP_STRATEGY: lab.arpStrategy,
    LVS_INDEX_PAGE: `<h1>${node.name}</h1>\n`,
    LVS_TEST_PAGE: "test\n",
  };
}

function servedBy(node: LabNode): (service: VirtualService) => boolean {
  return (service) =>
    service.protocol === "tcp" &&
    service.realServers.some((server: RealServerEntry) => server.address === node.address);
}

/** Seconds for the kernel's table to become what was meant after a reload: one check of every server, and time to spare. */
function settleSeconds(lab: Lab): number {
  const slowest = Math.max(
    ...lab.services.map(
      ({ check, realServers }) => check.checkinterval + check.negotiatetimeout * realServers.length,
    ),
  );
  return Math.ceil(30 + slowest);
}

export function directorSettings(lab: Lab): Settings {
  const conf = lab.mode === "ldirectord" ? ldirectordFor(lab) : undefined;
  const sorryOnDirector = lab.services.filter((service) => service.sorry?.address === "127.0.0.1");
  return {
    ...common(lab, lab.director),
    LVS_CONFIG_HASH: lab.configHash,
    LVS_IF: nicOn(lab.director, "server").device,
    LVS_MODE: lab.mode,
    LVS_LDIRECTORD_CF: conf === undefined ? "" : renderLdirectord(conf),
    LVS_LDIRECTORD_TABLE: conf === undefined ? "" : renderTable(tableFor(conf)).join("\n"),
    LVS_IPVS_RULES: [...ipvsRestoreRules(lab), ...annotations(lab)].join("\n"),
    // A text file ends with a newline, as the article's `echo` writes it.
    LVS_SORRY_PAGE: lab.sorryPage.replace(/\n?$/, "\n"),
    LVS_SORRY_PORTS: [...new Set(sorryOnDirector.map((service) => service.port))].join(" "),
    LVS_DRAIN_SECONDS: String(lab.drainTimeout),
    LVS_SETTLE_SECONDS: String(settleSeconds(lab)),
  };
}

/** What may be in the table beside the rules, as comments that director.sh reads. */
function annotations(lab: Lab): string[] {
  if (lab.mode === "static") return [];
  return lab.services.flatMap((service) => {
    const key = `-${service.protocol === "udp" ? "u" : "t"} ${service.vip}:${service.port}`;
    return [
      ...(service.sorry ? [`# sorry: ${key} -r ${service.sorry.address}:${service.sorry.port}`] : []),
      ...(isQuiescent(service) ? [`# quiescent: ${key}`] : []),
    ];
  });
}
