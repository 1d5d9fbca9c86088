import { rmSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runDrills, undoCutOff } from "../../../verify/drill/session";
import { fakeBench, fakeDrill, type FakeBench } from "./fakes";

let bench: FakeBench;
let did: string[];
beforeEach(() => {
  bench = fakeBench();
  did = [];
});
afterEach(() => rmSync(bench.directory, { recursive: true }));

const ONCE = { repeat: 1, pairs: false };
const description = "nothing happens";

it("a drill that cannot be undone ends the call, and what was over is told", async () => {
  const stuck = fakeDrill(did, { name: "stuck", heal: () => Promise.reject(new Error("no way in")) });
  const drills = [
    fakeDrill(did),
    fakeDrill(did, { name: "unfit", unfit: () => "too small" }),
    stuck,
    fakeDrill(did, { name: "late" }),
  ];
  const { outcomes, error } = await runDrills(drills, bench, ONCE);
  expect(outcomes).toEqual([
    expect.objectContaining({ name: "fake", verdict: "pass" }),
    { name: "unfit", description, verdict: "skip", reason: "too small" },
    { name: "stuck", description, verdict: "error", failures: [error?.message], runs: [] },
    { name: "late", description, verdict: "skip", reason: "its turn did not come" },
  ]);
  expect(error?.message).toMatch(/^stuck is not undone: no way in;/);
});

it("no drill is run where the main service is not TCP, and it is said why", async () => {
  const { lab } = bench.environment;
  const [main] = lab.services;
  const environment = { ...bench.environment, lab: { ...lab, services: [{ ...main, protocol: "udp" }] } };
  const { outcomes } = await runDrills(
    [fakeDrill(did)],
    { ...bench, environment } as unknown as FakeBench,
    ONCE,
  );
  const reason = "it needs a main service over TCP: the load is HTTP, and main is udp";
  expect(outcomes).toEqual([{ name: "fake", description, verdict: "skip", reason }]);
  expect(did).toEqual([]);
});

it("Ctrl-C while the lab is mended leaves that drill its result, and the others out", async () => {
  const drill = fakeDrill(did, {
    heal: () => {
      bench.interrupt();
      return Promise.resolve();
    },
  });
  const { outcomes, error } = await runDrills([drill, fakeDrill(did, { name: "late" })], bench, ONCE);
  expect(outcomes.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(["fake pass", "late skip"]);
  expect(error?.message).toBe("interrupted; the lab is as it was");
});

it("what a killed program left is undone first, at the server that it hit", async () => {
  const seen: string[] = [];
  const drill = fakeDrill(did, {
    heal: (run) => {
      seen.push(run.target.name);
      return Promise.resolve();
    },
  });
  await undoCutOff(bench, [drill]);
  expect(seen).toEqual([]);
  bench.store.markRunning({ drill: "fake", target: "rs2" });
  await undoCutOff(bench, [drill]);
  await undoCutOff(bench, [drill]);
  expect(seen).toEqual(["rs2"]);
  expect(did).toEqual(["undo fault"]);
  expect(bench.environment.target).toBeUndefined();
  bench.store.markRunning({ drill: "gone" });
  await expect(undoCutOff(bench, [drill])).rejects.toThrow("gone was cut off before and is not known here");
});
