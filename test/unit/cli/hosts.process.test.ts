import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkout, type Checkout } from "./support/checkout";

const host = (number: number, name: string) => ({
  name,
  libvirtUri: `qemu+ssh://root@192.0.2.${number}/system`,
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB",
  underlay: `198.51.100.${number}`,
});

let lab: Checkout;
beforeAll(() => {
  lab = checkout("exit 255", { accelerator: "qemu", hosts: [host(1, "near"), host(2, "far")] });
});
afterAll(() => lab.remove());

it("what a host has is known by the stack's state, before anything is asked of it", async () => {
  const config = { "lvs-dr:accelerator": "qemu", "lvs-dr:hosts": [host(1, "near"), host(2, "other")] };
  writeFileSync(join(lab.directory, "Pulumi.dev.yaml"), JSON.stringify({ config }));
  const { code, stderr } = await lab.run("preview");
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'hosts[1].name = "other": is the host that the stack knows as far, and what it has bears that name. Fix: write far.',
    ) as string,
  });
});
