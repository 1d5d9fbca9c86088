/** A bench without guests: drills that only say what they did, on runs that see what they are told. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../../model/config/config";
import { DrillRun } from "../../../drills/drillRun";
import type { Environment } from "../../../drills/environment";
import { RequestLog } from "../../../drills/requests";
import { ResultStore } from "../../../drills/resultStore";
import type { Bench } from "../../../drills/runner";
import type { Drill } from "../../../drills/drill";

class FakeRun extends DrillRun {
  override begin(): Promise<void> {
    return Promise.resolve();
  }
  override watch(): Promise<void> {
    return Promise.resolve();
  }
  override sleep(): Promise<void> {
    return Promise.resolve();
  }
  override tableUntil(): Promise<number> {
    return Promise.resolve(0);
  }
  override get log(): RequestLog {
    const answer = { attempt: 1, latencyMs: 5, ok: true, outcome: "rs1" };
    return new RequestLog(Array.from({ length: 60 }, (_, seq) => ({ ...answer, seq, t: seq / 10 })));
  }
}

export interface FakeBench extends Bench {
  readonly said: string[];
  /** As Ctrl-C does. */
  readonly interrupt: () => void;
  readonly directory: string;
}

export function fakeBench(): FakeBench {
  const said: string[] = [];
  const controller = new AbortController();
  const directory = mkdtempSync(join(tmpdir(), "drills-"));
  const environment = {
    lab: parseConfig({}, { project: "lvs-dr", stack: "dev" }),
    say: (line: string) => said.push(line),
    signal: controller.signal,
    target: undefined,
    timeScale: 1,
    soakSeconds: 1,
    prepare: () => Promise.resolve(),
    renewShell: () => said.push("new connections"),
    amiss: () => Promise.resolve([]),
  };
  return {
    environment: environment as unknown as Environment,
    store: new ResultStore(directory),
    open: (...args) => new FakeRun(...args),
    said,
    interrupt: () => controller.abort(),
    directory,
  };
}

/** A drill that finds nothing wrong, and a failure that its sabotage brings about; `did` keeps the order of all. */
export function fakeDrill(did: string[], change: Partial<Drill> = {}): Drill {
  const note =
    (what: string) =>
    (run: DrillRun): Promise<void> => {
      did.push(`${what} ${run.kind}`);
      return Promise.resolve();
    };
  return {
    name: "fake",
    description: "nothing happens",
    maxSeconds: 1,
    withoutLoad: true,
    act: async (run) => {
      await note("run")(run);
      if (run.sabotaged) run.fail("not-out", "rs1 is still there");
    },
    restore: note("restore"),
    sabotage: { what: "nobody looks", expects: ["not-out"], apply: note("apply"), undo: note("undo") },
    ...change,
  };
}
