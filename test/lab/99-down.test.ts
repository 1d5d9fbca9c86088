import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { context, ENGINE, lab, run, STACK, unconfigure } from "./support";
import { exec } from "../../lib/process";

it(`down leaves nothing, even with a frozen and a snapshotted guest (${ENGINE})`, async () => {
  const { virsh, directory } = context();
  const { domains, bridges, prefix } = context().names();
  await virsh.run("suspend", `lvs-dr-${STACK}-rs1`);
  await virsh
    .run("snapshot-create-as", `lvs-dr-${STACK}-client`, "by-hand", "--disk-only", "--no-metadata")
    .catch(() => undefined);
  // Something that bears the stack's name and is in no state: the audit's to find.
  const planted = `lvs-dr-${STACK}-planted`;
  const file = join(tmpdir(), `${planted}.xml`);
  writeFileSync(
    file,
    `<domain type="qemu"><name>${planted}</name><title>lvs-dr ${STACK}: planted</title>` +
      `<memory unit="MiB">16</memory><os><type arch="x86_64" machine="pc">hvm</type></os></domain>`,
  );
  await virsh.run("define", file);
  rmSync(file);
  const down = await run(["down"]);
  console.log(`down with ${ENGINE}: ${down.seconds.toFixed(0)} s`);
  expect(down).toMatchObject({ code: 1 });
  expect(down.stderr.slice(down.stderr.indexOf("error: "))).toBe(
    `error: left of stack ${STACK}:\n  domain ${planted} (shut off)\n`,
  );
  await virsh.run("undefine", planted);
  expect((await lab(["down"])).stderr).toContain("audit: nothing is left");
  // Once more by other eyes than the audit's.
  const own = [...domains, ...bridges, prefix, `${prefix}-client`, `${prefix}-server`];
  expect(own).toHaveLength(10);
  const seen = await Promise.all([
    virsh.run("list", "--all", "--name"),
    virsh.run("net-list", "--all", "--name"),
    virsh.run("pool-list", "--all", "--name"),
    exec("ip", ["-o", "link"]).then(({ stdout }) => stdout.replaceAll(/^\d+: ([^:@]+).*$/gm, "$1")),
  ]);
  expect(seen.flatMap((text) => text.split("\n")).filter((name) => own.includes(name.trim()))).toEqual([]);
  expect(existsSync(directory)).toBe(false);
  expect(existsSync(`/var/lib/libvirt/images/lvs-dr-${STACK}`)).toBe(false);
  // Only root may remove them.
  if (process.getuid?.() === 0)
    expect(
      readdirSync("/var/log/libvirt/qemu").filter((name) => name.startsWith(`lvs-dr-${STACK}-`)),
    ).toEqual([]);
});

it("down of a stack that is not there succeeds, also with a configuration that is refused", async () => {
  expect((await run(["down"])).code).toBe(0);
  unconfigure();
});
