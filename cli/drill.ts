/** `scripts/lab drill`: breaks the lab on purpose, measures what clients felt, and mends it. */
import { writeFileSync } from "node:fs";
import { InvalidArgumentError, type Command } from "commander";
import { chooseDrills, DRILLS } from "../verify/drill/catalogue";
import { DrillRun } from "../verify/drill/drillRun";
import { Interrupted } from "../verify/drill/waiting";
import { Environment } from "../verify/drill/environment";
import { ResultStore } from "../verify/drill/resultStore";
import { junitCases, renderList, renderResult } from "../verify/drill/resultText";
import { restore, runDrill } from "../verify/drill/runner";
import type { DrillResult } from "../verify/drill/types";
import { renderJunit } from "../verify/junit";
import { callersFile } from "./callersFile";
import { StackContext, type StackOptions } from "./context";
import { printJson, say, seconds } from "./terminal";

interface DrillOptions extends StackOptions {
  readonly all?: boolean;
  readonly list?: boolean;
  readonly repeat: number;
  readonly pairs?: boolean;
  readonly scale?: number;
  readonly soak?: number;
  readonly json?: boolean;
  readonly junit?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("a number above 0");
  return value;
}

function wholePositive(text: string): number {
  const value = positive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError("a whole number");
  return value;
}

/** Aborted by the first Ctrl-C or TERM; a second one is not heard, since the lab must be mended first. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      if (controller.signal.aborted) say("still undoing what was broken");
      controller.abort();
    });
  return controller.signal;
}

async function runAll(names: readonly string[], options: DrillOptions): Promise<DrillResult[]> {
  const drills = chooseDrills(names, options.all);
  const context = new StackContext(options);
  const { access } = await context.outputs();
  if (access === undefined) throw new Error("unreachable: outputs() refuses this");
  const environment = await Environment.open({
    access,
    power: {
      off: async (domain) => void (await context.virsh.run("destroy", domain)),
      on: async (domain) => void (await context.virsh.run("start", domain)),
    },
    say,
    signal: interruption(),
    ...(options.scale === undefined ? {} : { timeScale: options.scale }),
    ...(options.soak === undefined ? {} : { soakSeconds: options.soak }),
  });
  const store = new ResultStore(context.directory);
  const results: DrillResult[] = [];
  try {
    const cutOff = DRILLS.find(({ name }) => name === store.interrupted());
    if (cutOff !== undefined) {
      say(`${cutOff.name} was cut off before: undoing it`);
      const { signal } = environment;
      await restore(cutOff, environment, true);
      environment.signal = signal;
      store.markDone();
    }
    for (const drill of drills) {
      const unfit = drill.unfit?.(new DrillRun(environment, "fault", 0));
      if (unfit !== undefined) {
        if (names.length > 0) throw new Error(`${drill.name} is not for this lab: ${unfit}`);
        say(`skip ${drill.name}: ${unfit}`);
        continue;
      }
      const result = await runDrill(drill, environment, store, {
        repeat: options.repeat,
        pairs: options.pairs ?? false,
      });
      results.push(result);
      say(renderResult(result));
    }
  } finally {
    await environment.close();
  }
  return results;
}

export function addDrillCommand(command: Command): void {
  command
    .argument("[names...]", "drills; without any, the source article's own failure tests")
    .option("--all", "every drill")
    .option("--list", "only list the drills; * marks the article's")
    .option("--repeat <n>", "runs of each, for distributions", wholePositive, 1)
    .option("--pairs", "each also without the fault, and with its remedy sabotaged")
    .option("--scale <factor>", "multiplies every promised time (2 without KVM)", positive)
    .option("--soak <seconds>", "how long lossy-link lasts; 300 without it", positive)
    .option("--json", "one JSON value")
    .option("--junit <file>", "write a JUnit report")
    .action(async (names: string[], options: DrillOptions) => {
      if (options.list) {
        process.stdout.write(`${renderList(DRILLS)}\n`);
        return;
      }
      const started = Date.now();
      const begun = new Date(started).toISOString();
      let results: DrillResult[];
      try {
        results = await runAll(names, options);
      } catch (error) {
        if (error instanceof Interrupted)
          throw new Error("interrupted; the lab is as it was", { cause: error });
        throw error;
      }
      const failed = results.filter(({ verdict }) => verdict === "fail").length;
      if (options.junit !== undefined)
        writeFileSync(callersFile(options.junit), renderJunit("drill", begun, junitCases(results)));
      if (options.json) printJson(results);
      say(`${results.length - failed} of ${results.length} drills passed in ${seconds(started)}`);
      process.exitCode = failed > 0 ? 1 : 0;
    });
}
