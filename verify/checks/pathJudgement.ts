/** Judges what was captured of the path, see path.ts. Pure. */
import { vipMac } from "../../model/director/vipHolder";
import { endpoint, familyOf } from "../../model/lab/address";
import { isClientOnSegment, lastHop, wayBack } from "../../model/lab/lastHop";
import type { Lab, VirtualService } from "../../model/lab/types";
import { macOwner, serverMac } from "./arp";
import type { ArpFrame, Frame } from "./capture";
import { judge, type Finding } from "./check";

/** What the two captures hold of the connections in question. */
export interface PathFrames {
  readonly director: readonly Frame[];
  readonly lastHop: readonly Frame[];
  /** ARP that the last hop heard on the server segment, and what of it the director heard. */
  readonly arp: readonly ArpFrame[];
  /** Connections that the client says were answered. */
  readonly answered: number;
  /** Names of real servers that have the last hop's MAC for good, and so ask nobody. */
  readonly permanent: readonly string[];
}

interface Judged {
  readonly ok: boolean;
  readonly seen: string;
}

const isSyn = (frame: Frame): boolean => frame.flags === "S";

/** The last hop, as people call it. */
const hopName = (lab: Lab): string => (isClientOnSegment(lab) ? "the client" : "the router");

/** One connection's first packet: in from the last hop, out to a real server with the addresses as they came. */
function crossing(lab: Lab, service: VirtualService, frames: readonly Frame[]): Judged {
  const director = serverMac(lab.directors[0]);
  const hop = serverMac(lastHop(lab));
  const real = lab.realServers.map(serverMac);
  const requests = frames.filter((frame) => frame.to === service.vip && isSyn(frame));
  const ports = [...new Set(requests.map((frame) => frame.fromPort))];
  const crossed = ports.filter((port) => {
    const own = requests.filter((frame) => frame.fromPort === port);
    return (
      own.some((frame) => frame.fromMac === hop && frame.toMac === vipMac(lab, service.vip)) &&
      own.some((frame) => frame.fromMac === director && real.includes(frame.toMac))
    );
  });
  const example = requests.find((frame) => frame.fromMac === director);
  const words = example
    ? `, e.g. ${endpoint(example.from, example.fromPort)} > ${endpoint(example.to, example.toPort)} ${macOwner(lab, hop)}` +
      ` > ${macOwner(lab, director)} > ${macOwner(lab, example.toMac)}`
    : "";
  return {
    ok: ports.length > 0 && crossed.length === ports.length,
    seen: `${crossed.length} of ${ports.length} connections came from ${hopName(lab)} and left to a real server${words}`,
  };
}

/** @param expected connections the client made */
export function judgePath(
  lab: Lab,
  service: VirtualService,
  seen: PathFrames,
  commands: { readonly director: string; readonly lastHop: string },
  expected: number,
): Finding[] {
  const { vip, port, name } = service;
  const family = familyOf(vip);
  const way = family === 6 ? "NDP" : "ARP";
  const director = vipMac(lab, vip);
  const real = lab.realServers.map(serverMac);
  const atDirector = { where: lab.directors[0].name, command: commands.director };
  const hop = lastHop(lab);
  const atHop = { where: hop.name, command: commands.lastHop };
  const who = hopName(lab);
  const cross = crossing(lab, service, seen.director);
  const repliesAtDirector = seen.director.filter((frame) => frame.from === vip);
  const replies = seen.lastHop.filter((frame) => frame.fromPort === port && frame.toMac === serverMac(hop));
  const fromReal = replies.filter((frame) => real.includes(frame.fromMac));
  const otherSource = replies.filter((frame) => frame.from !== vip);
  const bypassing = seen.lastHop.filter(
    (frame) => frame.to === vip && isSyn(frame) && frame.toMac !== director,
  );
  const announced = seen.arp.filter(
    (frame) =>
      frame.fromMac !== director && (frame.tell === vip || (frame.kind === "reply" && frame.address === vip)),
  );
  // Its entry was forgotten: whoever has sent a reply since must have asked for the last hop, and so shown its source.
  const mute = lab.realServers.filter(
    (node) =>
      fromReal.some((frame) => frame.fromMac === serverMac(node)) &&
      !seen.permanent.includes(node.name) &&
      !seen.arp.some(
        (frame) =>
          frame.kind === "request" &&
          frame.fromMac === serverMac(node) &&
          frame.address === wayBack(lab, node, family),
      ),
  );
  const servers = [...new Set(fromReal.map((frame) => macOwner(lab, frame.fromMac)))].join(", ");
  return [
    judge(
      `path.${name}.requests`,
      "requests cross the director, which changes only the destination MAC",
      cross.ok && seen.answered === expected,
      {
        ...atDirector,
        seen: `${cross.seen}; ${seen.answered} of ${expected} answered`,
        expected: "all of them",
      },
      "the director must forward by Route (gate): ipvsadm -Ln; and own the VIP: scripts/lab verify arp",
    ),
    judge(
      `path.${name}.director-only`,
      `${who} sends no request past the director`,
      bypassing.length === 0,
      {
        ...atHop,
        seen:
          bypassing.length === 0
            ? `every request goes to ${macOwner(lab, director)}`
            : `${bypassing.length} requests to ${macOwner(lab, bypassing[0]?.toMac ?? "")}`,
        expected: `to ${macOwner(lab, director)} only`,
      },
      `on ${hop.name}: ip neigh show ${vip}; scripts/lab verify arp`,
    ),
    judge(
      `path.${name}.replies`,
      `replies go from the real servers straight to ${who}`,
      repliesAtDirector.length === 0 && fromReal.length > 0 && fromReal.length === replies.length,
      {
        where: `${lab.directors[0].name}, ${hop.name}`,
        command: commands.lastHop,
        seen:
          `${fromReal.length} of ${replies.length} reply packets at ${who} came from ${servers || "a real server"}` +
          `; ${repliesAtDirector.length} crossed the director`,
        expected: "all from a real server's MAC, none at the director",
      },
      `a real server's way to the client must lead by ${who}, never by the DIP: ip route on each; ipvsadm -Ln must say Route, not Masq`,
    ),
    judge(
      `path.${name}.source`,
      `replies carry the VIP as their source`,
      replies.length > 0 && otherSource.length === 0,
      {
        ...atHop,
        seen:
          `${replies.length - otherSource.length} of ${replies.length} reply packets from ${endpoint(vip, port)}` +
          (otherSource[0] ? `; one from ${endpoint(otherSource[0].from, otherSource[0].fromPort)}` : ""),
        expected: `all from ${endpoint(vip, port)}`,
      },
      `the VIP /${family === 6 ? 128 : 32} must be on lo of every real server`,
    ),
    judge(
      `path.${name}.announce`,
      `no real server speaks ${way} as ${vip}`,
      announced.length === 0 && mute.length === 0,
      {
        ...atHop,
        seen:
          announced.length > 0
            ? `${announced.length} from ${[...new Set(announced.map(({ fromMac }) => macOwner(lab, fromMac)))].join(", ")}`
            : `${seen.arp.length} ${way} packets, none as ${vip} but the director's` +
              (mute.length === 0
                ? ""
                : `; ${mute.map((node) => `no request for ${wayBack(lab, node, family)} from ${node.name}`).join(", ")}`),
        expected: `a request for the MAC of ${hop.name} from each real server that answered, none as the VIP`,
      },
      announced.length > 0 || mute.length === 0
        ? family === 6
          ? "the VIP must be on lo alone, and proxy_ndp off: ip -6 addr; sysctl net.ipv6.conf.all.proxy_ndp"
          : "sysctl net.ipv4.conf.all.arp_announce=2 on the real servers (or arptables that mangle the source)"
        : `nothing is proven without a request: on ${mute.map(({ name }) => name).join(", ")}: ip neigh show`,
    ),
  ];
}
