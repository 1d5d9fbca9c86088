import { expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import type { Shell } from "../../../lib/ssh";
import { judgeTunnels } from "../../../verify/checks/hosts";

const lab = parseConfig(
  {
    hosts: [
      { underlay: "10.199.0.1" },
      {
        name: "far",
        libvirtUri: "qemu+ssh://root@10.199.0.2/system",
        hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB",
        underlay: "10.199.0.2",
      },
    ],
    accelerator: "qemu",
  },
  { project: "lvs-dr", stack: "dev" },
);

it("each host is asked for its own VXLAN devices, and one that lacks them, or does not answer, is named", async () => {
  const asked: string[] = [];
  const answers: Record<string, { code: number | null; stderr: string }> = {
    host: { code: 0, stderr: "" },
    far: { code: 1, stderr: "kvm2: there is no lx5fd4acads\n" },
  };
  const shell = {
    run: (name: string, command: string) => {
      asked.push(`${name} ${/joined \S+ \d+ (\S+ \d+ \S+ [\d.]+)/.exec(command)?.[1]}`);
      return Promise.resolve({ stdout: "", ...answers[name] });
    },
  } as unknown as Shell;
  const seen = async () =>
    (await judgeTunnels(lab, shell)).map(({ name, status, evidence }) => [name, status, evidence.seen]);
  expect(await seen()).toEqual([
    ["hosts.host1.tunnels", "pass", "both devices, and all peers"],
    ["hosts.far.tunnels", "fail", "kvm2: there is no lx5fd4acads"],
  ]);
  const { bridge } = lab.segments.client;
  expect(asked).toEqual([
    `host 10.199.0.1 1450 ${bridge} 10.199.0.2`,
    `far 10.199.0.2 1450 ${bridge} 10.199.0.1`,
  ]);
  answers.far = { code: null, stderr: "" };
  expect((await seen())[1]).toEqual(["hosts.far.tunnels", "fail", "no answer within 20 s"]);
});
