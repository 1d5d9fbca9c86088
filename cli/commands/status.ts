/** `scripts/lab status`: the cluster as it is now, for people, programs and Prometheus. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { EXIT_CODES } from "../../model/health";
import { GuestShell } from "../../lib/ssh";
import { readStatus, type Status } from "../../health/status";
import { renderStatus } from "../../health/statusText";
import { positiveSeconds } from "../arguments";
import { StackContext, type StackOptions } from "../stack/context";
import { printJson } from "../terminal";

interface StatusCommandOptions extends StackOptions {
  readonly json?: boolean;
  readonly prometheus?: boolean;
  /** Seconds between two looks; true = the default. */
  readonly watch?: number | true;
}

const WATCH_SECONDS = 2;
const CLEAR = "\u001b[H\u001b[2J\u001b[3J";

async function show(status: Status, context: StackContext, options: StatusCommandOptions): Promise<void> {
  if (options.json) printJson(status);
  else if (options.prometheus) {
    const { renderPrometheus } = await import("../../health/prometheus");
    const { outputs } = await context.built();
    process.stdout.write(await renderPrometheus(status, options.stack, outputs.imageDigest));
  } else process.stdout.write(`${renderStatus(status)}\n`);
}

/** Looks again until Ctrl-C, whose exit status is that of the last look that was complete. */
async function watch(context: StackContext, seconds: number): Promise<Status> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort()).once("SIGTERM", () => stop.abort());
  const { access } = await context.built();
  // Ctrl-C is for us: it must not make a look fail that is under way.
  const shell = new GuestShell(access, access.lab, { keepOpen: true, detached: true });
  const stopped = new Promise<void>((done) => stop.signal.addEventListener("abort", () => done()));
  let last: Status | undefined;
  try {
    for (;;) {
      const started = Date.now();
      const look = readStatus(shell, access.lab);
      // Whoever does not wait for it need not hear that it was cut off.
      look.catch(() => undefined);
      const status = (await (last === undefined ? look : Promise.race([look, stopped]))) ?? last;
      if (status === undefined) throw new Error("unreachable: the first look is waited for");
      if (status === last) return last;
      last = status;
      process.stdout.write(`${process.stdout.isTTY ? CLEAR : ""}${renderStatus(last)}\n`);
      const rest = Math.max(0, seconds * 1000 - (Date.now() - started));
      await sleep(rest, undefined, { signal: stop.signal }).catch(() => undefined);
      if (stop.signal.aborted) return last;
    }
  } finally {
    await shell.close();
  }
}

/** @param command `status` with the options that every stack's command has */
export function addStatusCommand(command: Command): void {
  command
    .option("--json", "one JSON value")
    .option("--prometheus", "Prometheus text, e.g. for node_exporter's textfile collector")
    .option("--watch [seconds]", `look again every ${WATCH_SECONDS} seconds, until Ctrl-C`, positiveSeconds)
    .action(async (options: StatusCommandOptions) => {
      const context = new StackContext(options);
      if (options.watch !== undefined && (options.json || options.prometheus))
        throw new Error("--watch is for people: leave out --json and --prometheus");
      const status =
        options.watch === undefined
          ? await context.withGuests((shell, lab) => readStatus(shell, lab))
          : await watch(context, options.watch === true ? WATCH_SECONDS : options.watch);
      if (options.watch === undefined) await show(status, context, options);
      process.exitCode = EXIT_CODES[status.status];
    });
}
