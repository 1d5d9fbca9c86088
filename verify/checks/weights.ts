/** Who answers the client, counted: each real server's share by its weight. */
import { tableWeight } from "../../model/ipvs";
import { servingWeights, turnBounds } from "../../model/turns";
import type { Lab, VirtualService } from "../../model/types";
import { binomialBound, type Bound } from "./binomial";
import { judge, skipped, type CheckContext, type Finding, type Probe } from "./check";

/** Requests counted for each service. */
export const REQUESTS = 240;
/** Probability with which a cluster that draws servers by weight would fail the check, per server. */
export const ALPHA = 1e-6;
/** Schedulers that give each server its weight's share whatever the load. */
const BY_WEIGHT = ["rr", "wrr"];

export interface Count {
  /** Answers with status 200 by the name in X-Real-Server. */
  readonly answers: Readonly<Record<string, number>>;
  readonly failed: number;
}

/** One curl for all: no connection is used twice, and only who answered is printed. */
export function countCommand(url: string, requests = REQUESTS): string {
  return (
    `curl -s --max-time 5 -H 'Connection: close' -o /dev/null ` +
    `-w '%{http_code} %header{x-real-server}\\n' '${url}?[1-${requests}]' | sort | uniq -c`
  );
}

export function parseCount(text: string, requests: number): Count {
  const answers: Record<string, number> = {};
  let good = 0;
  for (const [, count, server] of text.matchAll(/^\s*(\d+) 200 (\S+)$/gm)) {
    answers[server ?? ""] = Number(count);
    good += Number(count);
  }
  return { answers, failed: requests - good };
}

/** The counts of each server that are no fault: what chance excuses, and what turns alone bring about. */
function boundsOf(service: VirtualService, requests: number): (Bound & { readonly server: string })[] {
  const weights = servingWeights(service);
  const sum = [...weights.values()].reduce((total, weight) => total + weight, 0);
  const turns = turnBounds([...weights.values()], requests);
  return [...weights].map(([server, weight], i) => {
    const { low, high } = binomialBound(requests, weight / sum, ALPHA);
    return { server, low: Math.min(low, turns[i]?.low ?? low), high: Math.max(high, turns[i]?.high ?? high) };
  });
}

export function judgeCount(lab: Lab, service: VirtualService, count: Count, requests: number): Finding[] {
  const { vip, port, scheduler, persistent } = service;
  const url = `http://${vip}:${port}/`;
  const servers = Object.entries(count.answers).map(([name, number]) => `${name} ${number}`);
  const seen = `${servers.join(", ") || "nobody"} of ${requests}; ${count.failed} failed`;
  const base = { where: lab.client.name, command: `curl '${url}?[1-${requests}]'`, seen };
  const known = service.realServers.filter((server) => tableWeight(server) > 0).map(({ name }) => name);
  const strangers = Object.keys(count.answers).filter((name) => !known.includes(name));
  const answered = judge(
    `weights.${service.name}.answers`,
    `every request to ${url} is answered by a real server`,
    count.failed === 0 && strangers.length === 0,
    { ...base, expected: `${requests} answers with status 200 from ${known.join(", ")}` },
    strangers.length > 0
      ? `${strangers.join(", ")} should not serve: ipvsadm -Ln on ${lab.director.name}; X-Real-Server names the sorry server by the director`
      : "scripts/lab verify diagnosis tells where they are lost",
  );
  return [answered, judgeShares(service, count, requests, base, { scheduler, persistent })];
}

function judgeShares(
  service: VirtualService,
  count: Count,
  requests: number,
  base: { where: string; command: string; seen: string },
  { scheduler, persistent }: { scheduler: string; persistent: number | undefined },
): Finding {
  const name = `weights.${service.name}.shares`;
  if (persistent !== undefined) {
    const used = Object.keys(count.answers);
    const evidence = { ...base, expected: `one real server, for ${persistent} s` };
    return judge(
      name,
      "persistence keeps the client on one real server",
      used.length === 1,
      evidence,
      "ipvsadm -lnc",
    );
  }
  if (!BY_WEIGHT.includes(scheduler)) {
    return skipped(
      name,
      "requests are shared by weight",
      `${scheduler} promises no share for one client's requests`,
    );
  }
  const bounds = boundsOf(service, requests).map((bound) => ({
    ...bound,
    seen: count.answers[bound.server] ?? 0,
  }));
  const expected =
    `${bounds.map(({ server, low, high }) => `${server} ${low} to ${high}`).join(", ")} of ${requests}` +
    ` (what the turns of ${scheduler} give, and for other traffic binomial, which leaves each range with a probability of at most ${ALPHA})`;
  return judge(
    name,
    `requests are shared by weight (${service.realServers.map((server) => `${server.name} ${tableWeight(server)}`).join(" : ")})`,
    bounds.every(({ low, high, seen }) => seen >= low && seen <= high),
    { ...base, expected },
    "ipvsadm -Ln on the director: a weight differs, or a server is out",
  );
}

async function look({ lab, shell }: CheckContext): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const service of lab.services.filter(({ protocol }) => protocol === "tcp")) {
    const command = countCommand(`http://${service.vip}:${service.port}/`);
    const { stdout } = await shell.run(lab.client.name, command, { timeout: 120 });
    findings.push(...judgeCount(lab, service, parseCount(stdout, REQUESTS), REQUESTS));
  }
  return findings;
}

export const weightsProbe: Probe = { group: "weights", look };
