/** Who answers the client, counted: each real server's share by its weight. */
import { tableWeight } from "../../model/director/ipvs/table";
import { servingWeights, turnBounds } from "../../model/director/ipvs/turns";
import { listenedPorts } from "../../model/lab/ports";
import { serviceUrl, type Lab, type VirtualService } from "../../model/lab/types";
import { anyCertificate, curlOptions, sideBySide } from "../../health/requests";
import { webProtocol } from "../../model/lab/workloads";
import { lookAtConnections } from "./connections";
import { binomialBound, type Bound } from "./binomial";
import { judge, skipped, type CheckContext, type Finding, type Probe } from "./check";

/** Requests counted for each service. */
export const REQUESTS = 240;
/** Probability with which a cluster that draws servers by weight would fail the check, per server. */
export const ALPHA = 1e-6;
/** Schedulers that give each server its weight's share whatever the load. */
const BY_WEIGHT = ["rr", "wrr"];

export interface Count {
  /** Requests that were made: not all, where some of the first failed. */
  readonly sent: number;
  /** Answers with status 200 by the name in X-Real-Server. */
  readonly answers: Readonly<Record<string, number>>;
  readonly failed: number;
}

/** Seconds for one request. */
const REQUEST_LIMIT = 5;
/** Requests under way at once. */
const AT_ONCE = 16;

/**
 * Bash for the client, by one curl a round, each longer than the one before. A round in which a request fails is the last:
 * what is wrong is certain by then, and on a dead path every further request would wait for its time limit.
 */
export function countCommand(url: string, requests = REQUESTS): string {
  const rounds: string[] = [];
  for (let first = 1, length = AT_ONCE; first <= requests; first += length, length *= 2)
    rounds.push(`${first}-${Math.min(requests, first + length - 1)}`);
  return `
for round in ${rounds.join(" ")}; do
  mapfile -t answers < <(curl ${sideBySide(AT_ONCE)} ${curlOptions(REQUEST_LIMIT)}${anyCertificate(url)} -o /dev/null \\
    -w '%{http_code} %header{x-real-server}\\n' "${url}?[$round]")
  printf '%s\\n' "\${answers[@]}"
  for answer in "\${answers[@]}"; do [[ $answer == '200 '* ]] || break 2; done
done | sort | uniq -c
`;
}

/** Reads what countCommand printed. */
export function parseCount(text: string): Count {
  const answers: Record<string, number> = {};
  let [sent, good] = [0, 0];
  for (const [, count, status, server = ""] of text.matchAll(/^\s*(\d+) (\d{3}) (\S*)$/gm)) {
    sent += Number(count);
    if (status !== "200" || server === "") continue;
    answers[server] = Number(count);
    good += Number(count);
  }
  return { sent, answers, failed: sent - good };
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

/** @param requests that were to be made */
export function judgeCount(lab: Lab, service: VirtualService, count: Count, requests = REQUESTS): Finding[] {
  const { sent, failed } = count;
  const { scheduler, persistent } = service;
  const url = serviceUrl(service);
  const servers = Object.entries(count.answers).map(([name, number]) => `${name} ${number}`);
  const seen =
    `${servers.join(", ") || "nobody"} of ${sent}; ${failed} failed` +
    (sent < requests ? `; the other ${requests - sent} were not sent` : "");
  const base = { where: lab.clients[0].name, command: `curl '${url}?[1-${requests}]'`, seen };
  const known = service.realServers.filter((server) => tableWeight(server) > 0).map(({ name }) => name);
  const strangers = Object.keys(count.answers).filter((name) => !known.includes(name));
  const answered = judge(
    `weights.${service.name}.answers`,
    `every request to ${url} is answered by a real server`,
    failed === 0 && sent === requests && strangers.length === 0,
    { ...base, expected: `${requests} answers with status 200 from ${known.join(", ")}` },
    strangers.length > 0
      ? `${strangers.join(", ")} should not serve: ipvsadm -Ln on ${lab.directors[0].name}; X-Real-Server names the sorry server by the director`
      : "scripts/lab verify diagnosis tells where they are lost",
  );
  return [answered, judgeShares(service, count, base, { scheduler, persistent })];
}

function judgeShares(
  service: VirtualService,
  count: Count,
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
  const bounds = boundsOf(service, count.sent).map((bound) => ({
    ...bound,
    seen: count.answers[bound.server] ?? 0,
  }));
  const expected =
    `${bounds.map(({ server, low, high }) => `${server} ${low} to ${high}`).join(", ")} of ${count.sent}` +
    ` (what the turns of ${scheduler} give, and for other traffic binomial, which leaves each range with a probability of at most ${ALPHA})`;
  return judge(
    name,
    `requests are shared by weight (${service.realServers.map((server) => `${server.name} ${tableWeight(server)}`).join(" : ")})`,
    count.sent > 0 && bounds.every(({ low, high, seen }) => seen >= low && seen <= high),
    { ...base, expected },
    "ipvsadm -Ln on the director: a weight differs, or a server is out",
  );
}

/** Requests to each port of a group; the first port has had its own. */
const GROUP_REQUESTS = 8;

/** Whether a client of one port of a group meets the same real server at the others. */
async function lookAtGroup({ lab, shell }: CheckContext, service: VirtualService): Promise<Finding[]> {
  const ports = listenedPorts(service);
  if (service.persistent === undefined || ports.length < 2) return [];
  const urls = ports.map((port) => serviceUrl(service, service.vip, port));
  const command = urls.map((url) => countCommand(url, GROUP_REQUESTS)).join("\necho == next\n");
  const { stdout } = await shell.run(lab.clients[0].name, "bash -s", { stdin: command, timeout: 60 });
  const counts = stdout.split("== next\n").map(parseCount);
  return [judgeGroup(lab, service, urls, counts)];
}

/** @param counts by port, as the URLs are */
export function judgeGroup(
  lab: Lab,
  { name }: VirtualService,
  urls: readonly string[],
  counts: readonly Count[],
): Finding {
  const servers = new Set(counts.flatMap(({ answers }) => Object.keys(answers)));
  const seen = urls.map((url, at) => {
    const { answers = {}, failed = 0, sent = 0 } = counts[at] ?? {};
    const words = Object.entries(answers).map(([server, number]) => `${server} ${number}`);
    return `${url}: ${words.join(", ") || "nobody"} of ${sent}; ${failed} failed`;
  });
  return judge(
    `weights.${name}.ports`,
    "a client meets the same real server at each port of the group",
    counts.length === urls.length &&
      counts.every(({ sent, failed }) => sent > 0 && failed === 0) &&
      servers.size === 1,
    {
      where: lab.clients[0].name,
      command: urls.map((url) => `curl '${url}?[1-${GROUP_REQUESTS}]'`).join("; "),
      seen: seen.join("; "),
      expected: "answers with status 200 at every port, from one real server",
    },
    `nft list table inet lvs_dr on ${lab.directors[0].name}: the packets to all of them need one mark`,
  );
}

async function look(context: CheckContext): Promise<Finding[]> {
  const { lab, shell } = context;
  const findings: Finding[] = [];
  for (const service of lab.services.filter(({ protocol }) => protocol === "tcp")) {
    if (webProtocol(service) === undefined) {
      findings.push(await lookAtConnections(context, service));
      continue;
    }
    const command = countCommand(serviceUrl(service));
    const { stdout } = await shell.run(lab.clients[0].name, "bash -s", { stdin: command, timeout: 120 });
    findings.push(...judgeCount(lab, service, parseCount(stdout)));
    findings.push(...(await lookAtGroup(context, service)));
  }
  return findings;
}

export const weightsProbe: Probe = { group: "weights", look };
