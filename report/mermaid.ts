/** The topology and the path through it as Mermaid, which GitHub and others draw. */
import { withoutLength } from "../model/lab/address";
import { tableWeight } from "../model/director/ipvs/table";
import { hostNameOf } from "../model/lab/hosts";
import { isClientOnSegment } from "../model/lab/lastHop";
import { addressesOf, vipCidrsOf, vipsOf, type Lab, type LabNode } from "../model/lab/types";
import { nameOf } from "./pageLab";

/** Mermaid reads quotes, brackets and the like as its own, except as entities. */
function label(...lines: readonly string[]): string {
  return `"${lines.map((line) => line.replace(/["<>#]/g, (sign) => `#${sign.charCodeAt(0)};`)).join("<br/>")}"`;
}

function id(node: LabNode): string {
  return `n_${nameOf(node).replace(/[^A-Za-z0-9]/g, "_")}`;
}

export function renderMermaid(lab: Lab): string {
  const {
    clients: [client],
    routers: [router],
    directors,
    realServers,
    services,
    segments: networks,
  } = lab;
  const [service] = services;
  const vips = vipsOf(lab);
  const addresses = (node: LabNode): string[] => node.nics.flatMap((nic) => nic.addresses.map(withoutLength));
  const named = (what: string, node: LabNode): string[] => addressesOf(node).map((each) => `${what} ${each}`);
  const weights = new Map(service.realServers.map((server) => [server.name, tableWeight(server)]));
  const at = (node: LabNode): string[] => {
    const host = hostNameOf(lab, node);
    return host === undefined ? [] : [`on ${host}`];
  };
  const serving = realServers.map(id).join(" & ");
  const both = directors.map(id).join(" & ");
  const drawn = `    ${id(client)}[${label(nameOf(client), ...addresses(client), ...at(client))}]`;
  const onSegment = isClientOnSegment(lab);
  const [there, back] = onSegment
    ? [id(client), id(client)]
    : [`${id(client)} -- request --> ${id(router)}`, `${id(router)} == reply ==> ${id(client)}`];
  const rows = [
    "flowchart LR",
    `  subgraph client_net [${label(`client network ${networks.client.cidr}`)}]`,
    ...(onSegment ? [] : [drawn]),
    "  end",
    `  ${id(router)}[${label(nameOf(router), ...addresses(router), ...at(router))}]`,
    `  subgraph server_net [${label(`server segment ${[...new Set([networks.server.cidr, ...vipCidrsOf(lab)])].join(" and ")}`)}]`,
    ...(onSegment ? [drawn] : []),
    ...directors.map((each) => {
      const held = vips.map((vip) => `VIP ${vip}${directors.length > 1 ? ", or the other has it" : ""}`);
      return `    ${id(each)}[${label(each.name, ...named("DIP", each), ...held, service.scheduler, ...at(each))}]`;
    }),
    ...realServers.map(
      (node) =>
        `    ${id(node)}[${label(`${node.name}, weight ${weights.get(node.name) ?? 0}`, ...named("RIP", node), "VIP on lo", ...at(node))}]`,
    ),
    "  end",
    `  ${there} -- request --> ${both}`,
    `  ${both} -. "same packet, new MAC" .-> ${serving}`,
    `  ${serving} == "reply from the VIP, past the director" ==> ${back}`,
  ];
  return `${rows.join("\n")}\n`;
}
