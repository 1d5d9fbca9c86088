/** The topology and the path through it as Mermaid, which GitHub and others draw. */
import type { Lab, LabNode } from "../../model/types";

/** Mermaid reads quotes, brackets and the like as its own, except as entities. */
function label(...lines: readonly string[]): string {
  return `"${lines.map((line) => line.replace(/["<>#]/g, (sign) => `#${sign.charCodeAt(0)};`)).join("<br/>")}"`;
}

function id(node: LabNode): string {
  return `n_${node.name.replace(/[^A-Za-z0-9]/g, "_")}`;
}

export function renderMermaid(lab: Lab): string {
  const { client, router, director, realServers } = lab;
  const [service] = lab.services;
  const { vip, scheduler } = service;
  const addresses = (node: LabNode): string[] => node.nics.flatMap((nic) => [...nic.addresses]);
  const weights = new Map(service.realServers.map(({ name, weight }) => [name, weight]));
  const rows = [
    "flowchart TB",
    `  subgraph client_net [${label(`client network ${lab.networks.client.cidr}`)}]`,
    `    ${id(client)}[${label(client.name, ...addresses(client))}]`,
    "  end",
    `  ${id(router)}{{${label(router.name, ...addresses(router))}}}`,
    `  subgraph server_net [${label(`server segment ${lab.networks.server.cidr}, ${lab.vipCidr}`)}]`,
    `    ${id(director)}[${label(director.name, `DIP ${director.address}`, `VIP ${vip}`, scheduler)}]`,
    ...realServers.map(
      (node) =>
        `    ${id(node)}[${label(node.name, `RIP ${node.address}`, `VIP ${vip} on lo`, `weight ${weights.get(node.name) ?? 0}`)}]`,
    ),
    "  end",
    `  ${id(client)} -->|request| ${id(router)}`,
    `  ${id(router)} -->|request| ${id(director)}`,
    ...realServers.map((node) => `  ${id(director)} -->|request, new MAC| ${id(node)}`),
    ...realServers.map((node) => `  ${id(node)} -.->|reply from the VIP| ${id(router)}`),
    `  ${id(router)} -.->|reply| ${id(client)}`,
  ];
  return `${rows.join("\n")}\n`;
}
