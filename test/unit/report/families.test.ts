import { parseHTML } from "linkedom";
import { expect, it } from "vitest";
import { renderHealth } from "../../../health/healthText";
import { parseConfig } from "../../../model/config/config";
import { renderMermaid } from "../../../report/mermaid";
import { renderPage } from "../../../report/page";
import { pageLab } from "../../../report/pageLab";
import { renderTopology } from "../../../report/topology";
import { REPORT, STATUS } from "./fixtures";
import { MARKED, MARKED_STATUS } from "./marked";

const lab = (config: Readonly<Record<string, unknown>>) =>
  parseConfig(config, { project: "lvs-dr", stack: "dev" });
const both = lab({
  clientNetwork: { cidr6: "fd00:18::/64" },
  serverNetwork: { cidr6: "fd00:7::/64" },
  vip6Cidr: "fd00:10::/64",
});
const texts = (of: typeof both): string[] =>
  [...String(renderTopology(pageLab(of), STATUS)).matchAll(/<text [^>]*>([^<]*)<\/text/g)].map(
    ([, text = ""]) => text,
  );

it("the report's picture has the addresses and the VIPs of both families", () => {
  expect(texts(both)).toEqual(
    expect.arrayContaining([
      "fd00:18::7:70/64",
      "192.168.7.200/24  10.0.0.200/8",
      "fd00:7::200/64  fd00:10::200/64",
      "DIP 192.168.7.30",
      "DIP fd00:7::30",
      "VIP 10.0.0.100",
      "VIP fd00:10::100",
      "RIP fd00:7::10",
      "VIP fd00:10::100 on lo",
    ]),
  );
  expect(texts(lab({})).filter((text) => text.includes("::"))).toEqual([]);
});

it("a flat network is named once", () => {
  const flat = lab({ vipCidr: "192.168.7.0/24" });
  expect(texts(flat)).toContain("server segment 192.168.7.0/24");
  expect(renderMermaid(flat)).toContain('server segment 192.168.7.0/24"');
});

it("of the VIPs' networks each is named once, of both families", () => {
  const vips = ["192.168.7.101/24", "203.0.113.10/29", "2001:db8:2::10/64"];
  const services = vips.map((vip, at) => ({ name: `s${at}`, port: 81, vip: vip.split("/")[0] }));
  const all = "192.168.7.0/24, 203.0.113.8/29, 2001:db8:2::/64, fd00:10::/64";
  const cidr6 = { clientNetwork: { cidr6: "fd00:18::/64" }, serverNetwork: { cidr6: "fd00:7::/64" } };
  const of = lab({ ...cidr6, vip6Cidr: "fd00:10::/64", vipCidr: "192.168.7.0/24", vips, services });
  expect(texts(of)).toContain(`server segment ${all}`);
  expect(renderMermaid(of)).toContain(`server segment ${all.replaceAll(", ", " and ")}"`);
});

it("Mermaid has the addresses and the VIPs of both families", () => {
  const text = renderMermaid(both);
  for (const each of ["DIP 192.168.7.30", "DIP fd00:7::30", "VIP 10.0.0.100", "VIP fd00:10::100"])
    expect(text).toContain(each);
  for (const each of ["RIP 192.168.7.10", "RIP fd00:7::10", "172.18.7.70<br/>fd00:18::7:70"])
    expect(text).toContain(each);
  expect(renderMermaid(lab({}))).not.toContain("::");
});

const titles = [
  "10.0.0.100:80,443/tcp by mark 80",
  "10.0.0.100:8080/tcp",
  "[fd00:10::100]:80,443/tcp by mark 80",
  "[fd00:10::100]:8080/tcp",
];

it("a group of ports is on the page once a family, each with its own servers and what was counted there", () => {
  const page = parseHTML(renderPage({ ...REPORT, lab: pageLab(MARKED), status: MARKED_STATUS })).document;
  const shown = [...page.querySelectorAll("[data-service]")].map((each) => ({
    title: each.previousElementSibling?.querySelector("b")?.textContent,
    service: each.getAttribute("data-service"),
    servers: [...each.querySelectorAll("tbody tr")].map((row) =>
      [...row.querySelectorAll("td")].map((cell) => cell.textContent?.trim()).join(" "),
    ),
  }));
  expect(shown.map(({ title }) => title)).toEqual(titles);
  expect(new Set(shown.map(({ service }) => service)).size).toBe(titles.length);
  expect(shown[0]?.servers).toEqual([
    "rs1 192.168.7.10:0 up 1 of 1 11 0 100 20\u202f000",
    "rs2 192.168.7.20:0 up 3 of 3 12 0 200 40\u202f000",
  ]);
  expect(shown[2]?.servers).toEqual([
    "rs1 [fd00:7::10]:0 up 1 of 1 21 0 301 40\u202f004",
    "rs2 [fd00:7::20]:0 up 3 of 3 22 0 399 49\u202f996",
  ]);
  expect(
    renderHealth(MARKED_STATUS)
      .match(/^ {2}\S+:\S+\/tcp.*(?= wrr)/gm)
      ?.map((each) => each.trim()),
  ).toEqual(titles);
});

it("Mermaid draws a group of ports as any other service", () => {
  const text = renderMermaid(MARKED);
  expect(text).toContain("VIP 10.0.0.100<br/>VIP fd00:10::100<br/>wrr");
  expect(text).toContain("rs2, weight 3");
});
