/** The article's own failure tests, each also without its fault and with its remedy sabotaged. */
import { expect, it } from "vitest";
import { existsSync } from "node:fs";
import { chooseDrills } from "../../verify/drill/catalogue";
import { renderResult } from "../../verify/drill/resultText";
import type { DrillResult } from "../../verify/drill/types";
import { run, start, STACK } from "./support";

const FOUR = chooseDrills([]).map(({ name }) => name);

it("the article's failure tests pass, nothing fails without a fault, and each sabotage is found out", async () => {
  const { code, stdout, stderr, seconds } = await run(["drill", "--pairs", "--json"]);
  // On a failure there is a JSON value too; without one the words on stderr are all there is.
  const results = (stdout === "" ? [] : JSON.parse(stdout)) as DrillResult[];
  console.log(`${results.map(renderResult).join("\n")}\ndrills with pairs: ${seconds.toFixed(0)} s`);
  expect({ code, failures: results.flatMap(({ failures }) => failures), stderr }).toMatchObject({
    code: 0,
    failures: [],
  });
  expect(results.map(({ name }) => name)).toEqual(FOUR);
  for (const { name, runs, load, events } of results) {
    expect(
      runs.map(({ kind, verdict }) => `${kind} ${verdict}`),
      name,
    ).toEqual(["control pass", "fault pass", "sabotage fail"]);
    expect(load.requests.length, name).toBeGreaterThan(50);
    expect(events.length, name).toBeGreaterThan(3);
    expect(existsSync(`.lab/${STACK}/drills/${name}.json`), name).toBe(true);
  }
});

it("Ctrl-C in the middle of a drill leaves the lab as it was", async () => {
  const { pid, done } = start(["drill", "web-server-stops"]);
  // From here on the web server is stopped.
  const marker = `.lab/${STACK}/drills/.running`;
  await expect.poll(() => existsSync(marker), { timeout: 60_000 }).toBe(true);
  await new Promise((wait) => setTimeout(wait, 9000));
  // A terminal sends it to the whole group.
  process.kill(-pid, "SIGINT");
  const { code, stderr } = await done;
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(stderr).toContain("error: interrupted; the lab is as it was");
  expect(existsSync(marker)).toBe(false);
  const { stdout } = await run(["status", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ status: "healthy", problems: [] });
});
