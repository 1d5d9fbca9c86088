import { expect, it } from "vitest";
import { parseConfig } from "../../../model/config/config";
import { fitted } from "../../../program/tunnels";
import type { Shell, ShellResult } from "../../../lib/ssh";

const FAR = {
  name: "far",
  libvirtUri: "qemu+ssh://root@far/system",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB",
  underlay: "10.199.0.2",
};
const lab = (config: object = {}) =>
  parseConfig(
    { hosts: [{ underlay: "10.199.0.1" }, FAR], accelerator: "qemu", ...config },
    { project: "lvs-dr", stack: "unit" },
  );

/** Answers as hosts whose NICs have such MTUs, and between which packets of `path` bytes pass. */
function hosts(mtus: Readonly<Record<string, number>>, path = 65535): Shell & { readonly asked: string[] } {
  const asked: string[] = [];
  const run = (host: string, command: string): Promise<ShellResult> => {
    asked.push(`${host}: ${/vxlan\.sh (.*)/.exec(command)?.[1]}`);
    const bytes = Number(/underlay \S+ (\d+)/.exec(command)?.[1] ?? 0);
    const narrow = bytes > path;
    return Promise.resolve({
      code: narrow ? 1 : 0,
      stdout: narrow ? "" : `${mtus[host]}\n`,
      stderr: narrow ? `${host}: a packet of ${bytes} bytes does not reach 10.199.0.2 whole` : "",
    });
  };
  return { run, asked };
}

it("the segments' MTU is what VXLAN leaves of the narrowest underlay, and is tried between all hosts", async () => {
  const shell = hosts({ host: 9000, far: 1500 });
  const { segments } = await fitted(lab(), shell);
  expect([segments.client.mtu, segments.server.mtu]).toEqual([1450, 1450]);
  expect(shell.asked).toEqual([
    "host: underlay 10.199.0.1",
    "far: underlay 10.199.0.2",
    "host: underlay 10.199.0.1 1500 10.199.0.2",
    "far: underlay 10.199.0.2 1500 10.199.0.1",
  ]);
  expect((await fitted(lab(), hosts({ host: 9000, far: 9000 }))).segments.server.mtu).toBe(8950);
});

it("is kept while a host is away, and refused where an underlay has become narrower", async () => {
  const one = lab();
  const { segments } = await fitted(one, hosts({ host: 1500, far: 1500 }));
  const near = [one.hosts[0]];
  const kept = await fitted(one, hosts({ host: 9000, far: 0 }), near, segments);
  expect(kept.segments.server.mtu).toBe(1450);
  await expect(fitted(one, hosts({ host: 1400, far: 0 }), near, segments)).rejects.toThrow(
    "serverNetwork.mtu = 1450: does not fit: the underlay of host1 has an MTU of 1400, which leaves 1350 under VXLAN. Fix: raise that again, or wait until all hosts answer",
  );
});

it("one that the configuration names stays, where it fits", async () => {
  const shell = hosts({ host: 9000, far: 9000 });
  const { segments } = await fitted(lab({ serverNetwork: { mtu: 1500 } }), shell);
  expect([segments.client.mtu, segments.server.mtu]).toEqual([8950, 1500]);
  await expect(
    fitted(lab({ serverNetwork: { mtu: 1500 } }), hosts({ host: 1500, far: 1500 })),
  ).rejects.toThrow(
    "serverNetwork.mtu = 1500: does not fit: the underlay of host1 has an MTU of 1500, which leaves 1450 under VXLAN. Fix: set it to 1450, or leave it out.",
  );
});

it("an underlay that is too narrow for IPv6 is refused, and a path that is narrower than its ends", async () => {
  await expect(fitted(lab(), hosts({ host: 1500, far: 1300 }))).rejects.toThrow(
    "clientNetwork.mtu = 1250: is too little for IPv6: the underlay of far has an MTU of 1300, which leaves 1250 under VXLAN.",
  );
  await expect(fitted(lab(), hosts({ host: 1500, far: 1500 }, 1400))).rejects.toThrow(
    "VXLAN cannot lead from far to the other hosts: far: a packet of 1500 bytes does not reach",
  );
});

it("a host that shows another key than the pinned one is refused by that, and not by VXLAN", async () => {
  const stranger: Shell = {
    run: (host) =>
      Promise.resolve({
        code: host === "far" ? 255 : 0,
        stdout: "1500\n",
        stderr: host === "far" ? "Host key verification failed.\n" : "",
      }),
  };
  await expect(fitted(lab(), stranger)).rejects.toThrow(
    /hosts\[1\]\.hostKey = "ssh-ed25519 AAAA\S+": far shows another host key\. Fix: if .* `ssh-keyscan -t ed25519 -p 22 far` prints/,
  );
});

it("while a host is silent the others are asked, and the segments keep the MTU that its underlay left", async () => {
  const described = lab({
    hosts: [
      { underlay: "10.199.0.1" },
      FAR,
      { ...FAR, name: "third", libvirtUri: "qemu+ssh://root@third/system", underlay: "10.199.0.3" },
    ],
  });
  const shell = hosts({ host: 9000, third: 9000 });
  const present = described.hosts.filter(({ name }) => name !== "far");
  const { client, server } = described.segments;
  const last = { client: { ...client, mtu: 1450 }, server: { ...server, mtu: 1450 } };
  const { segments } = await fitted(described, shell, present, last);
  expect([segments.client.mtu, segments.server.mtu]).toEqual([1450, 1450]);
  expect(shell.asked).toEqual([
    "host: underlay 10.199.0.1",
    "third: underlay 10.199.0.3",
    "host: underlay 10.199.0.1 1500 10.199.0.3",
    "third: underlay 10.199.0.3 1500 10.199.0.1",
  ]);
});
