/** `scripts/lab drill`: breaks the lab on purpose, measures what clients felt, and repairs it. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { chooseDrills, DRILLS } from "../../drills/catalogue";
import { Environment, withFirst, type Power } from "../../drills/environment";
import { ResultStore } from "../../drills/resultStore";
import { junitCases, listOf, renderList } from "../../drills/resultText";
import { openRun } from "../../drills/runner";
import { runDrills, undoCutOff, type Session } from "../../drills/session";
import { hostOf } from "../../model/lab/hosts";
import { guestsOf, type Lab } from "../../model/lab/types";
import { renderJunit } from "../../lib/junit";
import { positive, wholePositive } from "../arguments";
import { callersFile } from "../callersFile";
import { StackContext, type StackOptions } from "../stack/context";
import { printJson, say, seconds } from "../terminal";
import { Virsh } from "../stack/virsh";

interface DrillOptions extends StackOptions {
  readonly all?: boolean;
  readonly list?: boolean;
  readonly repeat: number;
  readonly pairs?: boolean;
  readonly scale?: number;
  readonly soak?: number;
  readonly target?: string;
  readonly service?: string;
  readonly json?: boolean;
  readonly junit?: string;
}

/** Aborted by the first Ctrl-C or TERM; a second one is not heard, since the lab must be repaired first. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      if (controller.signal.aborted) say("still undoing what was broken");
      controller.abort();
    });
  return controller.signal;
}

/** Out of Ctrl-C's reach, as every child is: it may be what repairs the lab. */
function powerOver(lab: Lab): Power {
  const virshOf = (domain: string): Virsh => {
    const guest = guestsOf(lab).find((each) => each.domain === domain);
    return new Virsh(hostOf(lab, guest ?? {}).libvirtUri);
  };
  return {
    off: async (domain) => void (await virshOf(domain).run("destroy", domain)),
    on: (domain) => virshOf(domain).powerOn(domain),
  };
}

async function runAll(names: readonly string[], options: DrillOptions): Promise<Session> {
  const drills = chooseDrills(names, options.all);
  const context = new StackContext(options);
  const built = await context.built();
  const access = { ...built.access, lab: withFirst(built.access.lab, options.service) };
  // Two faults at once measure nothing, and one would undo the other's.
  return context.alone("a drill", async () => {
    const store = new ResultStore(context.directory);
    const environment = await Environment.open({
      access,
      power: powerOver(access.lab),
      say,
      signal: interruption(),
      ...(options.target === undefined ? {} : { target: options.target }),
      ...(options.scale === undefined ? {} : { timeScale: options.scale }),
      ...(options.soak === undefined ? {} : { soakSeconds: options.soak }),
    });
    const bench = { environment, store, controls: [] };
    try {
      // A name that is none of a server is refused before anything else.
      if (options.target !== undefined && drills[0]) void openRun(bench, "fault", drills[0]).target;
      await undoCutOff(bench);
      return await runDrills(drills, bench, { repeat: options.repeat, pairs: options.pairs ?? false });
    } finally {
      await environment.close();
    }
  });
}

export function addDrillCommand(command: Command): void {
  command
    .argument("[names...]", "drills; without any, the source article's own failure tests")
    .option("--all", "every drill")
    .option("--list", "only list the drills; * marks the article's")
    .option("--repeat <n>", "runs of each, for distributions", wholePositive, 1)
    .option("--pairs", "each also without the fault, and with its remedy sabotaged")
    .option("--service <name>", "the service that is asked and hit, such as main-v6; main without it")
    .option("--target <server>", "the real server that is hit; the first in rotation without it")
    .option(
      "--scale <factor>",
      "multiplies every promised time; left out: 1 with KVM, else 2 to 5, as measured",
      positive,
    )
    .option("--soak <seconds>", "how long lossy-link lasts; 300 without it", positive)
    .option("--json", "one JSON value")
    .option("--junit <file>", "write a JUnit report")
    .action(async (names: string[], options: DrillOptions) => {
      if (options.list) {
        if (options.json) printJson(listOf(DRILLS));
        else process.stdout.write(`${renderList(DRILLS)}\n`);
        return;
      }
      const started = Date.now();
      const begun = new Date(started).toISOString();
      const { outcomes, error } = await runAll(names, options);
      if (options.junit !== undefined)
        writeFileSync(callersFile(options.junit), renderJunit("drill", begun, junitCases(outcomes)));
      if (options.json) printJson(outcomes);
      if (error !== undefined) throw error;
      const count = (verdict: string): number => outcomes.filter((each) => each.verdict === verdict).length;
      const ran = outcomes.length - count("skip");
      if (ran === 0) throw new Error("no drill was run: none of them fits this lab");
      say(`${count("pass")} of ${ran} drills passed in ${seconds(started)}`);
      process.exitCode = count("fail") > 0 ? 1 : 0;
    });
}
