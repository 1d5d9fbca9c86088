/** The expected IPVS table as scripts/guest/ipvsTable.pl reads it, which says what each field means. */
import { controlPlane } from "../controlPlane";
import { expectedTable, isQuiescent, tableWeight, serviceArguments } from "./table";
import { endpoint } from "../../lab/address";
import type { Lab, LabNode, RealServerEntry, VirtualService } from "../../lab/types";

/** One object a line, its fields separated by tabs: the check's own texts have none (model/config/invariantsHealth.ts). */
export function renderGuestTable(lab: Lab, { name }: Pick<LabNode, "name">): string {
  const checks = controlPlane(lab).daemon !== undefined;
  const limited = lab.services.some(({ realServers }) =>
    realServers.some(({ upperThreshold }) => upperThreshold !== undefined),
  );
  const lines = expectedTable(lab).flatMap((entry, index) => {
    const service = lab.services[index] as VirtualService;
    const { key, options } = serviceArguments(entry);
    const kept = checks && isQuiescent(service) ? "1" : "0";
    const { sorry } = checks ? service : {};
    return [
      ["service", key, options, kept, sorry ? endpoint(sorry.address, sorry.port) : ""],
      ...service.realServers.map((server) => [
        "server",
        key,
        server.name,
        endpoint(server.address, server.port),
        String(tableWeight(server)),
        limited ? `${server.upperThreshold ?? 0} ${server.lowerThreshold ?? 0}` : "",
        ...probeOf(lab, service, server),
      ]),
    ];
  });
  return [["node", name], ["mode", lab.mode], ...lines].map((fields) => fields.join("\t")).join("\n");
}

/** Longest that the director's script waits for an answer, seconds; a slower server is for ldirectord to judge. */
const PROBE_SECONDS = 2;

/**
 * How the director's script sees for itself whether a server that is not in the table passes its check; empty where it cannot
 * (other protocols, logins, a directory that takes servers out) or need not.
 */
function probeOf(lab: Lab, { check, protocol }: VirtualService, server: RealServerEntry): string[] {
  const { checktype, service, checkport, virtualhost = server.address } = check;
  if (
    controlPlane(lab).daemon === undefined ||
    tableWeight(server) === 0 ||
    lab.ldirectord.maintenancedir !== undefined
  )
    return [];
  if (checktype === "on") return ["on"];
  if (protocol !== "tcp" || checkport === undefined) return [];
  if (checktype === "connect") return ["connect", String(checkport)];
  const negotiates = checktype === "negotiate" || typeof checktype === "number";
  if (!negotiates || service !== "http" || check.httpmethod === "HEAD" || check.login !== undefined)
    return [];
  const path = (server.request ?? check.request ?? "").replace(/^\/?/, "/");
  // A whole URL goes to another host; what is not plain ASCII is encoded by LWP.
  if (path.includes("://") || !/^[!-~]+$/.test(path)) return [];
  const seconds = Math.min(check.negotiatetimeout, PROBE_SECONDS);
  return [
    "http",
    String(checkport),
    String(seconds),
    virtualhost,
    path,
    server.receive ?? check.receive ?? "",
  ];
}
