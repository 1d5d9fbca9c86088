/** A lab without a client or router: this host asks, and what takes one of them is skipped by name. */
import { expect, it } from "vitest";
import { look } from "../../../health/observe";
import type { Shell } from "../../../lib/ssh";
import { parseConfig } from "../../../model/config/config";
import { reachProbe } from "../../../verify/checks/reach";
import { pathProbe } from "../../../verify/checks/path";
import { diagnosisProbe } from "../../../verify/diagnosis/diagnosis";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
const lab = parseConfig(
  { client: false, router: false, director: { ssh: { hostKey } }, realServers: [{ ssh: { hostKey } }] },
  { project: "lvs-dr", stack: "alone" },
);

/** Notes what each node is asked, and answers nothing. */
function silent(): Shell & { readonly asked: Map<string, string> } {
  const asked = new Map<string, string>();
  return {
    asked,
    run(node, command) {
      asked.set(node, command);
      return Promise.resolve({ code: 0, stdout: "", stderr: "" });
    },
  };
}

it("this host makes the requests, has no status of its own, and is none of the nodes that are seen", async () => {
  const shell = silent();
  const seen = await look(shell, lab);
  expect(Object.keys(seen.nodes).sort()).toEqual(["director", "rs1"]);
  expect([...shell.asked.keys()].sort()).toEqual(["director", "host", "rs1"]);
  expect(shell.asked.get("host")).toContain("curl");
  expect(shell.asked.get("host")).not.toContain("lvs-dr status");
  expect(shell.asked.get("rs1")).toContain("lvs-dr status");
});

it.each([reachProbe, pathProbe, diagnosisProbe])("$group is skipped, and says why", async (probe) => {
  const shell = silent();
  const findings = await probe.look({ lab, shell });
  expect(findings.map(({ status, evidence }) => [status, evidence.seen])).toEqual([
    ["skip", "the lab has no client that could be asked (client: false)"],
  ]);
  expect([...shell.asked]).toEqual([]);
});
