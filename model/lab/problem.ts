/** What keeps a lab from being healthy, from the guest that finds it to the report: the code decides, the text is for people. */

/** Every code with its meaning, as docs/reference/verify.md lists them. */
export const PROBLEM_CODES = {
  // A guest's own script (scripts/guest/).
  "vip-missing": "the VIP is not on the device where it belongs",
  "vip-unexpected": "the VIP is on a director that stands by",
  "vip-preferred": "the VIP of IPv6 is not deprecated: the node itself may send from it",
  "vip-on-nic": "a real server has the VIP of IPv6 on a NIC, and advertises it there",
  "address-missing": "an address of the node is not there",
  "sysctl-differs": "a sysctl has another value than Direct Routing needs",
  "arp-rule-missing": "an arptables rule that keeps a real server silent about the VIP is not there",
  "neighbour-differs": "the router's permanent neighbour entries are not those of arpStrategy static",
  "route-differs":
    "a default route does not go through the router, or the router's route to a VIP is not there",
  "not-listening": "nothing accepts connections on a service's port",
  "workload-failed": "a workload's script says that it is not well, or does not answer in time",
  "unit-inactive": "a systemd unit does not run",
  "unit-unexpected": "a systemd unit runs that should not",
  "marks-differ": "the director's nftables rules are not those of the services by firewall mark",
  "file-differs": "a file was changed or taken away by somebody else",
  withdrawn: "a real server refuses its health check, since it is not fit to serve the VIP",
  "director-fault": "one of two directors could not take the VIP over",
  "sync-differs": "IPVS' connection sync does not run on one of two directors, or should not",
  // The kernel's table (scripts/guest/ipvsTable.pl).
  "service-missing": "a configured service is not in the table",
  "service-differs": "a service has another scheduler, persistence or flag",
  "service-unexpected": "a service that is not configured is in the table",
  "server-missing": "a real server is not in the table of a director without health checks",
  "server-unexpected": "a server that is not configured is in a service",
  "server-withheld": "a real server that passes its check is not in the table",
  "weight-differs": "a real server has another weight",
  "forwarding-differs": "a real server is not reached by Direct Routing",
  "thresholds-differ": "a real server has other connection thresholds",
  "sorry-server-beside-live": "the sorry server is in the table beside live real servers",
  // What the host sees.
  "host-silent": "none of the guests of one of several hosts can be reached",
  unreachable: "a guest cannot be reached by SSH",
  "no-answer": "a guest did not answer in time",
  "script-missing": "a guest's own script is gone",
  "script-failed": "a guest's own script ended with an error",
  "script-outdated": "a guest's own script is of another configuration",
  "table-unreadable": "what ipvsadm prints is not understood",
  "server-down": "a real server gets no connections",
  "sorry-server-active": "the sorry server stands in for all real servers",
  "requests-failed": "requests through the VIP got no good answer",
  "wrong-page": "clients read another page than the server's own, though its status is good",
  "client-not-asked": "the client could not be asked to send requests",
  // Two directors (model/pair.ts).
  "vip-unheld": "no director holds the VIP",
  "split-brain": "more than one director holds the VIP, or answers for it",
  "tables-differ": "the tables of the two directors differ, so that a failover would change who serves",
  // ldirectord (verify/checker.ts).
  "checker-stopped": "ldirectord does not run, or a process of it is stopped",
  "checker-config-stale": "ldirectord has not read its configuration since it changed",
  "checker-not-checking": "ldirectord does not check a real server",
  /** From a script older than the codes. */
  unspecified: "a guest's script says so in words",
} as const;

export type ProblemCode = keyof typeof PROBLEM_CODES;

export interface Problem {
  /** Who has it: a node's or a host's name ("rs1", "host2"), a service ("tcp 10.0.0.100:80"), or the address of a server that is not the lab's. */
  readonly subject: string;
  readonly code: ProblemCode;
  /** What it is about, for instance a sysctl, an address or a service; may be empty. */
  readonly detail: string;
  /** One sentence, the subject first. */
  readonly text: string;
}

/** @param what is wrong, without the subject */
export function problemOf(subject: string, code: ProblemCode, what: string, detail = ""): Problem {
  return { subject, code, detail, text: `${subject}: ${what}` };
}

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEM_CODES, code);
}

/** Each fact once, the first sentence about it. */
export function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map<string, Problem>();
  for (const problem of problems) {
    const key = JSON.stringify([problem.subject, problem.code, problem.detail]);
    if (!seen.has(key)) seen.set(key, problem);
  }
  return [...seen.values()];
}
