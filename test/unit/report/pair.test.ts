/** Two directors in the pictures: both are drawn, and the one that holds the VIP is the way. */
import { expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { pageLab } from "../../../report/pageLab";
import { renderMermaid } from "../../../report/mermaid";
import { nodeViews, renderTopology } from "../../../report/topology";
import { STATUS } from "./fixtures";

const lab = parseConfig({ directors: [{}, {}] }, { project: "lvs-dr", stack: "dev" });
const rest = { sync: "both", table: "equal", lastTransition: null } as const;
const status = {
  ...STATUS,
  findings: [],
  directors: [
    { name: "director2", role: "active", holdsVip: true, ...rest },
    { name: "director1", role: "standby", holdsVip: false, ...rest },
  ],
} as const;

it("the picture has the active director first, and each one's role", () => {
  const views = nodeViews(pageLab(lab), status).filter(({ node }) => node.role === "director");
  expect(views.map(({ node, label }) => [node.name, label])).toEqual([
    ["director2", "active"],
    ["director1", "standby"],
  ]);
  const picture = String(renderTopology(pageLab(lab), status));
  const boxOf = (name: string): string =>
    new RegExp(`<g class="node [a-z]+" data-node="${name}".*?</g>`, "s").exec(picture)?.[0] ?? "";
  expect(boxOf("director2")).toContain("VIP 10.0.0.100");
  expect(boxOf("director1")).toContain("DIP 192.168.7.30");
  expect(boxOf("director1")).not.toContain("VIP");
});

it("the Mermaid diagram leads through either", () => {
  const text = renderMermaid(lab);
  expect(text).toContain("n_router -- request --> n_director1 & n_director2");
  expect(text).toContain("VIP 10.0.0.100, or the other has it");
  const [one] = parseConfig({}, { project: "lvs-dr", stack: "dev" }).directors;
  expect(renderMermaid({ ...lab, directors: [one] })).not.toContain("or the other");
});
