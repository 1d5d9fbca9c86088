import { describe, expect, it } from "vitest";
import { lab, REMOTE, runWithLibvirt } from "./support/fixtures";
import { find } from "./support/recorder";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB";

/** The resource by which a machine has the role of rs1, and what it is sent. */
async function rs1(ssh: object) {
  const described = lab({ realServers: [{ ssh: { hostKey, ...ssh } }, {}] });
  const recording = await runWithLibvirt(async (opts) => {
    const { ComponentResource } = await import("@pulumi/pulumi");
    const { clusterParts } = await import("../../../components/lvsCluster");
    const cluster = new ComponentResource("lvsdr:index:LvsCluster", "cluster", {}, opts);
    clusterParts(cluster, "cluster", { lab: described, accelerator: "qemu" });
    return {};
  });
  const { inputs } = find(recording, REMOTE, "rs1");
  const [, self] = /readonly LVS_SELF='(.*)'/.exec(String(inputs.stdin)) ?? [];
  return { inputs, self };
}

describe("a machine that exists", () => {
  it("gives back the role that it was sent, and no other one", async () => {
    const { inputs, self } = await rs1({ user: "admin" });
    expect(self).toBe("realServer rs1 192.168.7.10:22");
    expect(inputs.delete).toContain("sudo ");
    expect(inputs.delete).toContain(`/usr/local/sbin/lvs-dr remove `);
    expect(inputs.delete).toContain(self);
  });

  it("is another one by another address, port or jump host, and none by its user", async () => {
    const triggers = async (ssh: object) => (await rs1(ssh)).inputs.triggers;
    const first = await triggers({});
    expect(await triggers({ user: "admin" })).toEqual(first);
    const others = [{ host: "10.0.0.1" }, { port: 2222 }, { jump: { host: "10.0.0.9", hostKey } }];
    for (const other of others) expect(await triggers(other)).not.toEqual(first);
  });
});
