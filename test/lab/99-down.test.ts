import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { context, ENGINE, lab, run, STACK, unconfigure } from "./support";
import { command } from "../../cli/virsh";

it(`down leaves nothing, even with a frozen and a snapshotted guest (${ENGINE})`, async () => {
  const { virsh, directory } = context();
  await virsh.run("suspend", `lvs-dr-${STACK}-rs1`);
  await virsh
    .run("snapshot-create-as", `lvs-dr-${STACK}-client`, "by-hand", "--disk-only", "--no-metadata")
    .catch(() => undefined);
  const down = await lab(["down"]);
  console.log(`down with ${ENGINE}: ${down.seconds.toFixed(0)} s`);
  expect(down.stderr).toContain("audit: nothing is left");
  // Once more by other eyes than the audit's.
  const seen = await Promise.all([
    virsh.run("list", "--all", "--name"),
    virsh.run("net-list", "--all", "--name"),
    virsh.run("pool-list", "--all", "--name"),
    command("ip", ["-o", "link"]).then(({ stdout }) =>
      stdout
        .split("\n")
        .filter((line) => line.includes(`${STACK}-`))
        .join(),
    ),
  ]);
  for (const text of seen) expect(text).not.toContain(`lvs-dr-${STACK}-`);
  expect(existsSync(directory)).toBe(false);
  expect(existsSync(`/var/lib/libvirt/images/lvs-dr-${STACK}`)).toBe(false);
});

it("down of a stack that is not there succeeds, also with a configuration that is refused", async () => {
  expect((await run(["down"])).code).toBe(0);
  unconfigure();
});
