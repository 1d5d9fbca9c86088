import { expect, it } from "vitest";
import { changes, configure, ENGINE, guest, lab, outputs, STACK } from "./support";

it(`preview of a lab that does not exist touches nothing (${ENGINE})`, async () => {
  configure();
  const preview = await lab(["preview"]);
  expect(preview.stderr).toMatch(/\+|create/);
  await expect(outputs()).rejects.toThrow("run scripts/lab up first");
});

it(`up brings five VMs to a healthy VIP (${ENGINE})`, async () => {
  const up = await lab(["up"]);
  console.log(`up with ${ENGINE}: ${up.seconds.toFixed(0)} s`);
  expect(changes(up)).toMatchObject({ update: 0, replace: 0, delete: 0 });
  const printed = JSON.parse(up.stdout) as Record<string, unknown>;
  expect(printed).toMatchObject({
    vip: "10.0.0.100",
    url: "http://10.0.0.100:80/",
    nodes: {
      client: { role: "client", address: "172.29.7.70" },
      router: { role: "router" },
      director: { role: "director", address: "192.168.107.30" },
      rs1: { role: "realServer", address: "192.168.107.10" },
      rs2: { role: "realServer", address: "192.168.107.20" },
    },
    health: { status: "healthy", problems: [] },
  });
  // What is secret is not printed, and nobody else can read what is kept.
  expect(printed).not.toHaveProperty("access");
  const { access } = await outputs();
  expect(access?.privateKey).toContain("PRIVATE KEY");
  expect(up.stdout + up.stderr).not.toContain(access?.privateKey.split("\n")[1]);
});

it("no two guests share a host key or a machine id, and no password opens a door", async () => {
  const nodes = Object.keys((await outputs()).nodes ?? {});
  const seen = await Promise.all(
    nodes.map((node) =>
      guest(
        node,
        "cat /etc/ssh/ssh_host_*_key.pub /etc/machine-id; sshd -T | grep -E '^(passwordauth|kbdinter|permitroot)'",
        STACK,
      ),
    ),
  );
  const keys = seen.map((text) => text.split("\n")[0]);
  const machines = seen.map((text) => text.split("\n")[1]);
  expect(new Set(keys).size).toBe(nodes.length);
  expect(new Set(machines).size).toBe(nodes.length);
  for (const text of seen) {
    expect(text).toContain("passwordauthentication no");
    expect(text).toContain("kbdinteractiveauthentication no");
    expect(text).toMatch(/permitrootlogin (without|prohibit)-password/);
  }
});
