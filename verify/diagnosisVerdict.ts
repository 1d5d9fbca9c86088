/** The three-way diagnosis of a real server: from what was seen on three ways to it, what is wrong with it. Pure. */

export type Verdict =
  | "ok"
  | "service down"
  | "VIP missing on lo"
  | "withdrawn by its guard"
  | "ARP leak"
  | "router does not forward"
  | "director's table wrong"
  | "nobody answers ARP for the VIP"
  | "replies are lost"
  | "cannot be judged";

/** One request. */
export interface Answer {
  /** Status 200, and where asked for, the expected body. */
  readonly ok: boolean;
  /** Name in X-Real-Server; "" without an answer. */
  readonly server: string;
  /** Status and time, or curl's error. */
  readonly detail: string;
}

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
  /** How its entry in the live table differs from what is meant; empty when it doesn't. */
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
  /** What most likely mends it; "" when nothing is wrong. */
  readonly fix: string;
}

interface Names {
  readonly vip: string;
  readonly router: string;
  readonly director: string;
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
  { vip, router, director }: Names,
): Omit<Diagnosis, "server"> {
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
      fix: `on ${name}: systemctl status nginx; is the guest up and its address right?`,
    };
  }
  if (leaking.length > 0 && !(own(fromRouter) && own(fromClient))) {
    return {
      verdict: "cannot be judged",
      because: `requests for ${vip} may reach ${leaking.join(", ")}, which answers ARP for it`,
      fix: `mend ${leaking.join(", ")} first`,
    };
  }
  if (!sight.directorAnswersArp && !own(fromRouter)) {
    return {
      verdict: "nobody answers ARP for the VIP",
      because: `${router} cannot find ${vip}: ${fromRouter.detail}`,
      fix: `on ${director}: ip -4 addr show: ${vip}/32 must be on its NIC`,
    };
  }
  if (!own(fromRouter)) {
    const rip = withdrawn === undefined ? "its RIP answers" : `its guard has withdrawn it (${withdrawn})`;
    const because = `${rip}, ${vip} through it alone does not answer (${fromRouter.detail})`;
    if (vipOnLo === true) {
      return {
        verdict: "replies are lost",
        because: `${because}, though the VIP is on its lo`,
        fix: `on ${name}: ip route (default via ${router}); sysctl net.ipv4.conf.all.rp_filter`,
      };
    }
    return {
      verdict: "VIP missing on lo",
      because: vipOnLo === false ? `${because}; its lo has no ${vip}` : because,
      fix: `on ${name}: ip addr add ${vip}/32 dev lo label lo:vip`,
    };
  }
  if (!own(fromClient) && !sight.clientReachesVip) {
    return {
      verdict: "router does not forward",
      because: `${vip} through it answers ${router}, but not the client (${fromClient.detail})`,
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
      fix: `on ${director}: systemctl restart lvs-dr-ldirectord (it reads its table anew), then ipvsadm -Ln`,
    };
  }
  if (!own(fromClient)) {
    return {
      verdict: "replies are lost",
      because: `${vip} through it answers ${router}, but not the client (${fromClient.detail}), whom others answer`,
      fix: `on ${name}: ip route get the client's address`,
    };
  }
  return { verdict: "ok", because: "its RIP, the VIP through it, and the client's view agree", fix: "" };
}
