import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { changes, configure, context, ENGINE, guest, lab, outputs, STACK } from "./support";

/** The stack's own objects, in whatever state: on a workstation others come and go meanwhile. */
async function inLibvirt(): Promise<unknown[]> {
  const { virsh } = context();
  const names = context().names();
  return Promise.all([virsh.domains(names), virsh.networks(names), virsh.pools(names), virsh.volumes(names)]);
}

/** How secret outputs are printed. */
const MASKED = { privateKey: "[secret]", access: "[secret]" };

it(`preview of a lab that does not exist touches nothing, and says that its health is unknown (${ENGINE})`, async () => {
  configure();
  const before = await inLibvirt();
  const preview = await lab(["preview"]);
  expect(await inLibvirt()).toEqual(before);
  expect(existsSync(`/var/lib/libvirt/images/lvs-dr-${STACK}`)).toBe(false);
  expect(preview.stderr).toMatch(/would: \d\d create/);
  expect(preview.stderr).toContain("health: unknown");
  const foreseen = JSON.parse(preview.stdout) as Record<string, unknown>;
  expect(foreseen).toMatchObject({ vip: "10.0.0.100", url: "http://10.0.0.100:80/", health: "[unknown]" });
  expect(foreseen).toMatchObject(MASKED);
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
  expect(printed).toMatchObject(MASKED);
  const { privateKey } = await outputs();
  expect(privateKey).toContain("PRIVATE KEY");
  expect(up.stdout + up.stderr).not.toContain(privateKey?.split("\n")[1]);
});

it("nobody else can read what is kept", () => {
  const { directory } = context();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  // Pulumi's own files lie in a directory that is closed, too.
  const own = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
    ({ parentPath }) => !`${parentPath}/`.startsWith(`${directory}/pulumi/`),
  );
  const modes = own.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [path, statSync(path).mode & 0o777];
  });
  expect(modes).not.toEqual([]);
  expect(modes).toEqual(own.map((entry, at) => [modes[at]?.[0], entry.isDirectory() ? 0o700 : 0o600]));
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

it("no guest's clock goes by a rate that was measured while others booted", async () => {
  const file = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  const sources = await Promise.all(
    Object.keys((await outputs()).nodes ?? {}).map((node) => guest(node, `cat ${file}`)),
  );
  for (const source of sources) expect(["hpet", "kvm-clock"]).toContain(source.trim());
});
