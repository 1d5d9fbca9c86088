/**
 * One stack on two hosts, which VXLAN joins: two directors, of which the other host's dies with all that is there. Run by name:
 * `scripts/lab test hosts`.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  devices,
  domains,
  far,
  named,
  nothingOnIt,
  onBothHosts,
  own,
  several,
  servers,
  STACK,
} from "./hosts/spread";
import { underLoad } from "./load";
import { applied, changes, configure, ENGINE, eventually, health, lab, outputs, run } from "./support";

describe.skipIf(!named)(`a stack on two hosts (${ENGINE})`, () => {
  onBothHosts(several);

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

  it("shows by preview who is where", async () => {
    const preview = await lab(["preview"], STACK);
    expect(preview.stderr.match(/^ {2}host .*/gm)).toEqual([
      "  host host1: router, client, director1, rs1, rs3",
      "  host far: director2, rs2",
    ]);
    expect(JSON.parse(preview.stdout)).toMatchObject({ nodes: { rs2: { host: "far" } } });
  });

  it(
    "comes up healthy, with its guests where they belong, and a second `up` changes nothing",
    { timeout: 1_800_000 },
    async () => {
      const up = await lab(["up"], STACK);
      console.log(`up of seven guests on two hosts: ${up.seconds.toFixed(0)} s`);
      expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
      expect(await domains()).toEqual({
        host1: ["client", "director1", "router", "rs1", "rs3"],
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

  it("names the host whose VXLAN device is gone, and `up` joins it again", { timeout: 300_000 }, async () => {
    const [device = ""] = (await far.run("ip -o link show type vxlan")).match(/lx\w+/g) ?? [];
    await far.run(`ip link delete ${device}`);
    const { code, stdout } = await run(["verify", "hosts", "--deadline", "0", "--json"], STACK);
    const { checks } = JSON.parse(stdout) as {
      checks: { name: string; status: string; evidence: { seen: string } }[];
    };
    expect(code).toBe(1);
    expect(checks.map(({ name, status }) => [name, status])).toEqual([
      ["hosts.host1.tunnels", "pass"],
      ["hosts.far.tunnels", "fail"],
    ]);
    expect(checks[1]?.evidence.seen).toContain(`there is no ${device}`);
    const up = await lab(["up"], STACK);
    expect(up.stderr).toContain(`far: made the VXLAN device ${device}`);
    await lab(["verify", "hosts"], STACK);
  });

  it(
    "serves on when the host of the active director dies, and says which it is",
    { timeout: 900_000 },
    async () => {
      const drill = await run(["drill", "host-power-off", "--pairs"], STACK);
      console.log(drill.stderr);
      expect({ code: drill.code, failures: drill.stderr.match(/^ +! .*/gm) ?? [] }).toEqual({
        code: 0,
        failures: [],
      });
    },
  );

  it("changes the rest while a host is away, and says which", { timeout: 600_000 }, async () => {
    await far.powerOff();
    several(servers({ weight: 5 }));
    const up = await run(["up"], STACK);
    console.log(`up without the other host: ${up.seconds.toFixed(0)} s`);
    expect({ code: up.code, said: up.stderr.match(/^far.*/gm) }).toEqual({
      code: 3,
      said: [
        expect.stringContaining("far does not answer: "),
        "far: what it has stays as it is (director2, rs2); the next `up` that reaches it puts it right",
      ],
    });
    expect(up.stderr).toMatch(/^up in [\d.]+ s without far: /m);
    const { health } = await outputs(STACK);
    expect(health?.status).toBe("degraded");
    expect(health?.findings).toContainEqual(expect.objectContaining({ subject: "far", code: "host-silent" }));
    expect(health?.services[0]?.realServers).toMatchObject([{ weight: 5 }, { state: "down" }, { weight: 1 }]);
    expect((await applied(STACK)).segments.server.mtu).toBe(1450);
  });

  it("puts right what was lost when it is back", { timeout: 900_000 }, async () => {
    await far.powerOn();
    expect(await far.virsh("list", "--name")).toBe("");
    const up = await lab(["up"], STACK);
    console.log(`up with the host that is back: ${up.seconds.toFixed(0)} s`);
    expect(up.stderr.match(/^far: made the VXLAN device .*/gm)).toHaveLength(2);
    // What has changed meanwhile is the script of its guests.
    expect(changes(up)).toMatchObject({ create: 0, replace: 0, delete: 0 });
    await eventually(60, async () => expect(await health(STACK)).toMatchObject({ problems: [] }));
    expect(changes(await lab(["up"], STACK))).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
  });

  it(
    "lets a host go that never returns, and leaves there what the page names",
    { timeout: 900_000 },
    async () => {
      await far.powerOff();
      configure({ ...own(), hosts: [{}] }, STACK);
      const refused = await run(["up"], STACK);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain("run `scripts/lab up --forget-host far` if it never returns");
      const up = await lab(["up", "--forget-host", "far"], STACK);
      console.log(`up that forgets the host: ${up.seconds.toFixed(0)} s`);
      expect(changes(up)).toMatchObject({ replace: 0 });
      await eventually(60, async () => expect(await health(STACK)).toMatchObject({ problems: [] }));
      expect(devices()).toEqual([]);
      // With another one every guest would start anew.
      expect((await applied(STACK)).segments.server.mtu).toBe(1450);
      await far.powerOn();
      expect((await far.virsh("list", "--all", "--name")).trim().split(/\s+/).sort()).toEqual([
        `lvs-dr-${STACK}-director2`,
        `lvs-dr-${STACK}-rs2`,
      ]);
      const page = readFileSync("docs/howto/several-hosts.md", "utf8");
      const [, commands = ""] = /\n```sh\n(stack=[^`]*)```/.exec(page) ?? [];
      expect(commands).toMatch(/^stack=spread\n/);
      await far.run(commands.replace("stack=spread", `stack=${STACK}`));
      await nothingOnIt();
    },
  );

  it(
    "loses no request when a host joins, and a drained real server moves to it",
    { timeout: 1_200_000 },
    async () => {
      const moving = (host: string, drain: boolean) => ({
        realServers: [{}, { weight: 3, host, drain }, {}],
      });
      const { log } = await underLoad(
        "rs2 moves to the other host",
        async () => {
          several(moving("host1", true));
          await lab(["up"], STACK);
          several(moving("far", true));
          await lab(["up"], STACK);
          several(moving("far", false));
          await lab(["up"], STACK);
        },
        "main",
        STACK,
      );
      expect(Object.keys(log.answeredBy).sort()).toEqual(["rs1", "rs2", "rs3"]);
      expect(await domains()).toEqual({
        host1: ["client", "director1", "router", "rs1", "rs3"],
        far: ["director2", "rs2"],
      });
    },
  );

  it("leaves nothing on either host", { timeout: 300_000 }, async () => {
    expect(devices()).toHaveLength(2);
    const down = await lab(["down"], STACK);
    console.log(`down: ${down.seconds.toFixed(0)} s`);
    expect(devices()).toEqual([]);
    await nothingOnIt();
  });
});
