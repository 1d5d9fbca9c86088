/** What several drills do to guests, and how it is undone. */
import type { RunOptions } from "../lib/ssh";
import { controlPlane, type CheckerDaemon } from "../model/director/controlPlane";
import { vipHolder } from "../model/director/vipHolder";
import { isOwnSorry, type LabNode } from "../model/lab/types";
import { webProtocol } from "../model/lab/workloads";
import type { DrillRun } from "./drillRun";
import type { Sabotage } from "./drill";

export const STOP_WEB = "systemctl stop nginx";
export const KILL_WEB = "systemctl kill --kill-whom=all -s KILL nginx";
export const HANG_WEB = "systemctl kill --kill-whom=all -s STOP nginx";
/** From wherever it was: stopped, killed, frozen, failed too often. */
export const START_WEB =
  "systemctl kill --kill-whom=all -s CONT nginx 2>/dev/null || true; " +
  "systemctl is-active -q nginx || { systemctl reset-failed nginx; systemctl start nginx; }";

/** A guest's own script puts all of its part right. */
export const START = "/usr/local/sbin/lvs-dr start";

/** What checks the real servers. @throws Error in static mode, where nothing does: see needsDaemon */
export function theDaemon({ lab }: DrillRun): CheckerDaemon {
  const { daemon } = controlPlane(lab);
  if (daemon === undefined) throw new Error(NOBODY_CHECKS);
  return daemon;
}

export const startDaemonCommand = (run: DrillRun): string => theDaemon(run).startChecks;

/** Which guest. */
export type Where = (run: DrillRun) => LabNode;
export const theDirector: Where = (run) => run.director;
export const theTarget: Where = (run) => run.target;
export const theClient: Where = (run) => run.lab.clients[0];

/** A command, or how it follows from the run. */
export type Command = string | ((run: DrillRun) => string);
const textOf = (command: Command, run: DrillRun): string =>
  typeof command === "string" ? command : command(run);

/** A command that must succeed in one guest. */
export function on(where: Where, command: Command, options?: RunOptions): (run: DrillRun) => Promise<void> {
  return async (run) => {
    await run.shell.check(where(run).name, textOf(command, run), options);
  };
}

/** Has a guest's own script put its part right. */
export const startOn = (where: Where): ((run: DrillRun) => Promise<void>) =>
  on(where, START, { timeout: 180 });

/** /run is empty after a boot: the mark says that this is still the old one. */
export const BOOT_MARK = "/run/lvs-dr-drill-before";

/** Waits until a guest that was away answers over new connections, which are used from now on. */
export async function answersAgain(run: DrillRun, node: string): Promise<void> {
  const answers = async (): Promise<boolean> => {
    const shell = run.environment.ownShell();
    try {
      return (await shell.run(node, `test ! -e ${BOOT_MARK}`, { timeout: 20 })).code === 0;
    } finally {
      await shell.close();
    }
  };
  const limit = run.promises.rebootSeconds;
  await run.until(`${node} answers after its reboot`, answers, limit, "not-in-time", 1);
  run.forgetClock(node);
  run.environment.renewShell();
}

/** A command that must succeed in all real servers, at once. */
export const onRealServers =
  (command: string) =>
  async ({ lab, shell }: DrillRun): Promise<void> =>
    void (await Promise.all(lab.realServers.map(({ name }) => shell.check(name, command))));

export const startWebServers = onRealServers(START_WEB);
/** Starts the daemon that checks where it does not run. */
export const startDaemon = on(theDirector, startDaemonCommand);

/** In /run, so that no sabotage outlives a boot. */
const dropIn = (unit: string): string => `/run/systemd/system/${unit}.d`;
/** Bash that gives a unit other settings. @param lines `\\n` between two */
export const withDropIn = (unit: string, lines: string, section = "Service"): string =>
  `mkdir -p ${dropIn(unit)}; printf '[${section}]\\n%b\\n' '${lines}' >${dropIn(unit)}/drill.conf; systemctl daemon-reload`;
/** Bash that takes them away again. */
export const withoutDropIn = (unit: string): string => `rm -rf ${dropIn(unit)}; systemctl daemon-reload`;

/** What is done to the target, in words, and by which command. */
export type Step = readonly [what: string, command: string];

/** What is done to the target's web server. */
export const webServer = ({ target }: DrillRun, what: string, command: string): Step => [
  `${target.name}'s web server ${what}`,
  command,
];

/** The same is done to several web servers at once; the time of the last one. */
export async function webServers(
  run: DrillRun,
  what: string,
  command: string,
  nodes: readonly LabNode[] = run.servers,
): Promise<number> {
  const times = nodes.map(({ name }) => run.act(`${name}'s web server ${what}`, name, command));
  return Math.max(...(await Promise.all(times)));
}

/** What systemd says of the daemon that checks. */
export async function daemonState(run: DrillRun): Promise<string> {
  return (await run.ask(run.director.name, `systemctl is-active ${theDaemon(run).unit} || true`)).trim();
}

/** For a remedy that the run itself leaves out where it is sabotaged: there is nothing to take away before it. */
export const byTheRunItself: Pick<Sabotage, "apply" | "undo"> = {
  apply: () => Promise.resolve(),
  undo: () => Promise.resolve(),
};

/** A sabotage by one command in one guest. */
export function sabotageBy(
  what: string,
  expects: Sabotage["expects"],
  where: Where,
  [said, command]: readonly [said: string, command: Command],
  undo: Sabotage["undo"],
): Sabotage {
  const apply = async (run: DrillRun): Promise<void> =>
    void (await run.act(`sabotage: ${said}`, where(run).name, textOf(command, run)));
  return { what, expects, apply, undo };
}

/** Nobody checks: what is dead stays in the table. */
export const noDaemon = sabotageBy(
  "the daemon that checks is stopped: nobody takes a dead server out of the table",
  ["not-out"],
  theDirector,
  ["the daemon that checks is stopped", (run) => theDaemon(run).stopChecks],
  startDaemon,
);

/** Nobody stands in when all are dead. */
export const noSorryServer = sabotageBy(
  "the director's web server is stopped: the sorry server is in the table and does not answer",
  ["sorry-page", "lostWithSorryServer", "failedWhileAllHang"],
  theDirector,
  ["the sorry server is stopped", STOP_WEB],
  on(theDirector, START_WEB),
);

/** Why a lab can have no drill at all; undefined when it can. */
export function needsWeb(run: DrillRun): string | undefined {
  const [service] = run.lab.services;
  if (webProtocol(service) !== undefined) return undefined;
  const { name, protocol, workload } = service;
  const what = workload === undefined ? `is ${protocol}` : `is served by ${workload}`;
  return `it needs a main service of the lab's web server: the load is HTTP or HTTPS, and ${name} ${what}`;
}

/** Why a lab cannot have drills that need a second real server; undefined when it can. */
export function needsTwoServers(run: DrillRun): string | undefined {
  return run.servers.length < 2 ? "it needs two real servers in rotation" : needsDaemon(run);
}

const NOBODY_CHECKS = "director.mode is static: nobody checks health";

export function needsDaemon({ lab }: DrillRun): string | undefined {
  return controlPlane(lab).daemon === undefined ? NOBODY_CHECKS : undefined;
}

/** Why a lab cannot have drills that end the daemon that checks. */
export function needsOwnDaemon(run: DrillRun): string | undefined {
  const { daemon } = controlPlane(run.lab);
  const shared = daemon !== undefined && vipHolder(run.lab).units.includes(daemon.unit);
  return shared ? `${daemon.name} decides about the VIP too` : needsTwoServers(run);
}

export function needsLdirectord({ lab }: DrillRun): string | undefined {
  return lab.mode === "ldirectord" ? undefined : `director.mode is ${lab.mode}: ldirectord does not run`;
}

export function needsSorry(run: DrillRun): string | undefined {
  const [service] = run.lab.services;
  if (!isOwnSorry(service)) return "it needs the director's own sorry server";
  if (webProtocol(service) === "https") return "the director's own sorry server speaks HTTP alone";
  return needsDaemon(run);
}

/** A drill that any lab can have. */
export const needsNothing = (): undefined => undefined;
