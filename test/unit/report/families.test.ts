import { expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { renderMermaid } from "../../../report/mermaid";
import { pageLab } from "../../../report/pageLab";
import { renderTopology } from "../../../report/topology";
import { STATUS } from "./fixtures";

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
