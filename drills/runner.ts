/** Runs one drill as often as asked for, and leaves the lab as it was whatever happens. */
import { DrillRun, RATE, type Purpose } from "./drillRun";
import { Broken, Interrupted } from "./waiting";
import type { Environment } from "./environment";
import { distribution, round } from "./requests";
import { restore } from "./restoring";
import type { ResultStore } from "./resultStore";
import type { Drill } from "./drill";
import type { Distribution, DrillResult, RunKind, RunResult, RunSummary } from "./types";

export interface RunOptions {
  /** Runs with the fault. */
  readonly repeat: number;
  /** Also without the fault, and with the remedy sabotaged. */
  readonly pairs: boolean;
}

/** What a drill is run on. */
export interface Bench {
  readonly environment: Environment;
  readonly store: ResultStore;
  /** Runs without a fault that passed, the last one first: it serves all drills of the next minutes. */
  readonly controls?: RunResult[];
  /** Makes a run; tests have their own. */
  readonly open?: (environment: Environment, kind: RunKind, maxSeconds: number, purpose: Purpose) => DrillRun;
}

/** A drill ended before its last run, or could not be undone. */
export class CutOff extends Error {
  constructor(
    cause: Error,
    /** Those that were over. */
    readonly runs: readonly RunSummary[],
  ) {
    super(cause.message, { cause });
  }
}

export const INTERRUPTED = "interrupted; the lab is as it was";
/** Seconds of load after all is well again. */
const SETTLE_SECONDS = 1;
/** Seconds of load without a fault. */
const CONTROL_SECONDS = 6;
/** Seconds for which a run without a fault stands for the drills that come then. */
const CONTROL_STANDS = 300;
/** Seconds for a command that was under way in a guest when its run ended. */
const LAST_COMMAND_SECONDS = 20;

export function openRun(
  { environment, open }: Bench,
  kind: RunKind,
  { maxSeconds }: Drill,
  purpose: Purpose = {},
): DrillRun {
  return (
    open?.(environment, kind, maxSeconds, purpose) ?? new DrillRun(environment, kind, maxSeconds, purpose)
  );
}

/** Nothing is broken: nothing may fail, and nothing may change. */
async function control(run: DrillRun): Promise<void> {
  await run.begin();
  const from = run.now;
  await run.sleep(CONTROL_SECONDS);
  run.figure("tableChanges", run.table.changesSince(from), { max: 0 });
  const log = await run.finish();
  run.judge(log, { failed: 0, lost: 0 });
  run.figure("requestsSent", log.first.length, { min: Math.floor((CONTROL_SECONDS * RATE) / 2) });
}

/** One that still stands. */
function knownControl({ controls: [known] = [] }: Bench): RunResult | undefined {
  return known && Date.now() - Date.parse(known.startedAt) < CONTROL_STANDS * 1000 ? known : undefined;
}

/** The skeleton of every drill: load, fault, and what came of it. */
async function script(drill: Drill, run: DrillRun): Promise<void> {
  if (run.kind === "control") return control(run);
  if (run.sabotaged) await drill.sabotage.apply(run);
  if (!drill.withoutLoad) {
    await run.begin();
    await run.randomPhase();
  }
  const felt = await drill.act(run);
  if (!felt) return;
  await run.sleep(SETTLE_SECONDS);
  const log = await run.finish();
  run.judge(log, felt);
  felt.judge?.(log);
}

/** One run with its cleaning up. */
async function once(drill: Drill, bench: Bench, kind: RunKind): Promise<RunResult> {
  const { environment, store } = bench;
  const { signal, target } = environment;
  await environment.prepare();
  const run = openRun(bench, kind, drill);
  store.markRunning({ drill: drill.name, target });
  let interrupted = false;
  try {
    await script(drill, run);
  } catch (error) {
    interrupted = signal.aborted || error instanceof Interrupted;
    if (!interrupted) {
      const { message } = error as Error;
      if (error instanceof Broken) run.fail(error.code, message);
      else {
        run.error = message;
        environment.say(`          ERROR: ${message}`);
      }
      if (!("requests" in run.figures)) run.judge(await run.finish());
    }
  } finally {
    await run.finish().catch((error: Error) => environment.say(error.message));
    if (signal.aborted) environment.say("  interrupted: undoing what was broken");
    await run.abandon(LAST_COMMAND_SECONDS);
    await restore(drill, openRun(bench, "fault", drill, { restoring: true }), kind === "sabotage");
    store.markDone();
  }
  if (interrupted) throw new Interrupted(INTERRUPTED);
  return {
    kind,
    startedAt: run.startedAt.toISOString(),
    seconds: round(run.now),
    verdict: run.failures.length === 0 && run.error === undefined ? "pass" : "fail",
    failures: run.failures,
    codes: run.codes,
    ...(run.error !== undefined && { error: run.error }),
    figures: run.figures,
    limits: run.limits,
    events: [...run.events].sort((a, b) => a.t - b.t),
    load: run.loadRecord,
    timeScale: run.scale,
  };
}

function distributions(runs: readonly RunResult[]): Record<string, Distribution> {
  const names = [...new Set(runs.flatMap(({ figures }) => Object.keys(figures)))];
  return Object.fromEntries(
    names.flatMap((name) => {
      const low = runs.some(({ limits }) => limits[name]?.min !== undefined);
      const found = distribution(
        runs.map(({ figures }) => figures[name] ?? null),
        low,
      );
      return found === undefined ? [] : [[name, found] as const];
    }),
  );
}

/** What is wrong with a run: nothing when it says what it should. A sabotaged one has to fail, and for that reason. */
export function wrongWith(
  { sabotage }: Pick<Drill, "sabotage">,
  { kind, failures, codes, error }: Pick<RunResult, "kind" | "failures" | "codes" | "error">,
): string[] {
  const cannotTell = error === undefined ? [] : [`it cannot be told: ${error}`];
  if (kind === "fault") return [...failures, ...cannotTell];
  if (kind === "control") return [...failures, ...cannotTell].map((each) => `without a fault: ${each}`);
  if (codes.some((code) => sabotage.expects.includes(code))) return [];
  if (error !== undefined) return [`sabotaged: it cannot be told: ${error}`];
  if (failures.length === 0) return [`the sabotaged run passed, though ${sabotage.what}`];
  return [`the sabotaged run failed, but not because ${sabotage.what}: ${failures.join("; ")}`];
}

function summary(drill: Drill, run: RunResult): RunSummary {
  const { kind, startedAt, seconds, verdict, failures, codes, error, figures } = run;
  const asItShould = wrongWith(drill, run).length === 0;
  return {
    kind,
    startedAt,
    seconds,
    verdict,
    asItShould,
    failures,
    codes,
    ...(error !== undefined && { error }),
    figures,
  };
}

/**
 * The drill as often as asked for, and its result, which is also stored.
 * @throws CutOff when it was interrupted, or could not be undone
 */
export async function runDrill(
  drill: Drill,
  bench: Bench,
  { repeat, pairs }: RunOptions,
): Promise<DrillResult> {
  const { environment, store } = bench;
  const kinds: RunKind[] = [
    ...(pairs ? (["control"] as const) : []),
    ...Array.from({ length: repeat }, () => "fault" as const),
    ...(pairs ? (["sabotage"] as const) : []),
  ];
  const runs: RunResult[] = [];
  try {
    for (const [index, kind] of kinds.entries()) {
      if (environment.signal.aborted) throw new Interrupted(INTERRUPTED);
      const which = { fault: "", control: " (no fault)", sabotage: ` (sabotage: ${drill.sabotage.what})` }[
        kind
      ];
      const times = kinds.length > 1 ? ` ${index + 1}/${kinds.length}` : "";
      const known = kind === "control" ? knownControl(bench) : undefined;
      environment.say(`${drill.name}${times}${which}${known ? `: that of ${known.startedAt}` : ""}`);
      const run = known ?? (await once(drill, bench, kind));
      runs.push(run);
      if (kind === "control" && run.verdict === "pass") bench.controls?.unshift(run);
    }
  } catch (error) {
    throw new CutOff(
      error as Error,
      runs.map((run) => summary(drill, run)),
    );
  }
  const result = summarize(drill, bench, runs);
  store.write(result);
  return result;
}

function summarize(drill: Drill, bench: Bench, runs: readonly RunResult[]): DrillResult {
  const { lab } = bench.environment;
  const faults = runs.filter(({ kind }) => kind === "fault");
  // What is shown at length is a failure where there is one, never the best run.
  const shown = faults.find(({ verdict }) => verdict === "fail") ?? (faults.at(-1) as RunResult);
  const failures = runs.flatMap((run) => wrongWith(drill, run));
  return {
    name: drill.name,
    description: drill.description,
    startedAt: shown.startedAt,
    seconds: shown.seconds,
    stack: lab.stack,
    configHash: lab.configHash,
    target: openRun(bench, "fault", drill).target.name,
    timeScale: shown.timeScale,
    verdict: failures.length === 0 ? "pass" : "fail",
    failures,
    figures: shown.figures,
    limits: shown.limits,
    events: shown.events,
    load: shown.load,
    distributions: distributions(faults),
    runs: runs.map((run) => summary(drill, run)),
  };
}
