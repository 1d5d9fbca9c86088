/** The VIPs are moved to the other director in order: nothing has failed, and nothing is to be lost. */
import { setTimeout as sleep } from "node:timers/promises";
import { assessHealth } from "../model/health";
import { vipHolder } from "../model/director/vipHolder";
import { connections, serverOf, SOCKETS, socketsOf } from "../model/director/ipvs/connections";
import { SYNC_REFRESH } from "../model/director/connectionSync";
import type { ProblemCode } from "../model/lab/problem";
import type { Lab } from "../model/lab/types";
import { holderOf } from "../model/pair";
import { askHolder, look } from "../health/observe";
import { askEach } from "../lib/askEach";
import type { GuestShell, Shell } from "../lib/ssh";

/** What keeps a director from taking over, whatever else may be amiss in the lab. */
const DISABLING: ReadonlySet<ProblemCode> = new Set(["tables-differ", "vip-unheld", "split-brain"]);

/** Seconds in which a standby is told of every connection that talks, with what is under way. */
const TOLD_WITHIN = SYNC_REFRESH + 4;
/** Seconds until the former holder stands by: it has to reach the router twice, and without KVM its guest may be slow. */
const STANDS_BY_WITHIN = 15;

/** Why the VIPs are not moved: nothing was touched. */
export class FailoverRefused extends Error {}

export interface Failover {
  readonly from: string;
  readonly to: string;
  /** Seconds from the order until the other director had the VIPs. */
  readonly seconds: number;
}

export interface FailoverOptions {
  /** The director that shall hold the VIPs; absent: the one that does not. */
  readonly to?: string | undefined;
  /** Moves them though connections would end, or the target is not as it should be. */
  readonly force?: boolean | undefined;
  /** Seconds to wait for the target to be told of every open connection. */
  readonly toldWithin?: number;
  readonly say: (line: string) => void;
}

/**
 * Moves the VIPs, after it has shown what the target knows of the open connections.
 * @returns undefined where the target has them already
 * @throws FailoverRefused before anything is touched; Error when they did not move
 */
export async function failover(
  shell: GuestShell,
  lab: Lab,
  { to, force = false, toldWithin = TOLD_WITHIN, say }: FailoverOptions,
): Promise<Failover | undefined> {
  const { highAvailability: pair } = lab;
  if (pair === undefined)
    throw new FailoverRefused(`stack ${lab.stack} has one director (directors in its configuration)`);
  const names = lab.directors.map(({ name }) => name);
  if (to !== undefined && !names.includes(to))
    throw new FailoverRefused(`no director is called '${to}'; there are ${names.join(", ")}`);
  const observation = await look(shell, lab);
  if (observation.pair === undefined) throw new Error("unreachable: two directors are looked at as a pair");
  const holder = holderOf(lab, observation.pair);
  if (holder !== undefined && holder === to) return undefined;
  const from = holder ?? names.find((name) => name !== to) ?? "";
  const target = to ?? names.find((name) => name !== from) ?? "";
  const reasons: string[] = [];
  const { directors = [], findings = [] } = assessHealth(lab, observation);
  const role = directors.find(({ name }) => name === target)?.role;
  if (role !== "standby") reasons.push(`${target} could not take over: its role is ${role}`);
  const amiss = findings.filter(({ subject, code }) => subject === target || DISABLING.has(code));
  reasons.push(...amiss.map(({ text }) => text));
  const { priorities, failback, sync } = pair;
  if (failback === "automatic" && (priorities[target] ?? 0) < (priorities[from] ?? 0))
    reasons.push(`failback is automatic: ${from} has the higher priority, and would take the VIP back`);
  if (role === "standby" && sync !== "hash")
    reasons.push(...(await untold(shell, lab, [from, target], toldWithin, say)));
  if (reasons.length > 0) {
    if (!force)
      throw new FailoverRefused(
        `the VIP stays at ${from}: ${reasons.join("; ")} (--force moves it all the same)`,
      );
    reasons.forEach((reason) => say(`forced though ${reason}`));
  }
  const moved = await move(shell, lab, from, target);
  // Until then its role is `fault`, though nothing is wrong with it.
  const deadline = Date.now() + STANDS_BY_WITHIN * 1000;
  while (!(await hasDecided(shell, lab, from))) {
    if (Date.now() >= deadline) {
      say(`${from} does not stand by after ${STANDS_BY_WITHIN} s: \`scripts/lab status\` says why`);
      break;
    }
    await sleep(200);
  }
  return moved;
}

/** Whether it is decided what a director is, which may have begun anew: it holds the VIPs, or would take them over. */
export async function hasDecided(shell: Shell, lab: Lab, director: string): Promise<boolean> {
  const { stdout } = await shell.run(director, vipHolder(lab).state, { timeout: 20 });
  return /^(MASTER|BACKUP)/.test(stdout);
}

/**
 * Of connections, those that their real servers have no more. When a director dies, what was closed in its last seconds stays ESTABLISHED in the
 * other one's table until it expires there (900 s): that one has seen no packet of the end. Who does not answer is taken to have them.
 */
export async function endedOf(shell: GuestShell, lab: Lab, open: readonly string[]): Promise<Set<string>> {
  const byServer = await askEach(lab.realServers, async ({ name, address, address6 }) => {
    const mine = open.filter((each) => [address, address6].includes(serverOf(each)));
    if (mine.length === 0) return [];
    const { code, stdout } = await shell.run(name, SOCKETS, { timeout: 20 });
    if (code !== 0) return [];
    const there = socketsOf(stdout);
    return mine.filter((each) => !there.has(each.slice(0, each.lastIndexOf(" > "))));
  });
  return new Set(byServer.flat());
}

/**
 * Waits until the target knows every open connection. One that is missing once may have been opened a moment ago, and be over soon: only what is
 * missing at two looks in a row counts, and what its real server has, too.
 * @returns the connections that it still does not know after `seconds`
 */
export async function toldOfAll(
  shell: GuestShell,
  lab: Lab,
  [from, target]: readonly [string, string],
  seconds: number,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const deadline = Date.now() + seconds * 1000;
  const ask = async (name: string, open: boolean): Promise<Set<string>> =>
    connections(lab, await shell.check(name, "ipvsadm -Lnc", { timeout: 20 }), open);
  for (let before: ReadonlySet<string> | undefined; ;) {
    // The target first: what it knows then, the other one knows too unless it is over.
    const known = await ask(target, false);
    const open = await ask(from, true);
    const unknown = [...open].filter((each) => !known.has(each));
    const suspect = unknown.filter((each) => before?.has(each) !== false);
    const ended = await endedOf(shell, lab, suspect);
    const missing = suspect.filter((each) => !ended.has(each));
    const all = open.size - ended.size;
    const over = ended.size > 0 ? `; ${ended.size} more in its table ended, as their real servers say` : "";
    say(`${target} knows ${all - missing.length} of the ${all} open connections of ${from}${over}`);
    if (missing.length === 0 || Date.now() >= deadline) return missing;
    before = new Set(unknown);
    await sleep(1000);
  }
}

/** Which connections would end, in a sentence. */
async function untold(...asked: Parameters<typeof toldOfAll>): Promise<string[]> {
  const missing = await toldOfAll(...asked);
  if (missing.length === 0) return [];
  const example = missing.slice(0, 3).join(", ") + (missing.length > 3 ? ", …" : "");
  return [
    `${asked[2][1]} does not know ${missing.length} open connections, which would end: ${example}; one is told of when a packet of it comes`,
  ];
}

async function move(shell: GuestShell, lab: Lab, from: string, to: string): Promise<Failover> {
  const { move: order, moveSeconds, units } = vipHolder(lab);
  const begun = Date.now();
  await shell.check(from, order(from), { timeout: 15 + moveSeconds });
  while ((await askHolder(shell, lab)) !== to) {
    if (Date.now() - begun > moveSeconds * 1000)
      throw new Error(
        `${to} did not take the VIP over within ${moveSeconds} s: journalctl -u ${units.join(" -u ")} on both`,
      );
    await sleep(100);
  }
  return { from, to, seconds: (Date.now() - begun) / 1000 };
}
