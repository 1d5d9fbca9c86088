/** Looks at the cluster once: every guest's own status, and requests that the client really makes through the VIP. */
import {
  assessHealth,
  type ClientRequest,
  type DirectorObservation,
  type Health,
  type NodeObservation,
  type Observation,
} from "../model/health";
import { parseGuestStatus, type GuestStatus } from "../model/guest/status";
import { isPayloadGone, PAYLOAD } from "../model/guest/script";
import { problemOf } from "../model/lab/problem";
import { hostPrefix } from "../model/lab/address";
import { holderOf, type DirectorWord, type PairObservation } from "../model/pair";
import { clientService, labNodes, nicOn, serviceUrl, type Lab } from "../model/lab/types";
import { hasLabCertificate } from "../model/lab/workloads";
import { askEach } from "../lib/askEach";
import type { Shell } from "../lib/ssh";
import { parseArping, whoHas } from "./arping";
import { askScript, NOT_ASKED, parseAnswers } from "./requests";

const STATUS = `${PAYLOAD} status`;
/** Enough that under wrr each server has its turn, few enough that a look stays quick. */
const REQUESTS = 8;

/** Seconds for one request. */
const REQUEST_LIMIT = 3;

/** Seconds for a guest's answer, the client's requests among them: they are made side by side. */
const STATUS_LIMIT = 20;

interface Sight {
  /** Undefined for a guest that could not say how it is. */
  readonly status: GuestStatus | undefined;
  readonly node: NodeObservation;
}

async function guestStatus(shell: Shell, node: string, also?: string, status = STATUS): Promise<Sight> {
  // Run by the login shell itself: one more bash costs a guest without KVM some 50 ms.
  const script = also === undefined ? status : `${status}\ncode=$?\n${also}\nexit $code`;
  const { code, stdout } = await shell.run(node, script, { timeout: STATUS_LIMIT });
  return sightOf(node, code, stdout, STATUS_LIMIT);
}

/** @param code as the script ended: 0 or 1 is its verdict, 255 SSH's own, null the end of `limit` seconds */
function sightOf(node: string, code: number | null, stdout: string, limit: number): Sight {
  if (code === 0 || code === 1) {
    const status = parseGuestStatus(node, stdout);
    const failed = code === 1 && status.problems.length === 0;
    const problems = failed ? [problemOf(node, "script-failed", "its own check fails")] : status.problems;
    return { status, node: { reachable: true, problems } };
  }
  const problem =
    code === 255
      ? problemOf(node, "unreachable", "cannot be reached by SSH")
      : code === null
        ? problemOf(node, "no-answer", `did not answer within ${limit} s`)
        : isPayloadGone(code)
          ? problemOf(node, "script-missing", "its own check is missing: run `scripts/lab up`")
          : problemOf(node, "script-failed", `its own check ended with ${code}`);
  return { status: undefined, node: { reachable: code !== 255, problems: [problem] } };
}

const REQUESTS_MARK = "== requests\n";

/** The client's status and its requests, made at the same time, over one session: each costs a guest without KVM time. */
async function clientSight(
  shell: Shell,
  lab: Lab,
  also?: string,
): Promise<Sight & { readonly requests: readonly ClientRequest[] }> {
  const [{ name: node, here = false }] = lab.clients;
  const service = clientService(lab);
  // This host has no role, and nothing to say of itself.
  const status = here ? "true" : STATUS;
  if (service === undefined) return { ...(await guestStatus(shell, node, also, status)), requests: [] };
  const url = serviceUrl(service);
  const ofLab = hasLabCertificate(lab, service) && !here;
  const asked = Array.from({ length: REQUESTS }, () => ({ url, ofLab }));
  const script =
    `exec 3< <(${askScript(asked, REQUEST_LIMIT)})\n${status}\ncode=$?\n${also ?? ""}\n` +
    `printf '${REQUESTS_MARK.replace("\n", "\\n")}'\ncat <&3\nexit $code`;
  const { code, stdout } = await shell.run(node, script, { timeout: STATUS_LIMIT });
  // What is answered may look like anything: it is not searched for sections.
  const mark = stdout.indexOf(REQUESTS_MARK);
  const [said, answers] =
    mark < 0 ? [stdout, ""] : [stdout.slice(0, mark), stdout.slice(mark + REQUESTS_MARK.length)];
  const answered = parseAnswers(answers, asked.length).answers.filter((answer) => answer !== NOT_ASKED);
  return { ...sightOf(node, code, said, STATUS_LIMIT), requests: answered };
}

/** One look at everything. A guest that does not answer is part of what is seen, no error. */
export async function look(shell: Shell, lab: Lab): Promise<Observation> {
  return (await lookCloser(shell, lab, {})).observation;
}

/**
 * The same look, and more with it.
 * @param also bash for some of the guests, by name; it prints `== section` lines and what belongs below them
 * @returns `statuses`: all that each guest said; undefined for one that did not answer
 */
export async function lookCloser(
  shell: Shell,
  lab: Lab,
  asked: Readonly<Record<string, string>>,
): Promise<{ observation: Observation; statuses: ReadonlyMap<string, GuestStatus | undefined> }> {
  const nodes = labNodes(lab);
  const [{ name: router }] = lab.routers;
  const isPair = lab.highAvailability !== undefined;
  const also = isPair ? { ...asked, [router]: `${askWire(lab)}\n${asked[router] ?? ""}` } : asked;
  const others = nodes.filter(({ name }) => name !== lab.clients[0].name);
  const [client, sights] = await Promise.all([
    // Not one of those that wait for room: most of its time are requests that wait for answers.
    clientSight(shell, lab, also[lab.clients[0].name]),
    askEach(others, async ({ name }) => [name, await guestStatus(shell, name, also[name])] as const),
  ]);
  const own = lab.clients[0].here ? [] : [[lab.clients[0].name, client] as const];
  const byName = new Map<string, Sight>([...own, ...sights]);
  const pair = isPair ? pairOf(lab, byName) : undefined;
  const holder = pair === undefined ? undefined : holderOf(lab, pair);
  const observation: Observation = {
    observedAt: new Date().toISOString(),
    director: directorOf(byName.get(holder ?? lab.directors[0].name)),
    ...(pair && { pair }),
    nodes: Object.fromEntries([...byName].map(([name, { node }]) => [name, node])),
    client: { requests: client.requests },
  };
  return { observation, statuses: new Map([...byName].map(([name, { status }]) => [name, status])) };
}

const askWire = (lab: Lab): string =>
  `echo '== arp'; ${whoHas(lab.services[0].vip, nicOn(lab.routers[0], "server").device, 1)}; true`;

function pairOf(lab: Lab, sights: ReadonlyMap<string, Sight>): PairObservation {
  const directors = lab.directors.map(({ name }): [string, DirectorWord] => {
    const status = sights.get(name)?.status;
    return [name, { values: status?.values, ipvsSave: status?.sections["ipvsadm-save"] }];
  });
  const arp = sights.get(lab.routers[0].name)?.status?.sections["arp"];
  return {
    directors: Object.fromEntries(directors),
    ...(arp !== undefined && { answering: parseArping(arp) }),
  };
}

/** Name of the director that holds the VIPs now; undefined where there is one director, or none of two that can be asked. */
export async function askHolder(shell: Shell, lab: Lab): Promise<string | undefined> {
  if (lab.highAvailability === undefined) return undefined;
  const on = `ip -o addr show to ${hostPrefix(lab.services[0].vip)}`;
  const holders = await askEach(lab.directors, async ({ name }) => {
    const { code, stdout } = await shell.run(name, on, { timeout: STATUS_LIMIT });
    return code === 0 && stdout !== "" ? [name] : [];
  });
  return holders.flat()[0];
}

function directorOf(sight: Sight | undefined): DirectorObservation {
  const reachable = sight?.node.reachable ?? false;
  if (sight?.status === undefined) return { reachable };
  const { sections, values } = sight.status;
  return {
    reachable,
    ipvsSave: sections["ipvsadm-save"] ?? "",
    ipvsList: sections["ipvsadm-list"] ?? "",
    configHash: values.configHash ?? "",
  };
}

/**
 * The cluster's health.
 * @param settle seconds during which a cluster that is not healthy is looked at again: after `up`, a guest may still
 *   be booting or a check be under way. What is true at the end is the answer.
 * @param settleDegraded the same for one that serves, where it is known to lack something
 */
export async function observe(shell: Shell, lab: Lab, settle = 0, settleDegraded = settle): Promise<Health> {
  const began = Date.now();
  for (;;) {
    const health = assessHealth(lab, await look(shell, lab));
    const seconds = health.status === "degraded" ? settleDegraded : settle;
    if (health.status === "healthy" || Date.now() - began >= seconds * 1000) return health;
    await new Promise((again) => setTimeout(again, 1000));
  }
}
