/** The report as a browser shows it: for tests on what was made up and on what a real lab says. */
import { existsSync } from "node:fs";
import { chromium, type Browser, type Locator, type Page } from "playwright-core";
import { expect } from "vitest";
import { stackBars } from "../../../report/chart";
import type { ReportData } from "../../../report/data";
import { checkerText } from "../../../health/statusText";

export const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM ?? "", args: ["--no-sandbox"] });
}

export type PageOptions = Parameters<Browser["newPage"]>[0];

/** @returns `complaints`: what the console said, and what was asked for beside the file */
export async function openPage(
  browser: Browser,
  file: string,
  options: PageOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
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
}

export async function dataOf(page: Page): Promise<ReportData> {
  return JSON.parse((await page.textContent("#data")) ?? "") as ReportData;
}

const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** Text of every cell or line below, without the white space of its markup. */
async function texts(locator: Locator): Promise<string[]> {
  return (await locator.allTextContents()).map((text) => text.replace(/\s+/g, " ").trim());
}

/** Definition lists of a section: term → what is said. */
async function definitions(page: Page, section: string): Promise<Record<string, string>> {
  const [terms, values] = await Promise.all([
    texts(page.locator(`${section} dt`)),
    texts(page.locator(`${section} dd`)),
  ]);
  return Object.fromEntries(terms.map((term, i) => [term, values[i] ?? ""]));
}

/** That people see what programs read. */
export async function expectShown(page: Page, data: ReportData): Promise<void> {
  const { status, image, versions, configHash, verify, drills } = data;
  expect(await page.textContent("#status")).toBe(status.status);
  for (const service of status.services) {
    const counted = status.counters.services.find(
      ({ vip, port, protocol }) =>
        vip === service.vip && port === service.port && protocol === service.protocol,
    );
    for (const server of service.realServers) {
      const counters = counted?.realServers.find(({ name }) => name === server.name);
      const row = page.locator(
        `[data-service="${service.protocol} ${service.vip}:${service.port}"] tr[data-server="${server.name}"] td`,
      );
      expect(await row.allTextContents()).toEqual([
        server.name,
        `${server.address}:${server.port}`,
        server.state,
        `${server.weight} of ${server.configuredWeight}`,
        String(server.activeConnections),
        String(server.inactiveConnections),
        counters === undefined ? "–" : grouped(counters.connections),
        counters === undefined ? "–" : grouped(counters.incomingBytes),
      ]);
    }
  }
  expect(await texts(page.locator("#problems li"))).toEqual(
    status.problems.map((problem) => problem.replace(/\s+/g, " ")),
  );
  await expectFacts(page, data);
  const origins = await definitions(page, "#origins");
  expect(origins).toMatchObject({
    configuration: configHash,
    ...versions,
    ...(image === null ? {} : { "guest image": image.digest, ...image.packages }),
  });
  if (image?.kernel !== undefined) expect(origins["guest kernel"]).toBe(image.kernel);
  const checks = await page
    .locator("[data-check]")
    .evaluateAll((all) =>
      all.map((each) => [each.getAttribute("data-check"), each.getAttribute("data-status")]),
    );
  expect(checks).toEqual((verify?.checks ?? []).map(({ name, status: verdict }) => [name, verdict]));
  expect(await page.locator("#verify > .old").count()).toBe(
    verify !== null && verify.configHash !== configHash ? 1 : 0,
  );
  for (const drill of drills) await expectDrill(page, drill, configHash);
}

/** What is known of detection, and of the checker. */
async function expectFacts(page: Page, { status: { detection, checker } }: ReportData): Promise<void> {
  const facts = await definitions(page, "#health");
  expect(facts["a failure is detected within"]).toBe(
    detection
      .map(
        ({ service, refused, silent, allSilent }) =>
          `${service}: ${refused} s when a server refuses, ${silent} s when it is silent, ${allSilent} s when all are`,
      )
      .join("; "),
  );
  expect(facts["ldirectord"]).toBe(checkerText(checker));
}

async function expectDrill(
  page: Page,
  drill: ReportData["drills"][number],
  configHash: string,
): Promise<void> {
  const article = page.locator(`[data-drill="${drill.name}"]`);
  expect(await article.getAttribute("data-verdict")).toBe(drill.verdict);
  expect(await article.locator(".old").count()).toBe(drill.configHash === configHash ? 0 : 1);
  const figures = await article
    .locator("[data-figure]")
    .evaluateAll((all) =>
      all.map((each) => [each.getAttribute("data-figure"), each.children[1]?.textContent?.trim()]),
    );
  expect(figures.map(([key]) => key)).toEqual(Object.keys(drill.figures));
  for (const [key, shown] of figures) {
    const value = drill.figures[key ?? ""];
    expect(shown, key ?? "").toMatch(value === null ? /^never$/ : new RegExp(`^${value}( m?s)?$`));
  }
  const bars = drill.load.requests.length === 0 ? 0 : stackBars(drill).length;
  expect(await article.locator("svg rect").count()).toBe(bars);
}
