/** Runs drills one after the other, and leaves the lab as it was whatever happens. */
import { DrillRun } from "./drillRun";
import { Interrupted } from "./waiting";
import type { Environment } from "./environment";
import { distribution, round } from "./requests";
import type { ResultStore } from "./resultStore";
import type { Distribution, Drill, DrillResult, RunKind, RunResult } from "./types";

export interface RunOptions {
  /** Runs with the fault. */
  readonly repeat: number;
  /** Also without the fault, and with the remedy sabotaged. */
  readonly pairs: boolean;
}

/** Seconds that a lab has to be as configured again after a drill was undone. */
const RESTORE_LIMIT = 60;
/** Seconds of load without a fault. */
const CONTROL_SECONDS = 6;

/** Nothing is broken: nothing may fail, and nothing may change. */
async function control(run: DrillRun, rate: number): Promise<void> {
  await run.begin(rate);
  const from = run.now;
  await run.sleep(CONTROL_SECONDS);
  const changes = run.table.changes.filter(({ t }) => t > from).length;
  run.figure("tableChanges", changes, { max: 0 });
  const log = await run.finish();
  run.judge(log, { failed: 0, lost: 0 });
  run.figure("requestsSent", log.first.length, { min: Math.floor((CONTROL_SECONDS * rate) / 2) });
}

async function script(drill: Drill, run: DrillRun): Promise<void> {
  if (run.kind === "control") return control(run, drill.rate ?? 10);
  if (run.sabotaged) await drill.sabotage.apply(run);
  await drill.run(run);
}

/** Undoes the drill and waits until the lab is as configured; also what is done for a drill that was cut off. */
export async function restore(drill: Drill, environment: Environment, sabotaged: boolean): Promise<void> {
  // Not to be interrupted: that is what is being cleaned up after.
  environment.signal = new AbortController().signal;
  const run = new DrillRun(environment, "fault", drill.maxSeconds);
  run.quiet = true;
  try {
    await drill.heal(run);
    if (sabotaged) await drill.sabotage.undo(run);
    await run.watch();
    await run.tableUntil("the table is as configured again", run.table.isAsMeant, 0, RESTORE_LIMIT);
  } finally {
    await run.finish();
  }
}

/** One run with its cleaning up. */
async function once(
  drill: Drill,
  environment: Environment,
  kind: RunKind,
  store: ResultStore,
): Promise<RunResult> {
  const { signal } = environment;
  await environment.calibrate();
  const run = new DrillRun(environment, kind, drill.maxSeconds);
  store.markRunning(drill.name);
  try {
    await script(drill, run);
  } catch (error) {
    if (error instanceof Interrupted || signal.aborted) throw new Interrupted();
    run.fail((error as Error).message);
    if (!("requests" in run.figures)) run.judge(await run.finish());
  } finally {
    const unwatched = environment.say;
    await run.finish().catch((error: Error) => unwatched(error.message));
    if (signal.aborted) unwatched("  interrupted: undoing what was broken");
    await restore(drill, environment, kind === "sabotage");
    environment.signal = signal;
    store.markDone();
  }
  return {
    kind,
    startedAt: run.startedAt.toISOString(),
    seconds: round(run.now),
    verdict: run.failures.length === 0 ? "pass" : "fail",
    failures: run.failures,
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

/** Whether a run says what it should: a sabotaged one has to fail. */
function asItShould({ kind, verdict }: RunResult): boolean {
  return (verdict === "pass") === (kind !== "sabotage");
}

/** The drill as often as asked for, and its result, which is also stored. */
export async function runDrill(
  drill: Drill,
  environment: Environment,
  store: ResultStore,
  { repeat, pairs }: RunOptions,
): Promise<DrillResult> {
  const kinds: RunKind[] = [
    ...(pairs ? (["control"] as const) : []),
    ...Array.from({ length: repeat }, () => "fault" as const),
    ...(pairs ? (["sabotage"] as const) : []),
  ];
  const runs: RunResult[] = [];
  for (const [index, kind] of kinds.entries()) {
    const which = { fault: "", control: " (no fault)", sabotage: ` (sabotage: ${drill.sabotage.what})` }[
      kind
    ];
    const times = kinds.length > 1 ? ` ${index + 1}/${kinds.length}` : "";
    environment.say(`${drill.name}${times}${which}`);
    runs.push(await once(drill, environment, kind, store));
  }
  const faults = runs.filter(({ kind }) => kind === "fault");
  // What is shown at length is a failure where there is one, never the best run.
  const shown = faults.find(({ verdict }) => verdict === "fail") ?? (faults.at(-1) as RunResult);
  const wrong = runs.filter((run) => !asItShould(run));
  const result: DrillResult = {
    name: drill.name,
    description: drill.description,
    startedAt: shown.startedAt,
    seconds: shown.seconds,
    stack: environment.lab.stack,
    configHash: environment.lab.configHash,
    timeScale: shown.timeScale,
    verdict: wrong.length === 0 ? "pass" : "fail",
    failures: wrong.flatMap((run) =>
      run.kind === "sabotage"
        ? [`the sabotaged run passed, though ${drill.sabotage.what}`]
        : run.failures.map((failure) => (run.kind === "control" ? `without a fault: ${failure}` : failure)),
    ),
    figures: shown.figures,
    limits: shown.limits,
    events: shown.events,
    load: shown.load,
    distributions: distributions(faults),
    runs: runs.map(({ kind, startedAt, seconds, verdict, failures, figures }) => ({
      kind,
      startedAt,
      seconds,
      verdict,
      failures,
      figures,
    })),
  };
  store.write(result);
  return result;
}
