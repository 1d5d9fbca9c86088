/** The three-way diagnosis of a real server: from what was seen on three ways to it, what is wrong with it. Pure. */
import { hostPrefix } from "../../model/lab/address";
import type { Problem } from "../../model/lab/problem";
import type { Trace } from "./trace";
import type { Answer } from "../../health/requests";

export type Verdict =
  | "ok"
  | "service down"
  | "VIP missing on lo"
  | "withdrawn by its guard"
  | "ARP leak"
  | "router does not forward"
  | "client does not reach the VIP"
  | "director's table wrong"
  | "nobody answers ARP for the VIP"
  | "requests are lost"
  | "replies are lost"
  | "wrong page"
  | "cannot be judged";

export interface ServerSight {
  readonly name: string;
  /** Its RIP, asked from the director. */
  readonly direct: Answer;
  /** The VIP through this server alone, asked from the router: no forwarding involved. */
  readonly fromRouter: Answer;
  /** The same from the client: all of the path. */
  readonly fromClient: Answer;
  /** What its own `ip addr` says; undefined when it could not be asked. */
  readonly vipOnLo?: boolean;
  /** Why its own guard has withdrawn it, so that its RIP answers with an error on purpose; undefined when it hasn't. */
  readonly withdrawn?: string;
  /** Whether its MAC answers ARP for the VIP. */
  readonly answersArp: boolean;
  /** What its page is, if not the lab's. */
  readonly page?: Problem;
  /** A capture on it, where a request through the VIP got no answer though all else looked right. */
  readonly trace?: Omit<Trace, "command">;
  /** At whose MAC the director has its address, if not at its own. */
  readonly neighbour?: string;
  /** How its entry in the live table differs from the expected one; empty when it doesn't. */
  readonly table: readonly string[];
}

export interface LabSight {
  readonly servers: readonly ServerSight[];
  /** Whether the director's MAC answers ARP for the VIP. */
  readonly directorAnswersArp: boolean;
  /** Whether any request of the client's to the VIP, whichever way, was answered. */
  readonly clientReachesVip: boolean;
}

export interface Diagnosis {
  readonly server: string;
  readonly verdict: Verdict;
  /** Why, in words. */
  readonly because: string;
  /** What most likely repairs it; "" when nothing is wrong. */
  readonly fix: string;
}

export interface Names {
  readonly vip: string;
  readonly router: string;
  /** Whom real servers send their replies to the client to: the router, or the client itself. */
  readonly lastHop: string;
  readonly director: string;
  /** Command that shows on a real server whether what serves the port runs. */
  readonly serving: string;
  /** Name and MAC of the guest whose MAC this is. */
  readonly owner: (mac: string) => string;
}

/** One verdict for each server. The order of the tests matters: each rests on what those before it have excluded. */
export function diagnose(sight: LabSight, names: Names): Diagnosis[] {
  const leaking = sight.servers.filter(({ answersArp }) => answersArp).map(({ name }) => name);
  return sight.servers.map((server) => ({
    server: server.name,
    ...verdictOf(server, sight, leaking, names),
  }));
}

function verdictOf(
  server: ServerSight,
  sight: LabSight,
  leaking: readonly string[],
  names: Names,
): Omit<Diagnosis, "server"> {
  const { vip, router, lastHop, director, serving } = names;
  const { name, direct, fromRouter, fromClient, vipOnLo, withdrawn, table } = server;
  const own = (answer: Answer): boolean => answer.ok && answer.server === name;
  if (server.answersArp) {
    return {
      verdict: "ARP leak",
      because: `${name}'s MAC answers ARP for ${vip}`,
      fix: `on ${name}: sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2; on ${router}: ip neigh flush to ${vip}`,
    };
  }
  // The guard's refusal is an answer: what made it refuse is the cause, and shows below.
  const serves = direct.ok || (withdrawn !== undefined && direct.server === name);
  if (!serves) {
    return {
      verdict: "service down",
      because: `its RIP, asked from ${director}: ${direct.detail}`,
      fix: `on ${name}: ${serving}; is the guest up and its address right?`,
    };
  }
  if (leaking.length > 0 && !(own(fromRouter) && own(fromClient))) {
    return {
      verdict: "cannot be judged",
      because: `requests for ${vip} may reach ${leaking.join(", ")}, which answers ARP for it`,
      fix: `repair ${leaking.join(", ")} first`,
    };
  }
  if (!sight.directorAnswersArp && !own(fromRouter)) {
    return {
      verdict: "nobody answers ARP for the VIP",
      because: `${router} cannot find ${vip}: ${fromRouter.detail}`,
      fix: `on ${director}: ip -4 addr show: ${hostPrefix(vip)} must be on its NIC`,
    };
  }
  if (!own(fromRouter)) {
    const rip = withdrawn === undefined ? "its RIP answers" : `its guard has withdrawn it (${withdrawn})`;
    const because = `${rip}, ${vip} through it alone does not answer (${fromRouter.detail})`;
    if (vipOnLo === true) return lost(server, `${because}, though the VIP is on its lo`, names, router);
    return {
      verdict: "VIP missing on lo",
      because: vipOnLo === false ? `${because}; its lo has no ${vip}` : because,
      fix: `on ${name}: ip addr add ${hostPrefix(vip)} dev lo label lo:vip`,
    };
  }
  if (!own(fromClient) && !sight.clientReachesVip) {
    const because = `${vip} through it answers ${router}, but not the client (${fromClient.detail})`;
    if (lastHop !== router)
      return {
        verdict: "client does not reach the VIP",
        because,
        fix: `on ${lastHop}: ip route get ${vip} (it must be on its segment); ip neigh show ${vip}; nft list ruleset`,
      };
    return {
      verdict: "router does not forward",
      because,
      fix: `on ${router}: sysctl -w net.ipv4.ip_forward=1; nft list ruleset; the client's default route`,
    };
  }
  if (withdrawn !== undefined) {
    return {
      verdict: "withdrawn by its guard",
      because: `it serves ${vip} when asked, but refuses its health check: ${withdrawn}`,
      fix: `on ${name}: /usr/local/sbin/lvs-dr start, then journalctl -u lvs-dr-guard`,
    };
  }
  if (table.length > 0) {
    return {
      verdict: "director's table wrong",
      because: `it serves ${vip} when asked, but ${table.join("; ")}`,
      fix: `on ${director}: /usr/local/sbin/lvs-dr start (it puts the table right), then ipvsadm -Ln`,
    };
  }
  if (!own(fromClient)) {
    const because = `${vip} through it answers ${router}, but not the client (${fromClient.detail}), whom others answer`;
    return lost(server, because, names, lastHop);
  }
  if (server.page !== undefined) {
    return {
      verdict: "wrong page",
      because: server.page.text,
      fix: `on ${name}: /usr/local/sbin/lvs-dr start writes /srv/lvs-dr/index.html; nginx -T shows what else serves it`,
    };
  }
  return { verdict: "ok", because: "its RIP, the VIP through it, and the client's view agree", fix: "" };
}

/**
 * On which side of the real server a packet is lost, and where to look.
 * @param next whom the replies must leave for
 */
function lost(
  { name, trace, neighbour }: ServerSight,
  because: string,
  { router, director, owner }: Names,
  next: string,
): Omit<Diagnosis, "server"> {
  const route = `${next === router ? `ip route (default via ${router})` : `ip route get ${next}'s address`}; nft list ruleset`;
  if (trace === undefined)
    return {
      verdict: "replies are lost",
      because,
      fix: `on ${name}: ${route}; sysctl net.ipv4.conf.all.rp_filter`,
    };
  const capture = `${because}; a capture on ${name} sees`;
  const { arrived, taken, replyTo, filtered } = trace;
  if (!arrived && neighbour !== undefined)
    return {
      verdict: "requests are lost",
      because: `${capture} no request: ${director} has its address at ${neighbour}`,
      fix:
        `on ${neighbour.split(" ")[0]}: sysctl -a --pattern 'arp' (proxy_arp, proxy_arp_pvlan must be 0), ip -4 addr;` +
        ` then on ${director}: ip neigh flush all`,
    };
  if (!arrived)
    return {
      verdict: "requests are lost",
      because: `${capture} no request`,
      fix: `on ${director}: nft list ruleset (its output and forward chains); ip neigh show; ip route get its RIP`,
    };
  if (!taken)
    return {
      verdict: "requests are lost",
      because:
        `${capture} the request arrive, and its kernel does not take it` +
        (filtered > 0 ? `: its reverse path filter dropped ${filtered} packets meanwhile` : ""),
      fix:
        filtered > 0
          ? `on ${name}: sysctl -w net.ipv4.conf.all.rp_filter=0, and the same for its NIC; ip route get the client's address`
          : `on ${name}: nft list ruleset, iptables-save: a rule of its own drops what comes for the VIP`,
    };
  if (replyTo === undefined)
    return {
      verdict: "replies are lost",
      because: `${capture} the request, and no reply leave, though its kernel answers`,
      fix: `on ${name}: nft list ruleset (its output chain); ip neigh show (${next} must be there); ${route}`,
    };
  const to = owner(replyTo);
  const straight = to.split(" ")[0] === next;
  return {
    verdict: "replies are lost",
    because: `${capture} the reply leave for ${to}`,
    fix: straight
      ? `on ${next}: sysctl net.ipv4.conf.all.rp_filter (strict only where the VIP's route is), nft list ruleset`
      : `on ${name}: ${route}: replies must go to ${next}`,
  };
}
