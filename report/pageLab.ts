/** What of the lab a page shows: each field is named here, so that no health check's password or key can follow. */
import { hostNameOf } from "../model/lab/hosts";
import { serviceUrl, vipCidrsOf, type Lab, type LabNode, type VirtualService } from "../model/lab/types";

export type PageNode = Pick<LabNode, "name" | "role" | "address"> & {
  /** Of several libvirt hosts, the one that it is on. */
  readonly host?: string;
  readonly nics: readonly Pick<LabNode["nics"][number], "network" | "device" | "mac" | "addresses">[];
};

export type PageService = Pick<VirtualService, "name" | "vip" | "port" | "protocol" | "scheduler"> & {
  readonly url: string;
  readonly realServers: readonly Pick<VirtualService["realServers"][number], "name" | "address" | "port">[];
  readonly sorry?: NonNullable<VirtualService["sorry"]>;
};

export interface PageLab extends Pick<Lab, "stack"> {
  /** The networks of the VIPs, in words. */
  readonly vipCidr: string;
  readonly networks: {
    readonly client: { readonly cidr: string };
    readonly server: { readonly cidr: string };
  };
  readonly client: PageNode;
  readonly router: PageNode;
  readonly directors: readonly PageNode[];
  readonly realServers: readonly PageNode[];
  readonly services: readonly [PageService, ...PageService[]];
}

/** In the place of a node that the lab does not have. */
const ABSENT: Partial<Record<LabNode["role"], string>> = {
  client: "this host",
  router: "the machines' own way",
};

/** The name by which people see a node. */
export const nameOf = ({ name, role, here }: LabNode): string => (here ? (ABSENT[role] ?? name) : name);

const pageNode =
  (lab: Lab) =>
  (node: LabNode): PageNode => {
    const host = hostNameOf(lab, node);
    const { role, address, nics } = node;
    return {
      name: nameOf(node),
      role,
      address,
      ...(host !== undefined && { host }),
      nics: nics.map(({ network, device, mac, addresses }) => ({ network, device, mac, addresses })),
    };
  };

function pageService(service: VirtualService): PageService {
  const { name, vip, port, protocol, scheduler, realServers, sorry } = service;
  return {
    name,
    vip,
    port,
    protocol,
    scheduler,
    url: serviceUrl(service),
    realServers: realServers.map((server) => ({
      name: server.name,
      address: server.address,
      port: server.port,
    })),
    ...(sorry && { sorry: { address: sorry.address, port: sorry.port } }),
  };
}

export function pageLab(lab: Lab): PageLab {
  const {
    stack,
    segments: networks,
    clients: [client],
    routers: [router],
    directors,
    realServers,
    services,
  } = lab;
  const [main, ...others] = services;
  return {
    stack,
    vipCidr: vipCidrsOf(lab).join(", "),
    networks: { client: { cidr: networks.client.cidr }, server: { cidr: networks.server.cidr } },
    client: pageNode(lab)(client),
    router: pageNode(lab)(router),
    directors: directors.map(pageNode(lab)),
    realServers: realServers.map(pageNode(lab)),
    services: [pageService(main), ...others.map(pageService)],
  };
}
