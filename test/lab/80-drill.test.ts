/** The article's own failure tests, each also without its fault and with its remedy sabotaged; others by name. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, it, type TestContext } from "vitest";
import { chooseDrills } from "../../drills/catalogue";
import { renderResult } from "../../drills/resultText";
import type { DrillOutcome, DrillResult } from "../../drills/types";
import { health, run, STACK, type Run } from "./support";

const FOUR = chooseDrills([]).map(({ name }) => name);
/** `scripts/lab test lab DRILL…` */
const MORE = (process.env.LVS_DR_TEST_DRILLS ?? "").split(",").filter((name) => name && !FOUR.includes(name));
const MARKER = `.lab/${STACK}/drills/.running`;
const STOPPED = "web server stops";

/** Sees a call of `drill --pairs --json` through; the results of the drills that fit this lab. */
function judge({ code, stdout, stderr, seconds }: Run, skip?: TestContext["skip"]): DrillResult[] {
  // On a failure there is a JSON value too; without one the words on stderr are all there is.
  const outcomes = (stdout === "" ? [] : JSON.parse(stdout)) as DrillOutcome[];
  const [only] = outcomes;
  if (skip && only?.verdict === "skip") skip(only.reason);
  const results = outcomes.filter((each): each is DrillResult => "runs" in each && each.verdict !== "error");
  console.log(`${results.map(renderResult).join("\n")}\ndrills with pairs: ${seconds.toFixed(0)} s`);
  const failures = outcomes.flatMap((each) => (each.verdict === "skip" ? [each.reason] : each.failures));
  expect({ code, failures, stderr }).toMatchObject({ code: 0, failures: [] });
  for (const { name, runs } of results)
    expect(
      runs.map(({ kind, verdict, asItShould }) => `${kind} ${verdict} ${asItShould}`),
      name,
    ).toEqual(["control pass true", "fault pass true", "sabotage fail true"]);
  return results;
}

it("the article's failure tests pass, nothing fails without a fault, and each sabotage is found out", async () => {
  const results = judge(await run(["drill", "--pairs", "--json"]));
  expect(results.map(({ name }) => name)).toEqual(FOUR);
  for (const { name, load, events } of results) {
    expect(load.requests.length, name).toBeGreaterThan(50);
    expect(events.length, name).toBeGreaterThan(3);
    expect(existsSync(`.lab/${STACK}/drills/${name}.json`), name).toBe(true);
  }
});

// A soak of a minute is enough here; three runs of some, with a reboot in each, take long.
it.for(MORE)("drill %s", { timeout: 3_600_000 }, async (name, { skip }) => {
  judge(await run(["drill", name, "--pairs", "--json", "--soak", "60"]), skip);
});

/** A drill in a process group of its own, as in a terminal. */
function startDrill() {
  const child = spawn("scripts/lab", ["drill", "--stack", STACK, "web-server-stops"], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const over = once(child, "close") as Promise<[number | null]>;
  return {
    says: (words: string) => expect.poll(() => stderr, { timeout: 60_000 }).toContain(words),
    /** A terminal sends it to the whole group. */
    signal: (name: NodeJS.Signals) => process.kill(-(child.pid ?? 0), name),
    end: async () => ({ code: (await over)[0], stderr }),
  };
}

async function expectHealthy(): Promise<void> {
  expect(await health()).toMatchObject({ status: "healthy", problems: [] });
}

it("Ctrl-C in the middle of a drill, and again while it is undone, leaves the lab as it was", async () => {
  const drill = startDrill();
  await drill.says("web-server-stops");
  const others = [["drill", "web-server-stops"], ["up"], ["down"]].map((command) => run(command));
  for (const other of await Promise.all(others)) {
    expect(other).toMatchObject({ code: 1, stdout: "" });
    expect(other.stderr).toMatch(/^error: a drill \(process \d+\) is working on this stack/m);
  }
  await drill.says(STOPPED);
  drill.signal("SIGINT");
  await drill.says("interrupted: undoing what was broken");
  drill.signal("SIGINT");
  const { code, stderr } = await drill.end();
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(stderr).toContain("still undoing what was broken");
  expect(stderr).toContain("error: interrupted; the lab is as it was");
  expect(existsSync(MARKER)).toBe(false);
  await expectHealthy();
});

it("a drill that was killed is undone by the next one", async () => {
  const drill = startDrill();
  await drill.says(STOPPED);
  drill.signal("SIGKILL");
  await drill.end();
  expect(existsSync(MARKER)).toBe(true);
  // The shortest of all: it needs no load.
  const { code, stderr } = await run(["drill", "changed-host-key"]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain("web-server-stops was cut off before: undoing it");
  expect(existsSync(MARKER)).toBe(false);
  await expectHealthy();
});
