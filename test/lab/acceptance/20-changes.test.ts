/** Changes apply as a Pulumi user expects. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { parseIpvsSave } from "../../../model/director/ipvs/table";
import {
  boots,
  changes,
  configure,
  context,
  ENGINE,
  eventually,
  guest,
  health,
  interrupt,
  lab,
  made,
  outputs,
  type Run,
  STACK,
} from "../support";
import { whileDownloading } from "../download";
import { underLoad } from "../load";

const TWO = [
  { name: "rs1", weight: 1 },
  { name: "rs2", weight: 3 },
];

afterAll(() => configure());

it(`a second up changes nothing (${ENGINE})`, async () => {
  const again = await lab(["up"]);
  console.log(`second up with ${ENGINE}: ${again.seconds.toFixed(0)} s`);
  expect(changes(again)).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
});

it("a new weight touches the director only, and drops no connection", async () => {
  const before = await boots();
  configure({ realServers: [TWO[0], { name: "rs2", weight: 7 }] });
  const up = (): Promise<Run> => lab(["up"]);
  const { result } = await whileDownloading(() => underLoad("a new weight", up));
  expect(changes(result)).toMatchObject({ create: 0, update: 1, replace: 0, delete: 0 });
  expect(await boots()).toEqual(before);
  const [service] = parseIpvsSave(await guest("director", "ipvsadm -Sn"));
  expect(service?.servers.map(({ weight }) => weight)).toEqual([1, 7]);
});

it("a third real server makes one VM and touches the director only; taken away again, it goes", async () => {
  const before = await boots();
  configure({ realServers: [...TWO, { name: "rs3", weight: 2 }] });
  const { result: up } = await underLoad("a third real server", () => lab(["up"]));
  // Its VM (component, key, seed, three volumes, domain, boot) and its role (component, command).
  expect(changes(up)).toMatchObject({ create: 10, update: 1, replace: 0, delete: 0 });
  expect(await boots()).toMatchObject(before);
  const { health } = await outputs();
  expect(
    health?.services[0]?.realServers.map(({ name, state, weight }) => `${name} ${state} ${weight}`),
  ).toEqual(["rs1 up 1", "rs2 up 3", "rs3 up 2"]);

  configure({ realServers: TWO });
  const { result: gone } = await underLoad("a removed real server", () => lab(["up"]));
  expect(changes(gone)).toMatchObject({ create: 0, update: 1, replace: 0, delete: 10 });
  expect(await boots()).toEqual(before);
  const { virsh } = context();
  expect(await virsh.run("list", "--all", "--name")).not.toContain(`lvs-dr-${STACK}-rs3`);
  expect((await virsh.volumes(context().names())).join(" ")).not.toContain("rs3");
});

it("a guest whose kernel panics reboots by itself, and its console says why", async () => {
  const { virsh } = context();
  const before = await boots();
  await guest("rs1", "(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 </dev/null &");
  const after = await eventually(300, async () => {
    const now = await boots();
    expect(now.rs1).not.toBe(before.rs1);
    return now;
  });
  expect(after).toEqual({ ...before, rs1: after.rs1 });
  const domain = `lvs-dr-${STACK}-rs1`;
  const file = join(mkdtempSync(join(tmpdir(), "lvs-dr-console-")), "console");
  await virsh.run("vol-download", "--pool", `lvs-dr-${STACK}`, `${domain}-console`, file);
  expect(readFileSync(file, "utf8")).toContain("Kernel panic - not syncing: sysrq triggered crash");
  rmSync(dirname(file), { recursive: true });
  await eventually(120, async () => expect(await health()).toMatchObject({ status: "healthy" }));
});

it("a VM that was destroyed or undefined by hand comes back", async () => {
  const { virsh } = context();
  await virsh.run("destroy", `lvs-dr-${STACK}-rs1`);
  // Its disk stays, but for what makes it a real server: whoever makes a machine anew has to configure it.
  await guest("rs2", "rm /usr/local/sbin/lvs-dr && sync");
  await virsh.run("destroy", `lvs-dr-${STACK}-rs2`);
  await virsh.run("undefine", `lvs-dr-${STACK}-rs2`);
  const up = await lab(["up"]);
  expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
  expect(changes(await lab(["up"]))).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
});

it("guests that a person changed by hand are put right by the next up", async () => {
  await guest("rs1", "ip addr del 10.0.0.100/32 dev lo");
  await guest("rs2", "sysctl -qw net.ipv4.conf.all.arp_ignore=0");
  await guest("router", "sysctl -qw net.ipv4.ip_forward=0");
  await guest("client", "rm /usr/local/sbin/lvs-dr");
  const up = await lab(["up"]);
  expect(up.stderr).toContain("rs1: VIP 10.0.0.100/32 missing on lo: repairing it");
  expect(up.stderr).toContain("rs2: sysctl net.ipv4.conf.all.arp_ignore is 0, expected 1: repairing it");
  expect(up.stderr).toContain("router: sysctl net.ipv4.ip_forward is 0, expected 1: repairing it");
  expect(up.stderr).toContain("client: /usr/local/sbin/lvs-dr is missing: installing it again");
  expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
});

it(`after kill -9 and Ctrl-C, wherever they strike, the next up completes (${ENGINE})`, async () => {
  configure({ realServers: [...TWO, { name: "rs3", weight: 2 }] });
  // Its machine is being made.
  await interrupt(["up"], made("Volume", "rs3-disk"), "SIGKILL");
  // Its role waits for the machine to answer.
  const stopped = await interrupt(["up"], made("Domain", "rs3"), "SIGINT");
  expect(stopped.code).toBe(1);
  expect(stopped.stderr).toMatch(/up was interrupted/);
  // Taken for two, Pulumi would not have ended in order.
  expect(stopped.stderr).not.toContain("received; terminating");
  // The director is being told of it.
  await interrupt(["up"], made("Command", "rs3"), "SIGKILL");
  const up = await lab(["up"]);
  expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
  const table = parseIpvsSave(await guest("director", "ipvsadm -Sn"));
  expect(table[0]?.servers.map(({ weight }) => weight)).toEqual([1, 3, 2]);
  configure({ realServers: TWO });
  await lab(["up"]);
  expect(changes(await lab(["up"]))).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
});
