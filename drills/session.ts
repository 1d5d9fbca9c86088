/** The drills of one call, one after the other: what became of each is told even when one of them is the end of it. */
import { needsWeb, needsTwoServers } from "./actions";
import { DRILLS } from "./catalogue";
import { restore } from "./restoring";
import { renderResult } from "./resultText";
import { CutOff, INTERRUPTED, openRun, runDrill, type Bench, type RunOptions } from "./runner";
import { Interrupted } from "./waiting";
import { lacksCommand } from "../health/commands";
import { labNodes, type Lab } from "../model/lab/types";
import { webProtocol } from "../model/lab/workloads";
import type { Shell } from "../lib/ssh";
import type { Drill } from "./drill";
import type { DrillOutcome } from "./types";

export interface Session {
  readonly outcomes: readonly DrillOutcome[];
  /** What ended it before its time. */
  readonly error?: Error;
}

/** Undoes what a program that was killed has left broken. */
export async function undoCutOff(bench: Bench, drills: readonly Drill[] = DRILLS): Promise<void> {
  const { environment, store } = bench;
  const left = store.interrupted();
  if (left === undefined) return;
  const drill = drills.find(({ name }) => name === left.drill);
  if (drill === undefined)
    throw new Error(
      `${left.drill} was cut off before and is not known here: run scripts/lab up, then remove .lab/${environment.lab.stack}/drills/.running`,
    );
  environment.say(`${drill.name} was cut off before: undoing it`);
  // A server that has since left the configuration has nothing left to undo.
  const known = environment.lab.realServers.some(({ name }) => name === left.target);
  const target = known ? left.target : undefined;
  try {
    await restore(drill, openRun(bench, "fault", drill, { restoring: true, target }), true);
  } catch (error) {
    const { name, description } = drill;
    store.writeTried({ name, description, verdict: "error", failures: [(error as Error).message], runs: [] });
    throw error;
  }
  store.markDone();
}

function whyUnfit(drill: Drill, bench: Bench): string | undefined {
  const run = openRun(bench, "fault", drill);
  const lacking = lackingFor(drill, run.lab);
  if (lacking !== undefined) return lacking;
  return needsWeb(run) ?? (drill.unfit ?? needsTwoServers)(run);
}

/** What a machine has not got that the drill would cut something off with, or speak TLS by; undefined when nothing is missing. */
async function whyUnequipped({ cuts, ...drill }: Drill, bench: Bench): Promise<string | undefined> {
  const run = openRun(bench, "fault", drill);
  const { shell } = bench.environment;
  const needs = (cuts?.(run) ?? []).map((node) => [node, "nft"] as const);
  return (await lacksCommand(shell, needs)) ?? lacksTls(shell, run.lab);
}

/** Why the client cannot speak TLS where the main service is https; undefined when it can. A guest has all it takes. */
async function lacksTls(
  shell: Shell,
  { clients: [client], services: [service] }: Lab,
): Promise<string | undefined> {
  if (webProtocol(service) !== "https" || (client.ssh === undefined && !client.here)) return undefined;
  const { code } = await shell.run(client.name, "perl -MIO::Socket::SSL -e 1");
  return code === 0 ? undefined : `there is no libio-socket-ssl-perl on ${client.name}`;
}

/** What the lab does not have, and the drill takes; undefined when nothing is. */
export function lackingFor({ takes = [] }: Pick<Drill, "takes">, lab: Lab): string | undefined {
  for (const need of takes) {
    if (need === "router" && lab.routers[0].here)
      return "it takes a router of the lab's, and router is false";
    if (need === "client" && lab.clients[0].here)
      return "it takes a client of the lab's, and client is false";
    const machine = need === "guests" ? labNodes(lab).find(({ ssh }) => ssh !== undefined) : undefined;
    if (machine)
      return `it is for guests: nobody takes the power or network from ${machine.name}, which is a machine that exists`;
  }
  return undefined;
}

export async function runDrills(
  drills: readonly Drill[],
  bench: Bench,
  options: RunOptions,
): Promise<Session> {
  const { environment, store } = bench;
  const outcomes: DrillOutcome[] = [];
  let ended: Error | undefined;
  let amiss: readonly string[] | undefined;
  for (const drill of drills) {
    const { name, description } = drill;
    const skip = (reason: string): void => {
      environment.say(`skip ${name}: ${reason}`);
      outcomes.push({ name, description, verdict: "skip", reason });
    };
    // A run that was over when somebody interrupted has its result.
    if (environment.signal.aborted) ended ??= new Interrupted(INTERRUPTED);
    const unfit =
      ended === undefined ? (whyUnfit(drill, bench) ?? (await whyUnequipped(drill, bench))) : undefined;
    if (ended !== undefined) skip("its turn did not come");
    else if (unfit !== undefined) skip(unfit);
    else if ((amiss ??= await environment.amiss()).length > 0) {
      const refused = { name, description, verdict: "refused", failures: amiss } as const;
      outcomes.push(refused);
      store.writeTried(refused);
    } else
      try {
        const result = await runDrill(drill, bench, options);
        outcomes.push(result);
        environment.say(renderResult(result));
      } catch (error) {
        ended = error as Error;
        const runs = error instanceof CutOff ? error.runs : [];
        const cutOff = { name, description, verdict: "error", failures: [ended.message], runs } as const;
        outcomes.push(cutOff);
        store.writeTried(cutOff);
      }
  }
  // Its fault and those of a drill could not be told apart, and the drill could not restore what it did not find.
  if (amiss !== undefined && amiss.length > 0)
    ended = new Error(
      `no drill was run, because the lab is not as configured: ${amiss.join("; ")} (\`scripts/lab up\` repairs it)`,
    );
  return { outcomes, ...(ended !== undefined && { error: ended }) };
}
