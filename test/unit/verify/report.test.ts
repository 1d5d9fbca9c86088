import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { markEvents, outcomesOf, stackBars } from "../../../verify/report/chart";
import type { ReportData } from "../../../verify/report/data";
import { html } from "../../../verify/report/html";
import { renderMermaid } from "../../../verify/report/mermaid";
import { renderPage } from "../../../verify/report/page";
import { DRILL, LAB, REPORT } from "./fixtures";

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

it("the fault is the first thing done under a steady load", () => {
  expect(markEvents(DRILL.events).map(({ kind }) => kind)).toEqual([
    "table",
    "other",
    "fault",
    "table",
    "other",
  ]);
});

it("Mermaid draws every node and both ways", () => {
  const text = renderMermaid(LAB);
  for (const name of ["client", "router", "director", "rs1", "rs2"]) expect(text).toContain(`n_${name}`);
  expect(text).toContain("n_director -->|request, new MAC| n_rs2");
  expect(text).toContain("n_rs2 -.->|reply from the VIP| n_router");
});

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

const WHERE = `the page in a browser${CHROMIUM === undefined ? " (none here: apt-get install chromium)" : ""}`;

describe.skipIf(CHROMIUM === undefined)(WHERE, () => {
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-report-"));
  const file = join(directory, "report.html");
  let browser: Browser;
  beforeAll(async () => {
    writeFileSync(file, renderPage(REPORT));
    browser = await chromium.launch({ executablePath: CHROMIUM ?? "", args: ["--no-sandbox"] });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const open = async (options: Parameters<Browser["newPage"]>[0] = {}) => {
    const page = await browser.newPage(options);
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:") && !request.url().startsWith("data:"))
        complaints.push(request.url());
    });
    await page.goto(`file://${file}`);
    return { page, complaints };
  };

  it("opens from disk, asks for nothing else, and says nothing on the console", async () => {
    const { page, complaints } = await open();
    expect(complaints).toEqual([]);
    await page.close();
  }, 60_000);

  it("shows what its JSON says", async () => {
    const { page } = await open();
    const data = JSON.parse((await page.textContent("#data")) ?? "") as ReportData;
    expect(data).toEqual(JSON.parse(JSON.stringify(REPORT)));
    expect(await page.textContent("#status")).toBe(data.status.status);
    const servers = data.status.services[0]?.realServers ?? [];
    for (const { name, state, weight, configuredWeight } of servers) {
      const row = (await page.textContent(`tr[data-server="${name}"]`)) ?? "";
      expect(row).toContain(state);
      expect(row).toContain(`${weight} of ${configuredWeight}`);
    }
    expect(await page.locator("#problems li").allTextContents()).toEqual(data.status.problems);
    expect(await page.getAttribute('[data-node="rs1"]', "data-state")).toBe("bad");
    expect(await page.getAttribute('[data-node="rs2"]', "data-state")).toBe("ok");
    expect(await page.getAttribute('[data-node="router"]', "data-state")).toBe("warn");
    // Requests go to rs2 alone: client to router, router to director, director to rs2.
    expect(await page.locator(".topology > path.request").count()).toBe(3);
    const checks = await page
      .locator("[data-check]")
      .evaluateAll((all) =>
        all.map((each) => [each.getAttribute("data-check"), each.getAttribute("data-status")]),
      );
    expect(checks).toEqual(data.verify?.checks.map(({ name, status }) => [name, status]));
    for (const drill of data.drills) {
      const article = page.locator(`[data-drill="${drill.name}"]`);
      expect(await article.getAttribute("data-verdict")).toBe(drill.verdict);
      for (const [key, value] of Object.entries(drill.figures))
        expect(await article.locator(`[data-figure="${key}"]`).textContent()).toContain(
          value === null ? "never" : String(value),
        );
      expect(await article.locator("svg rect").count()).toBe(stackBars(drill).length);
    }
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
