import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { markEvents, outcomesOf, stackBars } from "../../../report/chart";
import { parseConfig } from "../../../model/config/config";
import { html } from "../../../report/html";
import { renderMermaid } from "../../../report/mermaid";
import { renderPage } from "../../../report/page";
import { pageLab } from "../../../report/pageLab";
import { DRILL, LAB, REPORT } from "./fixtures";
import { CHROMIUM, dataOf, expectShown, launch, openPage, type PageOptions } from "./reportPage";

it("markup cannot be broken by what is put in", () => {
  expect(html`<p title="${`"><script>`}">${["a & b", html`<b>${"<"}</b>`]}</p>`.text).toBe(
    '<p title="&quot;&gt;&lt;script&gt;">a &amp; b<b>&lt;</b></p>',
  );
});

it("the chart's bars add up to the requests", () => {
  const bars = stackBars(DRILL);
  const area = bars.reduce((sum, { x1, x2, y1, y2 }) => sum + (x2 - x1) * (y2 - y1), 0);
  expect(area).toBeCloseTo(DRILL.load.requests.length);
  expect(outcomesOf(DRILL)).toEqual(["rs1", "rs2", "failed"]);
});

it("a drill's pair tells whether the sabotage was found out", () => {
  const run = (kind: "control" | "sabotage", verdict: "pass" | "fail", asItShould: boolean) => ({
    ...{ kind, verdict, asItShould },
    ...{ startedAt: DRILL.startedAt, seconds: 1, failures: [], codes: [], figures: {} },
  });
  const shown = (...runs: (typeof DRILL)["runs"]): string =>
    renderPage({ ...REPORT, drills: [{ ...DRILL, runs }] });
  const good = shown(run("control", "pass", true), run("sabotage", "fail", true));
  expect(good).toContain("without the fault: nothing failed; with its remedy sabotaged: failed, as it must");
  expect(shown(run("sabotage", "fail", false))).toContain("did not fail for that, so it proves nothing");
});

it("the fault is the first thing done under a steady load", () => {
  expect(markEvents(DRILL.events).map(({ kind }) => kind)).toEqual([
    "table",
    "other",
    "fault",
    "table",
    "other",
  ]);
});

it("the README's picture is what the program draws of the default lab", () => {
  const lab = parseConfig({}, { project: "lvs-dr", stack: "dev" });
  const block = /^```mermaid\n([^]*?)^```$/m.exec(readFileSync("README.md", "utf8"))?.[1];
  expect(block).toBe(renderMermaid(lab));
});

it("Mermaid draws every node with its addresses, and both ways", () => {
  const text = renderMermaid(LAB);
  for (const name of ["client", "router", "director", "rs1", "rs2"]) expect(text).toContain(`n_${name}`);
  for (const words of ["DIP 192.168.7.30", "VIP 10.0.0.100", "RIP 192.168.7.10", "rs2, weight 3"])
    expect(text).toContain(words);
  expect(text).toContain("n_client -- request --> n_router -- request --> n_director");
  expect(text).toContain('n_director -. "same packet, new MAC" .-> n_rs1 & n_rs2');
  expect(text).toContain(
    'n_rs1 & n_rs2 == "reply from the VIP, past the director" ==> n_router == reply ==> n_client',
  );
});

it("the page holds no password, login, key or request of a health check, of any service", () => {
  const [MAIN, OTHER, FILE] = ["canary-main", "canary-other", "canary-file"];
  const check = (mark: string) => ({
    service: "radius",
    login: `${mark}-login`,
    passwd: `${mark}-passwd`,
    secret: `${mark}-secret`,
  });
  const [first] = LAB.services;
  const [rs1, ...rest] = first.realServers;
  if (rs1 === undefined) throw new Error("the lab has real servers");
  const lab = {
    ...LAB,
    remoteHost: { host: "h", user: "u", port: 22, keyFile: FILE },
    services: [
      {
        ...first,
        check: { ...first.check, ...check(MAIN) },
        realServers: [{ ...rs1, request: `${MAIN}-request` }, ...rest],
      },
      { ...first, name: "radius", port: 1812, check: { ...first.check, ...check(OTHER) } },
    ] as const,
  };
  const page = renderPage({ ...REPORT, lab: pageLab(lab as never) });
  expect(JSON.stringify(lab)).toContain(`${OTHER}-secret`);
  for (const canary of [MAIN, OTHER, FILE]) expect(page).not.toContain(canary);
  expect(page).toContain("1812");
});

const WHERE = `the page in a browser${CHROMIUM === undefined ? " (none here: apt-get install chromium)" : ""}`;

describe.skipIf(CHROMIUM === undefined)(WHERE, () => {
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-report-"));
  const file = join(directory, "report.html");
  let browser: Browser;
  beforeAll(async () => {
    writeFileSync(file, renderPage(REPORT));
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const open = (options?: PageOptions) => openPage(browser, file, options);

  it("opens from disk, asks for nothing else, says nothing on the console, and shows what its JSON says", async () => {
    const { page, complaints } = await open();
    expect(complaints).toEqual([]);
    const data = await dataOf(page);
    expect(data).toEqual(JSON.parse(JSON.stringify(REPORT)));
    await expectShown(page, data);
    expect(await page.getAttribute('[data-node="rs1"]', "data-state")).toBe("bad");
    expect(await page.getAttribute('[data-node="rs2"]', "data-state")).toBe("ok");
    expect(await page.getAttribute('[data-node="router"]', "data-state")).toBe("warn");
    // Requests go to rs2 alone: client to router, router to director, director to rs2.
    expect(await page.locator(".topology > path.request").count()).toBe(3);
    await page.close();
  }, 60_000);

  it("marks what was measured under another configuration", async () => {
    const old = { ...REPORT, configHash: "f".repeat(64) };
    writeFileSync(join(directory, "old.html"), renderPage(old));
    const { page } = await openPage(browser, join(directory, "old.html"));
    await expectShown(page, await dataOf(page));
    expect(await page.locator("#drills .old").allTextContents()).toEqual([
      `This was another configuration (${DRILL.configHash.slice(0, 12)}).`,
    ]);
    expect(await page.locator("#verify .old").count()).toBe(1);
    await page.close();
  }, 60_000);

  it("fits a phone, turns dark, and prints what is folded", async () => {
    const { page: phone } = await open({ viewport: { width: 360, height: 740 } });
    expect(await phone.evaluate("document.documentElement.scrollWidth")).toBe(360);
    await phone.close();
    const background = async (colorScheme: "light" | "dark"): Promise<unknown> => {
      const { page } = await open({ colorScheme });
      const colour = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      await page.close();
      return colour;
    };
    expect(await background("dark")).not.toBe(await background("light"));
    const { page } = await open();
    const folded = page.locator('[data-check="arp.10.0.0.100.host"]');
    expect(await folded.isVisible()).toBe(false);
    await page.emulateMedia({ media: "print" });
    expect(await folded.isVisible()).toBe(true);
    await page.close();
  }, 60_000);
});
