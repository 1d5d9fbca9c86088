import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DrillRun } from "../../../drills/drillRun";
import { CutOff, runDrill, type RunOptions } from "../../../drills/runner";
import type { Drill } from "../../../drills/drill";
import type { DrillResult, RunResult } from "../../../drills/types";
import { RequestLog } from "../../../drills/requests";
import { Broken } from "../../../drills/waiting";
import { fakeBench, fakeDrill, type FakeBench } from "./fakes";

let bench: FakeBench;
let did: string[];
beforeEach(() => {
  bench = fakeBench();
  did = [];
});
afterEach(() => rmSync(bench.directory, { recursive: true }));

const PAIRS: RunOptions = { repeat: 1, pairs: true };
const ONCE: RunOptions = { repeat: 1, pairs: false };
const marker = (): string => join(bench.directory, "drills/.running");

/** A drill whose sabotaged run comes to this. */
function sabotaged(outcome: (run: DrillRun) => void): Drill {
  return fakeDrill(did, {
    act: (run) => {
      if (run.sabotaged) outcome(run);
      return Promise.resolve();
    },
  });
}

const verdicts = ({ runs }: DrillResult): string[] =>
  runs.map(({ kind, verdict, asItShould }) => `${kind} ${verdict} ${asItShould ? "right" : "wrong"}`);

describe("pairs", () => {
  it("pass when only the sabotaged run fails, and for its reason", async () => {
    const result = await runDrill(fakeDrill(did), bench, PAIRS);
    expect(verdicts(result)).toEqual(["control pass right", "fault pass right", "sabotage fail right"]);
    expect(result).toMatchObject({ verdict: "pass", failures: [], target: "rs1" });
    expect(did).toEqual([
      "restore fault",
      "run fault",
      "restore fault",
      "apply sabotage",
      "run sabotage",
      "restore fault",
      "undo fault",
    ]);
    expect(JSON.parse(readFileSync(join(bench.directory, "drills/fake.json"), "utf8"))).toEqual(result);
    expect(existsSync(marker())).toBe(false);
  });

  it("have one run without a fault for the drills of some minutes", async () => {
    const controls = [] as RunResult[];
    /** How often a known one was taken, after one more drill. */
    const takenAfter = async (): Promise<number> => {
      await runDrill(fakeDrill(did), { ...bench, controls }, PAIRS);
      return bench.said.filter((line) => line.includes(" (no fault): that of ")).length;
    };
    expect(await takenAfter()).toBe(0);
    expect(await takenAfter()).toBe(1);
    const old = new Date(Date.now() - 301_000).toISOString();
    controls.unshift({ ...(controls[0] as RunResult), startedAt: old });
    expect(await takenAfter()).toBe(1);
    expect(await takenAfter()).toBe(2);
  });

  it.each<[string, (run: DrillRun) => void, string]>([
    ["passes", () => undefined, "the sabotaged run passed, though nobody looks"],
    [
      "fails for another reason",
      (run) => run.fail("failed", "failed is 3, promised at most 2"),
      "the sabotaged run failed, but not because nobody looks: failed is 3, promised at most 2",
    ],
    [
      "meets an error",
      () => {
        throw new Error("rs1: 'systemctl stop nginx' ended with 255: still there");
      },
      "sabotaged: it cannot be told: rs1: 'systemctl stop nginx' ended with 255: still there",
    ],
  ])("fail when the sabotaged run %s", async (_, outcome, sentence) => {
    const result = await runDrill(sabotaged(outcome), bench, PAIRS);
    expect(result).toMatchObject({ verdict: "fail", failures: [sentence] });
    expect(result.runs.at(-1)?.asItShould).toBe(false);
  });

  it("take what does not come in time for a failure", async () => {
    const late = sabotaged(() => {
      throw new Broken("not-out", "not within 3 s: rs1 is still there");
    });
    expect((await runDrill(late, bench, PAIRS)).verdict).toBe("pass");
  });
});

describe("runs with the fault", () => {
  it("show the one that failed, and count all", async () => {
    let n = 0;
    const drill = fakeDrill(did, {
      act: (run) => {
        run.figure("seconds", ++n, { max: 2 });
        if (n === 2) run.fail("second", "the second");
        return Promise.resolve();
      },
    });
    const result = await runDrill(drill, bench, { repeat: 3, pairs: false });
    expect(result.figures.seconds).toBe(2);
    expect(result.failures).toEqual(["the second", "seconds is 3, promised at most 2"]);
    expect(result.distributions.seconds).toEqual({ n: 3, median: 2, worst: 3 });
  });

  it("fail by an error too, with what clients felt", async () => {
    const broken = fakeDrill(did, { act: () => Promise.reject(new Error("no way to rs1")) });
    const result = await runDrill(broken, bench, ONCE);
    expect(result).toMatchObject({ verdict: "fail", failures: ["it cannot be told: no way to rs1"] });
    expect(result.runs[0]).toMatchObject({ error: "no way to rs1", failures: [] });
    expect(result.figures.requests).toBe(60);
    expect(did).toEqual(["restore fault"]);
  });

  it("take the sorry page for a failure where nothing may be lost", async () => {
    const record = { attempt: 1, latencyMs: 5, ok: true, retry: false };
    const log = new RequestLog(["rs1", "sorry"].map((outcome, seq) => ({ ...record, outcome, seq, t: seq })));
    const judged = (limits?: { failed: number }): ReturnType<typeof runDrill> =>
      runDrill(fakeDrill(did, { act: (run) => Promise.resolve(run.judge(log, limits)) }), bench, ONCE);
    expect((await judged({ failed: 0 })).failures).toEqual(["answeredBySorry is 1, promised at most 0"]);
    expect(await judged()).toMatchObject({ failures: [], figures: { answeredBySorry: 1 } });
  });

  it("take what is not a number for a failure", async () => {
    const drill = fakeDrill(did, {
      act: (run) => {
        run.figure("worst", Math.max(...[]), { max: 5 });
        run.figure("mean", 0 / 0);
        run.figure("never", null);
        return Promise.resolve();
      },
    });
    const { failures, figures } = await runDrill(drill, bench, ONCE);
    expect(failures).toEqual([
      "worst cannot be told: -Infinity is not a measurement",
      "mean cannot be told: NaN is not a measurement",
    ]);
    expect(figures).toMatchObject({ worst: null, mean: null, never: null });
  });
});

describe("undoing", () => {
  it("undoes the sabotage though the fault resists, and tries that once more", async () => {
    let tries = 0;
    const drill = fakeDrill(did, {
      restore: () => {
        did.push("restore");
        return ++tries === 3 ? Promise.reject(new Error("busy")) : Promise.resolve();
      },
    });
    expect((await runDrill(drill, bench, PAIRS)).verdict).toBe("pass");
    expect(did.slice(-4)).toEqual(["run sabotage", "restore", "undo fault", "restore"]);
    expect(bench.said).toContain("  undoing it once more: busy");
    expect(bench.said).toContain("new connections");
  });

  it("gives up after that, keeps the mark, and tells the runs that were over", async () => {
    let tries = 0;
    const drill = fakeDrill(did, {
      restore: () => (++tries > 1 ? Promise.reject(new Error("stuck")) : Promise.resolve()),
    });
    const error: unknown = await runDrill(drill, bench, { repeat: 2, pairs: false }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CutOff);
    expect((error as CutOff).message).toBe(
      "fake is not undone: stuck; the next `scripts/lab drill` tries again",
    );
    expect((error as CutOff).runs).toHaveLength(1);
    expect(JSON.parse(readFileSync(marker(), "utf8"))).toEqual({ drill: "fake" });
  });

  it("is not interrupted by Ctrl-C, which ends the drill", async () => {
    const drill = fakeDrill(did, {
      // An error that comes with it is none of the drill's.
      act: () => {
        bench.interrupt();
        return Promise.reject(new Error("killed"));
      },
      restore: (run) => {
        did.push(`restore ${run.signal.aborted ? "interrupted" : "in peace"}`);
        return Promise.resolve();
      },
    });
    await expect(runDrill(drill, bench, PAIRS)).rejects.toThrow("interrupted; the lab is as it was");
    expect(did).toEqual(["restore in peace", "restore in peace"]);
    expect(existsSync(marker())).toBe(false);
  });
});
