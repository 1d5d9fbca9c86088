/** The last hop before the director: who asks for the VIP on the server segment, and gets the replies there. */
import type { Family } from "./address";
import { addressOf, gatewayOf, type Lab, type LabNode, type Nic } from "./types";

type Ends = Pick<Lab, "clients" | "routers">;

/** Whether a node has a NIC on the server segment. */
export const isOnServerSegment = ({ nics }: { readonly nics: readonly Pick<Nic, "network">[] }): boolean =>
  nics.some(({ network }) => network === "server");

/** Whether the client is on the server segment itself. */
export const isClientOnSegment = ({ clients: [client] }: Pick<Lab, "clients">): boolean =>
  isOnServerSegment(client);

/** The router, or a client on the server segment. */
export function lastHop(lab: Ends): LabNode {
  return isClientOnSegment(lab) ? lab.clients[0] : lab.routers[0];
}

/** Where a real server sends its replies to the client next: an address of the last hop's. */
export function wayBack(lab: Ends, node: LabNode, family: Family): string | undefined {
  return isClientOnSegment(lab) ? addressOf(lab.clients[0], family) : gatewayOf(node, family);
}
