/**
 * Addresses that would pass from one guest to another in one `up`. Both engines build first and delete last: two guests would
 * have the address at once, and the way into the new one would lead into the old.
 */
import { familyOf, withoutLength } from "../lab/address";
import type { Refusal } from "./refusal";
import { guestIds, labNodes, type Lab, type LabNode } from "../lab/types";

type Named = Pick<LabNode, "name" | "role">;

export interface Handover<N extends Named = LabNode> {
  /** Who has the address in the lab as it is. */
  readonly from: N;
  /** What is wrong with the key that gives it to another guest. */
  readonly problem: Refusal;
}

/** An address and the guest that has it. */
export interface Held<N extends Named = LabNode> {
  readonly node: N;
  /** Configuration key of the address. */
  readonly key: string;
  readonly address: string;
}

function held({ clients: [client], routers: [router], directors, realServers }: Lab): Held[] {
  const ofRouter = (nic: number, position: number): string =>
    withoutLength(router.nics[nic]?.addresses[position] ?? "");
  const one = (node: LabNode, key: string, address = node.address): Held => ({ node, key, address });
  const six = (node: LabNode, key: string): Held[] =>
    node.address6 === undefined ? [] : [one(node, key, node.address6)];
  return [
    one(client, "client.address"),
    one(router, "router.clientAddress", ofRouter(0, 0)),
    one(router, "router.serverAddress", ofRouter(1, 0)),
    ...(router.nics[1]?.addresses.slice(1) ?? [])
      .filter((each) => familyOf(each) === 4)
      .map((_each, at) => one(router, at === 0 ? "router.vipAddress" : "vips", ofRouter(1, 1 + at))),
    ...directors.map((node, index) =>
      one(node, directors.length === 1 ? "director.address" : `directors[${index}].address`),
    ),
    ...realServers.map((node, index) => one(node, `realServers[${index}].address`)),
    ...six(client, "client.address6"),
    ...directors.flatMap((node, index) =>
      six(node, directors.length === 1 ? "director.address6" : `directors[${index}].address6`),
    ),
    ...realServers.flatMap((node, index) => six(node, `realServers[${index}].address6`)),
  ];
}

/** @param applied the lab as it is @param lab the one that shall be; real servers are the same by name, others by role */
export function handovers(applied: Lab, lab: Lab): Handover[] {
  return handoversFrom(held(applied), lab);
}

/** @param before the addresses of the lab as it is */
export function handoversFrom<N extends Named>(before: readonly Held<N>[], lab: Lab): Handover<N>[] {
  const former = guestIds([...new Set(before.map(({ node }) => node))]);
  const ids = guestIds(labNodes(lab));
  return held(lab).flatMap(({ node, key, address }) => {
    const id = ids.get(node);
    const from = before.find((each) => each.address === address)?.node;
    if (from === undefined || former.get(from) === id) return [];
    const mine = before.filter((each) => former.get(each.node) === id);
    // A router has one on each network; the list may have moved a real server to another place.
    const old = (mine.find((each) => each.key === key) ?? mine[0])?.address;
    const message = `is the address of ${from.name}, from which ${node.name} cannot take it over in one \`up\`: guests are deleted last`;
    const later = `once an \`up\` has taken ${address} from ${from.name}`;
    const fix =
      old === undefined
        ? `choose a free one, or add ${node.name} ${later}`
        : `write ${old}, which ${node.name} has, or a free one, and change it ${later}`;
    return [{ from, problem: { key, value: address, message, fix } }];
  });
}
