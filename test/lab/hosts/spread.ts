/** A stack on two hosts, this one and `far`, which VXLAN joins. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect } from "vitest";
import { PROJECT } from "../../../model/lab/naming";
import { tunnelDevices } from "../../../model/lab/tunnels";
import type { Lab } from "../../../model/lab/types";
import { configure, context, run, unconfigure } from "../support";
import { Host } from "./hosts";

export const named = process.env.LVS_DR_TEST_HOSTS === "yes";
export const STACK = process.env.LVS_DR_TEST_SEVERAL_STACK ?? "several";
export const far = new Host("far");

export const own = () => ({
  clientNetwork: { cidr: "172.25.0.0/16" },
  serverNetwork: { cidr: "192.168.125.0/24" },
  vipCidr: "10.125.0.0/16",
  accelerator: "qemu",
  bootTimeout: 600,
  directors: [{}, {}],
  realServers: [{}, {}, {}],
});

/** This host and the other one, as they are listed. */
export function listed() {
  const { libvirtUri, hostKey, address, firstAddress } = far.facts;
  const other = { name: "far", libvirtUri, hostKey, underlay: address };
  return { here: { underlay: firstAddress }, other };
}

export function several(config: Readonly<Record<string, unknown>> = {}): void {
  const { here, other } = listed();
  configure({ ...own(), hosts: [here, other], ...config }, STACK);
}

/** For a suite: the other host is there with an underlay of 1500, and neither has anything of the stack afterwards. */
export function onBothHosts(configured: () => void | Promise<void>): void {
  beforeAll(async () => {
    await far.down();
    await far.up(1500);
    await configured();
  });

  afterAll(async () => {
    await run(["down"], STACK);
    unconfigure(STACK);
    await far.down();
  }, 300_000);
}

export const servers = (first: object) => ({ realServers: [first, { weight: 3 }, {}] });

export async function nothingOnIt(): Promise<void> {
  expect(await far.run("ip -o link show type vxlan")).toBe("");
  expect((await far.virsh("list", "--all", "--name")).trim()).toBe("");
  expect((await far.virsh("net-list", "--all", "--name")).trim()).toBe("");
  expect(await far.run("ls -A /var/lib/libvirt/images")).toBe("");
}

/** The stack's own on the first host. */
export function devices(): string[] {
  const own = tunnelDevices({ project: PROJECT, stack: STACK } as Lab);
  const all = execFileSync("ip", ["-o", "link", "show", "type", "vxlan"], { encoding: "utf8" });
  return (all.match(/lx\w+/g) ?? []).filter((device) => own.includes(device));
}
export const domains = async (): Promise<Record<string, string[]>> => {
  const { hosts } = context(STACK);
  const all = await Promise.all(
    hosts.map(
      async ({ name, virsh }) => [name, [...(await virsh.domains(context(STACK).names())).keys()]] as const,
    ),
  );
  return Object.fromEntries(
    all.map(([name, found]) => [name, found.map((each) => each.split("-").at(-1) ?? "").sort()]),
  );
};
