/** Whether those who send to others on the server segment have each neighbour's address at the MAC of the guest that owns it. */
import { withoutLength } from "../../model/lab/address";
import { isOnServerSegment } from "../../model/lab/lastHop";
import { labNodes, nicOn, type Lab, type LabNode } from "../../model/lab/types";
import { vipMac } from "../../model/director/vipHolder";
import { lookFor, macOwner } from "./arp";
import { judge, type Finding } from "./check";

/** Reads `ip neigh show`: lower-case MAC by address; entries without a MAC are left out. */
export function parseNeighbours(text: string): Map<string, string> {
  const lines = [...text.matchAll(/^(\S+) .*\blladdr ([0-9a-f:]{17})\b/gim)];
  return new Map(lines.map(([, address = "", mac = ""]) => [address, mac.toLowerCase()]));
}

/** The lab's addresses on the segments of a node's NICs, by the MAC that must answer for them. */
function owners(lab: Lab, node: LabNode): Map<string, string> {
  const segments = new Set(node.nics.map(({ network }) => network));
  const nodes = labNodes(lab).filter((each) => each !== node);
  const own = nodes.flatMap(({ nics }) =>
    nics
      .filter(({ network }) => segments.has(network))
      .flatMap(({ addresses, mac }) => addresses.map((address) => [withoutLength(address), mac] as const)),
  );
  const vips =
    node === lab.directors[0] ? [] : lab.services.map(({ vip }) => [vip, vipMac(lab, vip)] as const);
  return new Map([...own, ...vips]);
}

/** The nodes that requests go through on the server segment, or come from: a wrong neighbour there sends them astray. */
export function sendsRequests(node: LabNode): boolean {
  return node.role !== "realServer" && isOnServerSegment(node);
}

export function judgeNeighbours(lab: Lab, node: LabNode, neighbours: ReadonlyMap<string, string>): Finding {
  const wrong = [...owners(lab, node)].flatMap(([address, mac]) => {
    const seen = neighbours.get(address);
    return seen === undefined || seen === mac ? [] : [{ address, seen, mac }];
  });
  const device = nicOn(node, "server").device;
  return judge(
    `guests.${node.name}.neighbours`,
    `${node.name}: has each guest's address at that guest's MAC`,
    wrong.length === 0,
    {
      where: node.name,
      command: "ip neigh show",
      seen:
        wrong.map(({ address, seen }) => `${address} at ${macOwner(lab, seen)}`).join(", ") ||
        `${neighbours.size} neighbours, none at another guest's MAC`,
      expected:
        wrong.map(({ address, mac }) => `${address} at ${macOwner(lab, mac)}`).join(", ") || "the same",
    },
    `find who answers: ${lookFor(wrong[0]?.address ?? "", device)}; then ip neigh flush to ${wrong[0]?.address ?? ""}`,
  );
}
