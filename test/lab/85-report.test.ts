/** The report of the real lab, after its checks and drills: what it shows is what they have said. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { DrillResult } from "../../drills/types";
import { renderMermaid } from "../../report/mermaid";
import type { Status } from "../../health/status";
import { CHROMIUM, dataOf, expectShown, launch, openPage } from "../unit/report/reportPage";
import { applied, context, ENGINE, lab, outputs } from "./support";

const directory = mkdtempSync(join(tmpdir(), "lvs-dr-report-test-"));
const file = join(directory, "report.html");
afterAll(() => rmSync(directory, { recursive: true }));

/** What does not change while nobody does anything. */
function steady({ status, configHash, problems, services, detection, checker }: Status): object {
  return {
    ...{ status, configHash, problems, detection },
    services: services.map(({ realServers, ...service }) => ({
      ...service,
      realServers: realServers.map(({ name, address, port, weight, configuredWeight, state }) => ({
        ...{ name, address, port, weight, configuredWeight, state },
      })),
    })),
    checker: checker && { alive: checker.alive, current: checker.configCurrent, checking: checker.checking },
  };
}

const NO_BROWSER = CHROMIUM === undefined ? " (none here: apt-get install chromium)" : "";

it.skipIf(CHROMIUM === undefined)(
  `the report shows in a browser what status, verify and drills have said${NO_BROWSER}`,
  async () => {
    await lab(["report", file]);
    const { access, imageDigest, health } = await outputs();
    const status = JSON.parse((await lab(["status", "--json"])).stdout) as Status;
    const browser = await launch();
    try {
      const { page, complaints } = await openPage(browser, file);
      expect(complaints).toEqual([]);
      const data = await dataOf(page);
      expect(steady(data.status)).toEqual(steady(status));
      expect(data.configHash).toBe(health?.configHash);
      expect(data.versions.engine).toBe(ENGINE);
      expect(imageDigest).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(data.image?.digest).toBe(imageDigest);
      // Of the image that this project built, and its manifest says the same of it.
      expect(data.image?.packages).toHaveProperty("ldirectord");
      const records = join(context().directory, "drills");
      const drills = readdirSync(records)
        .filter((name) => name.endsWith(".json"))
        .map((name) => JSON.parse(readFileSync(join(records, name), "utf8")) as DrillResult);
      expect(drills.length).toBeGreaterThan(0);
      const byName = (a: DrillResult, b: DrillResult): number => a.name.localeCompare(b.name);
      expect([...data.drills].sort(byName)).toEqual(drills.sort(byName));
      expect(data.verify).toEqual(JSON.parse(readFileSync(join(context().directory, "verify.json"), "utf8")));
      await expectShown(page, data);
      for (const secret of access?.privateKey.split("\n").slice(1, 4) ?? [])
        expect(readFileSync(file, "utf8")).not.toContain(secret);
    } finally {
      await browser.close();
    }
  },
);

it("the picture is drawn of this lab's configuration", async () => {
  const { stdout } = await lab(["report", "--mermaid"]);
  expect(stdout).toBe(renderMermaid(await applied()));
});
