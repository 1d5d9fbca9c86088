/**
 * One stack on two hosts, which VXLAN joins: two directors, of which the other host's dies with all that is there. Run by name:
 * `scripts/lab test hosts`.
 */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Host } from "./hosts/hosts";
import { underLoad } from "./load";
import { applied, changes, configure, context, ENGINE, lab, outputs, run, unconfigure } from "./support";

const named = process.env.LVS_DR_TEST_HOSTS === "yes";
const STACK = process.env.LVS_DR_TEST_SEVERAL_STACK ?? "several";
const far = new Host("far");

function several(config: Readonly<Record<string, unknown>> = {}): void {
  const { libvirtUri, hostKey, address, firstAddress } = far.facts;
  configure(
    {
      clientNetwork: { cidr: "172.25.0.0/16" },
      serverNetwork: { cidr: "192.168.125.0/24" },
      vipCidr: "10.125.0.0/16",
      accelerator: "qemu",
      bootTimeout: 600,
      hosts: [{ underlay: firstAddress }, { name: "far", libvirtUri, hostKey, underlay: address }],
      directors: [{}, {}],
      ...config,
    },
    STACK,
  );
}

const devices = (): string[] =>
  execFileSync("ip", ["-o", "link", "show", "type", "vxlan"], { encoding: "utf8" }).match(/lx\w+/g) ?? [];
const domains = async (): Promise<Record<string, string[]>> => {
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

describe.skipIf(!named)(`a stack on two hosts (${ENGINE})`, () => {
  beforeAll(async () => {
    await far.down();
    await far.up(1500);
    several();
  });

  afterAll(async () => {
    await run(["down"], STACK);
    unconfigure(STACK);
    await far.down();
  }, 300_000);

  it("is refused with both figures where a segment's MTU does not fit the underlay's, before anything is made", async () => {
    several({ serverNetwork: { cidr: "192.168.125.0/24", mtu: 1500 } });
    const refused = await run(["up"], STACK);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      "serverNetwork.mtu = 1500: does not fit: the underlay of host1 has an MTU of 1500, which leaves 1450 under VXLAN",
    );
    expect(refused.stderr).not.toContain("create ");
    several();
  });

  it(
    "comes up healthy, with its guests where they belong, and a second `up` changes nothing",
    { timeout: 1_800_000 },
    async () => {
      const up = await lab(["up"], STACK);
      console.log(`up of six guests on two hosts: ${up.seconds.toFixed(0)} s`);
      expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
      expect(await domains()).toEqual({
        host1: ["client", "director1", "router", "rs1"],
        far: ["director2", "rs2"],
      });
      expect((await applied(STACK)).segments.server.mtu).toBe(1450);
      const again = await lab(["up"], STACK);
      console.log(`a second up: ${again.seconds.toFixed(0)} s`);
      expect(changes(again)).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
    },
  );

  it("passes every check", { timeout: 600_000 }, async () => {
    const { code, stdout } = await run(["verify", "--json"], STACK);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string }[] };
    expect(checks.filter(({ status }) => status === "fail")).toEqual([]);
    expect(code).toBe(0);
  });

  it(
    "serves on when the host of the active director dies, and says which it is",
    { timeout: 900_000 },
    async () => {
      const drill = await run(["drill", "host-power-off"], STACK);
      console.log(drill.stderr);
      expect({ code: drill.code, failures: drill.stderr.match(/^ +! .*/gm) ?? [] }).toEqual({
        code: 0,
        failures: [],
      });
    },
  );

  it("is joined again by `up` when a host has lost its VXLAN devices", { timeout: 600_000 }, async () => {
    await far.run(
      "for each in $(ip -o link show type vxlan | cut -d : -f 2); do ip link delete dev $each; done",
    );
    const up = await lab(["up"], STACK);
    expect(up.stderr.match(/^far: made the VXLAN device .*/gm)).toHaveLength(2);
    expect(changes(up)).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
    expect((await outputs(STACK)).health?.status).toBe("healthy");
  });

  it(
    "loses no request when a drained real server moves to the other host",
    { timeout: 1_200_000 },
    async () => {
      const servers = (host: string, drain: boolean) => ({ realServers: [{}, { weight: 3, host, drain }] });
      const { log } = await underLoad(
        "rs2 moves to the first host",
        async () => {
          several(servers("far", true));
          await lab(["up"], STACK);
          several(servers("host1", true));
          await lab(["up"], STACK);
          several(servers("host1", false));
          await lab(["up"], STACK);
        },
        "main",
        STACK,
      );
      expect(Object.keys(log.answeredBy).sort()).toEqual(["rs1", "rs2"]);
      expect(await domains()).toEqual({
        host1: ["client", "director1", "router", "rs1", "rs2"],
        far: ["director2"],
      });
    },
  );

  it("leaves nothing on either host", { timeout: 300_000 }, async () => {
    expect(devices()).toHaveLength(2);
    const down = await lab(["down"], STACK);
    console.log(`down: ${down.seconds.toFixed(0)} s`);
    expect(devices()).toEqual([]);
    expect(await far.run("ip -o link show type vxlan")).toBe("");
    expect((await far.virsh("list", "--all", "--name")).trim()).toBe("");
    expect((await far.virsh("net-list", "--all", "--name")).trim()).toBe("");
    expect(await far.run("ls -A /var/lib/libvirt/images")).toBe("");
  });
});
