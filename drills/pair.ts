/** What drills of two directors have in common: who holds the VIP, for how long nobody does, and which connections outlive it. */
import { hasDecided } from "../failover/failover";
import { startUnit } from "../model/guest/script";
import { hasProblem } from "../model/health";
import type { ProblemCode } from "../model/lab/problem";
import { hostOf } from "../model/lab/hosts";
import { vipHolder, type VipHolder } from "../model/director/vipHolder";
import { nicOn, serviceUrl, type LabNode } from "../model/lab/types";
import { askHolder } from "../health/observe";
import { readStatus, type Status } from "../health/status";
import { answersAgain, sabotageBy, START, withoutDropIn } from "./actions";
import type { Felt } from "./drill";
import type { DrillRun } from "./drillRun";
import { perl, type Stream } from "./stream";

/** Connections that are held open. */
export const FLOWS = 20;
/** Seconds between two questions on each. */
const FLOW_PERIOD = 1;
/** Seconds that they are open before anything happens: the standby was told of them by then. */
const FLOW_AGE = 4;
/** Seconds between two looks at who holds the VIP, or at the health. */
const LOOK_AGAIN = 0.2;
/** Seconds between two echo requests. */
const PING_PERIOD = 0.05;

export const needsPair = ({ lab }: Pick<DrillRun, "lab">): string | undefined =>
  lab.highAvailability === undefined ? "this lab has one director" : undefined;

/** For a fault that only one manager has. */
export const needsManager =
  (manager: string) =>
  (run: DrillRun): string | undefined =>
    needsPair(run) ??
    (theHolder(run).manager === manager ? undefined : `${manager} does not decide who holds the VIP here`);

/** Who decides which director holds the VIP. */
export const theHolder = ({ lab }: Pick<DrillRun, "lab">): VipHolder => vipHolder(lab);

/** Bash that ends it on a director in order, at which that gives the VIP up; and that starts it again. */
export const stopManager = (run: DrillRun): string =>
  `systemctl stop ${theHolder(run).units.toReversed().join(" ")}`;
const startManager = (run: DrillRun): string => theHolder(run).units.map(startUnit).join("; ");

/** The unit of it that others depend on. */
export const managerUnit = (run: DrillRun): string => theHolder(run).units.at(-1) ?? "";

/** What the client may feel where the other director serves on. */
export const NO_RETRY_LOST = { lost: 0 };

/** Seconds for which the real servers' web server keeps a connection without a request: scripts/guest/pages.sh. */
const KEPT_ALIVE = 15;

/** What the client may feel while nobody holds the VIP: where that takes seconds, a request of these is lost, repeated or not. */
export const feltWithin = (seconds: number, lost: number): Felt => (seconds < RETRIED_WITHIN ? { lost } : {});

/** Seconds that a request and its repetition outlast. */
const RETRIED_WITHIN = 2;

/** Seconds without the VIP where it moves in order. */
export const handover = ({ promises }: DrillRun): number => promises.handoverMs / 1000;

export const takeover = ({ promises }: DrillRun): number => promises.takeoverMs / 1000;

/** A busy host may have made the VIP move since the run began. */
export async function holderNow(run: DrillRun): Promise<LabNode> {
  await run.environment.findHolder();
  return run.director;
}

/** Without KVM Pacemaker takes its time to leave. */
const STOP = { timeout: 120 };

/** Stops its manager in order on the director that holds the VIP. @returns that one, and when it began */
export async function stopHolder(run: DrillRun): Promise<{ former: LabNode; stopped: number }> {
  const former = await holderNow(run);
  const what = `${former.name}'s ${theHolder(run).manager} is stopped`;
  return { former, stopped: await run.act(what, former.name, stopManager(run), STOP) };
}

/** The run goes on with the director that holds the VIP now. */
export async function follow(run: DrillRun): Promise<void> {
  await run.environment.findHolder();
  await run.watch();
}

/** The director that stands by when the run begins. */
export function theStandby({ lab }: DrillRun): LabNode {
  const [, standby] = lab.directors;
  if (standby === undefined) throw new Error("this lab has one director");
  return standby;
}

/** What the client feels of a failover. */
export interface Sight {
  /** Waits until the VIP answers, which it may do some time after a director has it: the router has to hear of that first. */
  answers(seconds: number): Promise<void>;
  /** Seconds for which the VIP answered nobody, at the longest after a time. */
  outage(since: number): number | null;
  /** Judges the connections: all that were open at a time still are, but for so many that have lost their real server. */
  flowsKept(since: number, doomed?: number): Promise<void>;
}

/** Has the client hold connections open and ask the VIP for an echo all the time. */
export async function observeClient(run: DrillRun): Promise<Sight> {
  const { name } = run.lab.clients[0];
  const [service] = run.lab.services;
  const seconds = 400 * run.scale;
  const replies: number[] = [];
  const ping = `ping -n -D -i ${PING_PERIOD} -w ${Math.ceil(seconds)} ${service.vip} | sed -un 's/^\\[\\([0-9.]*\\)\\] .*icmp_seq=\\([0-9]*\\).*/\\1 \\2/p'`;
  const pinging = await run.program(name, ping, (t) => replies.push(t));
  let alive: number | undefined;
  let open = false;
  const lost: number[] = [];
  const flows: Stream = await run.program(
    name,
    perl("flows", serviceUrl(service), FLOWS, FLOW_PERIOD, seconds),
    (t, line) => {
      const [word, number] = line.split(" ");
      if (word === "open") open = true;
      else if (word === "alive") alive = Number(number);
      else lost.push(run.event(`a connection that was open: ${line}`, t));
    },
  );
  await run.until(
    `${FLOWS} connections are open, and the VIP answers pings`,
    () => open && replies.length > 0,
    20,
  );
  await run.sleep(FLOW_AGE);
  const outage = (since: number): number | null => {
    const after = replies.filter((t) => t > since - 1);
    const gaps = after.slice(1).map((t, i) => (t > since ? t - (after[i] ?? t) : 0));
    const silent = after.at(-1) === undefined || run.now - (after.at(-1) ?? 0) > 5;
    return silent ? null : Math.max(0, ...gaps) - PING_PERIOD;
  };
  return {
    outage,
    async answers(limit) {
      const lately = (): boolean => run.now - (replies.at(-1) ?? -Infinity) < 1;
      await run.until("the VIP answers", lately, limit, "not-taken-over", LOOK_AGAIN);
      await run.sleep(2);
    },
    async flowsKept(since, doomed = 0) {
      // After so long the real servers have closed them: TCP repeats at intervals that double, and is heard after twice the outage at the latest.
      const outlives = 2 * (outage(since) ?? 0) < KEPT_ALIVE - 2 * FLOW_PERIOD;
      pinging.kill();
      await flows.end(20_000);
      const wereOpen = FLOWS - doomed - lost.filter((t) => t < since).length;
      run.figure("flowsKept", alive ?? null, { min: outlives ? run.promises.flowsKept(wereOpen) : 0 });
    },
  };
}

/** Waits until the other director holds the VIP; the run goes on with that one. */
export async function takenOver(run: DrillRun, from: LabNode, seconds: number): Promise<void> {
  // The other one alone: the first may be without power, and would be waited for.
  const [other] = run.lab.directors.filter((each) => each !== from);
  if (other === undefined) throw new Error("this lab has one director");
  const alone = { ...run.lab, directors: [other] } as const;
  const holds = async (): Promise<boolean> => (await askHolder(run.shell, alone)) !== undefined;
  await run.until(`${other.name} holds the VIP`, holds, seconds, "not-taken-over", LOOK_AGAIN);
  run.event(`${other.name} holds the VIP`);
  run.environment.heldBy(other.name);
  return run.watch();
}

/** Waits until the other director serves in the place of one that was lost, and judges what the client felt of it. */
export async function servedOn(run: DrillRun, sight: Sight, from: LabNode, since: number): Promise<void> {
  await takenOver(run, from, takeover(run) + 10);
  await sight.answers(takeover(run));
  run.duration("outageSeconds", sight.outage(since), takeover(run));
  await sight.flowsKept(since);
}

/** Waits until the health names a problem. @returns seconds it took */
export async function named(
  run: DrillRun,
  code: ProblemCode,
  subject: string,
  seconds: number,
): Promise<number> {
  const since = run.now;
  let health: Status | undefined;
  const said = (): string => `${health?.problems.join("; ") || health?.status}`;
  const names = async (): Promise<boolean> => {
    health = await readStatus(run.shell, run.lab);
    return hasProblem(health, subject, code);
  };
  const what = (): string => `the health has no problem ${code} of ${subject}: ${said()}`;
  await run.until(what, names, seconds, "not-named", LOOK_AGAIN);
  run.event(`health: ${said()}`);
  return run.now - since;
}

/** How often a director has become the active one since its boot, by its manager's log. */
export async function elections(run: DrillRun, node: LabNode): Promise<number> {
  return Number((await run.ask(node.name, theHolder(run).elections)).trim());
}

/** How often either director has become the active one since its boot. */
export async function roleChanges(run: DrillRun): Promise<number> {
  const each = await Promise.all(run.lab.directors.map((node) => elections(run, node)));
  return each.reduce((sum, n) => sum + n, 0);
}

/** A command that must succeed on both directors. */
export async function onDirectors({ lab, shell }: DrillRun, command: string): Promise<void> {
  for (const { name } of lab.directors) await shell.check(name, command);
}

/** Ingress and egress of a director but for the host's own: whoever drills must still get in. */
export function cutOff({ lab }: Pick<DrillRun, "lab">, node: LabNode): string {
  const { device } = nicOn(node, "server");
  // Through it every login comes.
  const host = hostOf(lab, node).segments.server.hostAddress;
  const only = (way: string, own: string): string =>
    `chain ${way} { type filter hook ${way} device ${device} priority 0; ip ${own} ${host} accept; arp ${own} ip ${host} accept; drop; }`;
  return `nft 'table netdev lvsdr_drill { ${only("ingress", "saddr")} ; ${only("egress", "daddr")} ; }'`;
}

export const UNCUT =
  "nft delete table netdev lvsdr_drill 2>/dev/null || true; nft delete table inet lvsdr_drill 2>/dev/null || true";

/** Both directors are on, reached, and as their own scripts want them; the VIP stays where it is. */
export async function restorePair(run: DrillRun): Promise<void> {
  for (const { name, domain, ssh } of run.lab.directors) {
    if (ssh === undefined && (await run.environment.power.on(domain))) await answersAgain(run, name);
    await run.shell.check(
      name,
      `${UNCUT}; ${startManager(run)}; /usr/local/sbin/lvs-dr status >/dev/null || ${START}`,
      {
        timeout: 240,
      },
    );
  }
  for (const node of run.lab.directors) await standsBy(run, node, 20);
  await run.environment.findHolder();
}

/** Waits until it is decided what a director is that may have booted: it holds the VIP, or would take it over. */
export async function standsBy(run: DrillRun, node: LabNode, seconds: number): Promise<void> {
  await answersAgain(run, node.name);
  const decided = (): Promise<boolean> => hasDecided(run.shell, run.lab, node.name);
  await run.until(`${node.name} stands by`, decided, seconds, "not-in-time", 0.5);
}

/** Nobody is there to take over. */
export const noStandby = sabotageBy(
  "the VIP's manager is stopped on the standby: nobody takes the VIP over",
  ["not-taken-over"],
  theStandby,
  ["the standby's manager is stopped", stopManager],
  restorePair,
);

/** Undoes a change of the manager's unit, on both directors: which one was hit may hold no VIP by now. */
export async function restoreUnits(run: DrillRun): Promise<void> {
  await onDirectors(run, `${withoutDropIn(managerUnit(run))}; systemctl restart ${managerUnit(run)}`);
  await restorePair(run);
}

/** What most drills of two directors have. */
export const OF_A_PAIR = { unfit: needsPair, restore: restorePair, sabotage: noStandby } as const;
