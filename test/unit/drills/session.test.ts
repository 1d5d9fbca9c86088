import { rmSync } from "node:fs";
import { parseHTML } from "linkedom";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { needsSorry } from "../../../drills/actions";
import { DRILLS } from "../../../drills/catalogue";
import { withFirst } from "../../../drills/environment";
import { runDrill } from "../../../drills/runner";
import { runDrills, undoCutOff } from "../../../drills/session";
import { parseConfig } from "../../../model/config/config";
import { readDrills } from "../../../report/data";
import { renderDrills } from "../../../report/drillSection";
import { REPORT } from "../report/fixtures";
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
  const stuck = fakeDrill(did, { name: "stuck", restore: () => Promise.reject(new Error("no way in")) });
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

it("a drill that cuts something off is skipped where a machine has no nft", async () => {
  const { lab } = bench.environment;
  const target = { ...lab.directors[0], ssh: { host: "m", user: "root", port: 22 } };
  const shell = { run: () => Promise.resolve({ code: 0, stdout: "nft\n", stderr: "" }) };
  const environment = { ...bench.environment, shell } as unknown as FakeBench["environment"];
  const { outcomes } = await runDrills(
    [fakeDrill(did, { cuts: () => [target] })],
    { ...bench, environment },
    ONCE,
  );
  expect(outcomes).toEqual([
    { name: "fake", description, verdict: "skip", reason: "there is no nft on director" },
  ]);
  expect(did).toEqual([]);
});

it("a service by HTTPS is drilled but for the sorry page, where the client can speak TLS", async () => {
  const { lab } = bench.environment;
  const [main, ...others] = lab.services;
  const https = { ...main, check: { ...main.check, service: "https" } } as const;
  const drills = [fakeDrill(did, { name: "fits" }), fakeDrill(did, { name: "sorry", unfit: needsSorry })];
  const skipped = async (client: object, code: number): Promise<(string | undefined)[]> => {
    const clients = [{ ...lab.clients[0], ...client }];
    const shell = {
      ...bench.environment.shell,
      run: () => Promise.resolve({ code, stdout: "", stderr: "" }),
    };
    const environment = {
      ...bench.environment,
      shell,
      lab: { ...lab, clients, services: [https, ...others] },
    };
    const own = { ...bench, environment } as unknown as FakeBench;
    return (await runDrills(drills, own, ONCE)).outcomes.map((each) =>
      "reason" in each ? each.reason : each.verdict,
    );
  };
  const sorry = "the director's own sorry server speaks HTTP alone";
  expect(await skipped({}, 1)).toEqual(["pass", sorry]);
  expect(await skipped({ here: true }, 0)).toEqual(["pass", sorry]);
  expect(await skipped({ here: true }, 1)).toEqual(["there is no libio-socket-ssl-perl on client", sorry]);
});

it("a service of another protocol is refused by every drill, whose load is HTTP, and by name", async () => {
  const healthCheck = {
    service: "mysql",
    login: "check",
    passwd: "x",
    database: "shop",
    request: "SELECT 1",
  };
  const shop = { name: "shop", port: 3306, workload: "mariadb", healthCheck };
  const lab = parseConfig(
    { services: [shop], workloads: [{ name: "mariadb" }] },
    { project: "lvs-dr", stack: "dev" },
  );
  const environment = { ...bench.environment, lab: withFirst(lab, "shop") };
  const { outcomes, error } = await runDrills(
    DRILLS,
    { ...bench, environment } as unknown as FakeBench,
    ONCE,
  );
  expect(error).toBeUndefined();
  const reason =
    "it needs a main service of the lab's web server: the load is HTTP or HTTPS, and shop is served by mariadb";
  expect(outcomes).toEqual(
    DRILLS.map((each) => ({ name: each.name, description: each.description, verdict: "skip", reason })),
  );
});

describe("a lab that is not as configured", () => {
  const weight = "rs1 192.168.7.10:80: weight 9, expected 1";
  const broken = (looks: string[][]): FakeBench => {
    const environment = { ...bench.environment, amiss: () => Promise.resolve(looks.shift() ?? []) };
    return { ...bench, environment: environment as unknown as FakeBench["environment"] };
  };

  it("refuses every drill that fits it before anything is broken, by name, and the report shows what was tried", async () => {
    const drills = [
      fakeDrill(did, { name: "unfit", unfit: () => "too small" }),
      fakeDrill(did),
      fakeDrill(did, { name: "second" }),
    ];
    bench.store.write(await runDrill(fakeDrill([]), bench, ONCE));
    const { outcomes, error } = await runDrills(drills, broken([[weight]]), ONCE);
    expect(did).toEqual([]);
    expect(bench.store.interrupted()).toBeUndefined();
    const refused = { description, verdict: "refused", failures: [weight] };
    expect(outcomes).toEqual([
      { name: "unfit", description, verdict: "skip", reason: "too small" },
      { name: "fake", ...refused },
      { name: "second", ...refused },
    ]);
    expect(error?.message).toContain(`the lab is not as configured: ${weight}`);
    const before = readDrills(bench.directory);
    expect(before.tried).toMatchObject([
      { name: "fake", ...refused },
      { name: "second", ...refused },
    ]);
    expect(before.drills).toHaveLength(1);
    const page = parseHTML(String(renderDrills({ ...REPORT, ...before }))).document;
    expect(page.querySelector("[data-tried=second]")?.textContent).toContain(weight);
    // What has a result is no longer among them.
    await runDrills([fakeDrill(did)], bench, ONCE);
    expect(readDrills(bench.directory).tried.map(({ name }) => name)).toEqual(["second"]);
  });

  it("is looked at once for all drills of a call", async () => {
    const { error } = await runDrills([fakeDrill(did), fakeDrill(did)], broken([[], [weight]]), ONCE);
    expect(error).toBeUndefined();
  });

  it("after a drill that could not be undone: what is left is named, and kept for the report", async () => {
    const stuck = fakeDrill(did, { name: "stuck", restore: () => Promise.reject(new Error("no way in")) });
    const { error } = await runDrills([stuck], broken([[], [weight]]), ONCE);
    expect(error?.message).toMatch(
      /^stuck is not undone: no way in; what is left: rs1 .*weight 9, expected 1;/,
    );
    expect(readDrills(bench.directory).tried).toMatchObject([{ name: "stuck", failures: [error?.message] }]);
  });
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
  const reason =
    "it needs a main service of the lab's web server: the load is HTTP or HTTPS, and main is udp";
  expect(outcomes).toEqual([{ name: "fake", description, verdict: "skip", reason }]);
  expect(did).toEqual([]);
});

it("Ctrl-C while the lab is repaired leaves that drill its result, and the others out", async () => {
  const drill = fakeDrill(did, {
    restore: () => {
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
    restore: (run) => {
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
