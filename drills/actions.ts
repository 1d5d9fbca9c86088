/** What several drills do to guests, and how it is undone. */
import type { LabNode } from "../model/lab/types";
import type { DrillRun } from "./drillRun";
import type { Sabotage } from "./drill";

export const STOP_WEB = "systemctl stop nginx";
export const KILL_WEB = "systemctl kill --kill-whom=all -s KILL nginx";
export const HANG_WEB = "systemctl kill --kill-whom=all -s STOP nginx";
/** From wherever it was: stopped, killed, frozen, failed too often. */
export const START_WEB =
  "systemctl kill --kill-whom=all -s CONT nginx 2>/dev/null || true; " +
  "systemctl is-active -q nginx || { systemctl reset-failed nginx; systemctl start nginx; }";

export const DAEMON = "lvs-dr-ldirectord.service";
export const START_DAEMON = `systemctl reset-failed ${DAEMON}; systemctl is-active -q ${DAEMON} || systemctl start ${DAEMON}`;

/** Starts the web servers of all real servers, at once. */
export async function startWebServers(
  run: DrillRun,
  nodes: readonly LabNode[] = run.lab.realServers,
): Promise<void> {
  await Promise.all(nodes.map(({ name }) => run.shell.check(name, START_WEB)));
}

/** Starts ldirectord where it does not run. */
export async function startDaemon(run: DrillRun): Promise<void> {
  await run.shell.check(run.director.name, START_DAEMON);
}

/** The same action on several guests at once; the time of the last one. */
export async function actOnAll(
  run: DrillRun,
  what: (node: LabNode) => string,
  nodes: readonly LabNode[],
  command: string,
): Promise<number> {
  return Math.max(...(await Promise.all(nodes.map((node) => run.act(what(node), node.name, command)))));
}

/** For a remedy that the run itself leaves out where it is sabotaged: there is nothing to take away before it. */
export const byTheRunItself: Pick<Sabotage, "apply" | "undo"> = {
  apply: () => Promise.resolve(),
  undo: () => Promise.resolve(),
};

/** Nobody checks: what is dead stays in the table. */
export const noDaemon: Sabotage = {
  what: "ldirectord is stopped: nobody takes a dead server out of the table",
  expects: /^not within [\d.]+ s: \S+ is out;/,
  apply: async (run) => {
    await run.act("sabotage: ldirectord is stopped", run.director.name, `systemctl stop ${DAEMON}`);
  },
  undo: startDaemon,
};

/** Nobody stands in when all are dead. */
export const noSorryServer: Sabotage = {
  what: "the director's web server is stopped: the sorry server is in the table and does not answer",
  expects: /^(the client reads "|lostWithSorryServer is|failedWhileAllHang is)/,
  apply: async (run) => {
    await run.act("sabotage: the sorry server is stopped", run.director.name, STOP_WEB);
  },
  undo: async (run) => {
    await run.shell.check(run.director.name, START_WEB);
  },
};

/** Why a lab can have no drill at all; undefined when it can. */
export function needsTcp(run: DrillRun): string | undefined {
  const [{ protocol, name }] = run.lab.services;
  return protocol === "tcp"
    ? undefined
    : `it needs a main service over TCP: the load is HTTP, and ${name} is ${protocol}`;
}

/** Why a lab cannot have drills that need a second real server; undefined when it can. */
export function needsTwoServers(run: DrillRun): string | undefined {
  return run.servers.length < 2 ? "it needs two real servers in rotation" : needsDaemon(run);
}

export function needsDaemon(run: DrillRun): string | undefined {
  return run.lab.mode === "ldirectord" ? undefined : "director.mode is static: nobody checks health";
}

export function needsSorry(run: DrillRun): string | undefined {
  return run.lab.services[0].sorry?.address === "127.0.0.1"
    ? needsDaemon(run)
    : "it needs the director's own sorry server";
}
