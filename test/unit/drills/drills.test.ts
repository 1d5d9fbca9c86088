import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { guestSettings } from "../../../model/guest/settings";
import { renderPayload } from "../../../model/guest/script";
import { chooseDrills, DRILLS } from "../../../drills/catalogue";
import { bestReading } from "../../../drills/clocks";
import { replaceSetting, withServers } from "../../../drills/directorPayload";
import { scaleFor, stickyServer } from "../../../drills/environment";
import { flapPromise, lossPromise, othersBetweenTurns, promises, weightShare } from "../../../drills/limits";
import { ResultStore } from "../../../drills/resultStore";
import { junitCases, listOf, renderList, renderResult } from "../../../drills/resultText";
import type { Shell } from "../../../lib/ssh";
import type { DrillResult } from "../../../drills/types";

const dev = { project: "lvs-dr", stack: "dev" };
const lab = parseConfig({}, dev);

describe("the real server that is hit", () => {
  const shell = (answer: string): Shell => ({
    run: () => Promise.resolve({ code: 0, stdout: answer, stderr: "" }),
  });
  const sticky = parseConfig({ persistent: 600 }, dev);

  it("is under persistence the one that the client is kept on: it would not miss another", async () => {
    expect(await stickyServer(shell("rs2"), sticky)).toBe("rs2");
    expect(await stickyServer(shell("rs2"), lab)).toBeUndefined();
  });

  it("is none that only stands in, and none where nobody answers", async () => {
    expect(await stickyServer(shell("director"), sticky)).toBeUndefined();
    expect(await stickyServer(shell(""), sticky)).toBeUndefined();
  });
});

describe("the catalogue", () => {
  it("has each name once, fit for a command line and a file name", () => {
    const names = DRILLS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]+$/);
  });

  it("says of each what it breaks or does, as a sentence", () => {
    expect(DRILLS).toHaveLength(47);
    for (const { description } of DRILLS) expect(description).toMatch(/^(?!Fault).{20,}[^.]$/);
  });

  it("runs the article's four without names", () => {
    expect(chooseDrills([]).map(({ name }) => name)).toEqual([
      "web-server-stops",
      "all-web-servers-stop",
      "one-web-server-returns",
      "web-servers-return",
    ]);
    expect(chooseDrills([], true)).toBe(DRILLS);
    expect(chooseDrills(["drain"])).toHaveLength(1);
  });

  it("helps with a mistyped name", () => {
    expect(() => chooseDrills(["partiton"])).toThrow(
      "there is no drill 'partiton'; did you mean partition? (--list shows all)",
    );
  });
});

describe("promises", () => {
  it("are those of faults.md for its settings", () => {
    const servers = [1, 2, 3].map((n) => ({ name: `rs${n}`, address: `192.168.7.${n + 10}` }));
    const check = { checkinterval: 2, checktimeout: 2, negotiatetimeout: 2, failurecount: 2 };
    const serial = parseConfig(
      {
        realServers: JSON.stringify(servers),
        healthCheck: JSON.stringify(check),
        ldirectord: '{"fork":false}',
      },
      dev,
    );
    const { eject, ejectSilent } = promises(serial);
    expect([eject, ejectSilent(1), ejectSilent(3)]).toEqual([6, 10, 18]);
  });

  it("grow with the number of silent servers: a service's process asks one after the other", () => {
    expect([1, 2].map((hung) => promises(lab).ejectSilent(hung))).toEqual([6, 9]);
  });

  it("scale with what a process start costs", () => {
    expect([0.001, 0.022, 0.033, 1, NaN].map(scaleFor)).toEqual([2, 2, 3, 5, 2]);
  });

  const withCheck = (check: object) => parseConfig({ healthCheck: JSON.stringify(check) }, dev);

  it("say where failurecount damps a server that flaps, and where not", () => {
    expect(flapPromise(withCheck({ checkinterval: 1, failurecount: 3 }), 1)).toEqual({ max: 1 });
    expect(flapPromise(withCheck({ checkinterval: 2, failurecount: 2 }), 1)).toEqual({ max: 1 });
    expect(flapPromise(lab, 1)).toEqual({
      max: 10,
      why: expect.stringContaining("failurecount is 1") as string,
    });
    expect(flapPromise(withCheck({ checkinterval: 1, failurecount: 2 }), 1)).toMatchObject({
      why: expect.stringContaining("one more damps it") as string,
    });
  });

  it("allow a lossy link the ejections that failurecount 1 makes likely, and none with more", () => {
    expect(lossPromise(withCheck({ failurecount: 2 }), 0.05, 300)).toEqual({ max: 0 });
    // 600 checks, of which each loses its SYN twice within 3 s with a probability of 1/400.
    expect(lossPromise(lab, 0.05, 300)).toEqual({
      max: 8,
      why: expect.stringContaining("about 1.5 checks") as string,
    });
    expect(lossPromise(lab, 0.05, 3).max).toBeLessThan(3);
  });

  it("are the configuration's own where it has some", () => {
    const own = { ejectSeconds: 9, ejectSilentSeconds: 20, recoverSeconds: 8, lostAfterRetry: 7, failed: 1 };
    const kept = promises(parseConfig({ drills: { limits: own } }, dev));
    expect([kept.eject, kept.ejectSilent(1), kept.ejectSilent(2)]).toEqual([9, 20, 23]);
    expect([kept.recover, kept.recoverSilent, kept.failed, kept.rebootSeconds]).toEqual([8, 6, 1, 120]);
    expect(kept.lostAfterRetry("rs1")).toBe(7);
    const before = { ...lab };
    delete before.drills;
    expect(promises(before).failed).toBe(20);
  });

  it.each([
    ["wrr", [1, 3], [3, 0]],
    ["wrr", [2, 6], [3, 0]],
    ["wrr", [1, 1], [1, 1]],
    ["wrr", [3, 7], [1, 0]],
    ["wrr", [2, 3, 4], [2, 1, 0]],
    ["rr", [1, 3, 5], [2, 2, 2]],
    ["wlc", [1, 3], [undefined, undefined]],
  ])("know who comes between two turns: %s %j", (scheduler, weights, between) => {
    const realServers = weights.map((weight) => ({ weight }));
    const some = parseConfig({ scheduler, realServers }, dev);
    expect(weights.map((_, i) => othersBetweenTurns(some, `rs${i + 1}`))).toEqual(between);
    const lost = [undefined, 2, 0, 0];
    expect(promises(some).lostAfterRetry("rs1")).toBe(lost[between[0] ?? 0]);
  });

  it("count what fails by the time until a server is out, where that is long", () => {
    const failed = (raw: Record<string, unknown>, scale = 1): number =>
      promises(parseConfig(raw, dev)).failedUntilOut("rs1", 10, scale);
    const of = (...weights: number[]): Record<string, unknown> => ({
      realServers: weights.map((weight) => ({ weight })),
    });
    expect([failed({}), failed({}, 5)]).toEqual([20, 20]);
    // Of two that take turns each first attempt meets it, for 3 s, and the retry meets the other.
    expect([failed(of(1, 1)), failed({ scheduler: "rr" }), failed(of(1, 1), 2)]).toEqual([33, 33, 63]);
    // 12 s, and of five requests in turn two meet it, of which each is followed by its own retry.
    const slow = { ...of(2, 3), healthCheck: { checkinterval: 5, failurecount: 2 } };
    expect([failed(slow), failed(slow, 2)]).toEqual([84, 164]);
    expect(failed({ ...of(3, 1) })).toBe(33);
  });

  it("count connections that outlive a change of the director, but not without connection sync", () => {
    const kept = (sync: string): number =>
      promises(parseConfig({ directors: [{}, {}], highAvailability: { sync } }, dev)).flowsKept(20);
    expect([kept("daemon"), kept("off")]).toEqual([20, 0]);
  });

  it("know a server's share", () => {
    expect(weightShare(lab, "rs1")).toBe(0.25);
    const realServers = [{ weight: 3 }, { weight: 1 }, { weight: 4, drain: true }];
    const shares = (scheduler: string): number[] =>
      ["rs1", "rs2", "rs3"].map((name) => weightShare(parseConfig({ scheduler, realServers }, dev), name));
    expect(shares("wrr")).toEqual([0.75, 0.25, 0]);
    expect(shares("rr")).toEqual([0.5, 0.5, 0]);
  });
});

it("the clock reading with the shortest round trip counts", () => {
  expect(
    bestReading([
      [10, 110.5, 10.8],
      [20, 120.1, 20.2],
    ]),
  ).toEqual({ offset: 100, uncertainty: expect.closeTo(0.1) });
});

it("a director's payload can be given other settings", () => {
  const [director] = lab.directors;
  const payload = renderPayload(guestSettings(lab, director), ["main"]);
  const changed = withServers(lab, (servers) => servers.map((server) => ({ ...server, weight: 7 })));
  const text = guestSettings(changed, director).LVS_LDIRECTORD_CF ?? "";
  const replaced = replaceSetting(payload, "LVS_LDIRECTORD_CF", `${text}# it's $& here\n`);
  expect(replaced).toContain("gate 7");
  expect(replaced).not.toContain("gate 3");
  expect(replaced).toContain(`# it'\\''s $& here`);
  expect(
    replaceSetting(replaced, "LVS_LDIRECTORD_CF", guestSettings(lab, director).LVS_LDIRECTORD_CF ?? ""),
  ).toBe(payload);
  expect(() => replaceSetting(payload, "LVS_NONE", "")).toThrow("no setting LVS_NONE");
});

const result: DrillResult = {
  name: "drain",
  description: "a <drill> & more",
  startedAt: "2026-01-01T00:00:00.000Z",
  seconds: 12.5,
  stack: "dev",
  configHash: "0",
  timeScale: 2,
  verdict: "fail",
  failures: ['failed is 3, promised at most "0" & <less>'],
  figures: { detectionSeconds: 1.5, failed: 3, recoverySeconds: null },
  limits: { detectionSeconds: { max: 6 }, failed: { max: 0 } },
  events: [],
  load: { rate: 10, requests: [[0.1, 5, "rs1"]], retries: [], answeredBy: { rs1: 1 } },
  distributions: { detectionSeconds: { n: 2, median: 1.4, worst: 1.5 } },
  runs: (["control", "fault", "fault", "sabotage"] as const).map((kind) => ({
    kind,
    startedAt: "2026-01-01T00:00:00.000Z",
    seconds: 12.5,
    verdict: kind === "control" ? "pass" : "fail",
    asItShould: true,
    codes: [],
    failures: kind === "sabotage" ? ["rs1 is still there"] : [],
    figures: {},
  })),
};

describe("results", () => {
  it("read well", () => {
    expect(renderResult(result)).toBe(
      [
        "FAIL drain: a <drill> & more",
        "       detection 1.5 s (at most 6)  n 2, median 1.4, worst 1.5",
        "       failed 3 (at most 0)",
        "       recovery: never",
        "       answered by: rs1 1",
        '     ! failed is 3, promised at most "0" & <less>',
        "       without the fault: nothing failed",
        "       sabotaged: failed, as it must: rs1 is still there",
      ].join("\n"),
    );
    expect(renderList(chooseDrills(["drain"]))).toMatch(/^ {2}drain {2}A real server is drained/);
    expect(listOf(chooseDrills(["drain"]))).toEqual([
      {
        name: "drain",
        description: expect.stringContaining("is drained") as string,
        standard: false,
        sabotage: "the server is taken out of the table at once instead of being drained",
      },
    ]);
  });

  it("are a JUnit test case each", () => {
    expect(junitCases([result, { ...result, name: "op-mode", verdict: "pass", failures: [] }])).toEqual([
      {
        group: "drill",
        name: "drain",
        seconds: 12.5,
        failure: { message: result.failures[0], text: result.failures[0] },
      },
      { group: "drill", name: "op-mode", seconds: 12.5 },
    ]);
    const rest = { description: "", name: "drain" };
    expect(
      junitCases([
        { ...rest, verdict: "skip", reason: "too small" },
        { ...rest, verdict: "error", failures: ["interrupted"], runs: [] },
      ]),
    ).toEqual([
      { group: "drill", name: "drain", seconds: 0, skipped: "too small" },
      {
        group: "drill",
        name: "drain",
        seconds: 0,
        failure: { message: "interrupted", text: "interrupted" },
      },
    ]);
  });

  it("are one file each, and a drill that was cut off is remembered", () => {
    const directory = mkdtempSync(join(tmpdir(), "drills-"));
    const store = new ResultStore(directory);
    expect(store.interrupted()).toBeUndefined();
    store.markRunning({ drill: "drain", target: "rs2" });
    expect(new ResultStore(directory).interrupted()).toEqual({ drill: "drain", target: "rs2" });
    store.markDone();
    store.write(result);
    expect(readdirSync(join(directory, "drills"))).toEqual(["drain.json"]);
    expect(JSON.parse(readFileSync(join(directory, "drills/drain.json"), "utf8"))).toEqual(result);
    rmSync(directory, { recursive: true });
  });
});
