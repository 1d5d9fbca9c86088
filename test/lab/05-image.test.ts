/**
 * The guest image by itself, under plain QEMU: what must be in it, how it boots, and at what cost. That a broken one is
 * never used is shown by test/shell/imageBuild.test.sh.
 */
import { expect, it } from "vitest";
import { command } from "../../cli/virsh";

it("the guest image boots, holds what the lab needs, reboots and powers off", async () => {
  const { code, stdout, stderr } = await command("bash", ["test/shell/image.sh"]);
  console.log(/sshd answers.*/.exec(stdout)?.[0] ?? "sshd does not answer");
  expect([code, code === 0 ? "" : `${stdout}\n${stderr}`.slice(-3000)]).toEqual([0, ""]);
});
