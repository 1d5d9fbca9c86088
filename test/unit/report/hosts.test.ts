import { expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { renderMermaid } from "../../../report/mermaid";
import { pageLab } from "../../../report/pageLab";
import { renderTopology } from "../../../report/topology";
import { STATUS } from "./fixtures";

const FAR = { libvirtUri: "qemu+ssh://root@far/system", hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB" };
const lab = (hosts?: readonly object[]) =>
  parseConfig({ hosts, accelerator: "qemu" }, { project: "lvs-dr", stack: "dev" });
const several = lab([{ underlay: "10.199.0.1" }, { name: "far", ...FAR, underlay: "10.199.0.2" }]);

it("the pictures name the host of each guest, where there are several", () => {
  const names = (of: typeof several) =>
    String(renderTopology(pageLab(of), STATUS)).match(/(?<=>)(client|router|director|rs\d)( on \w+)?(?=<)/g);
  expect(names(several)).toEqual([
    "client on host1",
    "router on host1",
    "director on host1",
    "rs1 on host1",
    "rs2 on far",
  ]);
  expect(names(lab())).toEqual(["client", "router", "director", "rs1", "rs2"]);
  expect(renderMermaid(several)).toMatch(/rs2, weight \d+<br\/>[^"]*<br\/>on far"/);
  expect(renderMermaid(lab())).not.toContain("on host1");
});
