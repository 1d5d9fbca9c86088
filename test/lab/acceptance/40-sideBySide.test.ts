/** Two labs on one host know nothing of each other. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { exec } from "../../../lib/process";
import { labNodes } from "../../../model/lab/types";
import {
  applied,
  configure,
  context,
  ENGINE,
  gone,
  interrupt,
  lab,
  made,
  outputs,
  run,
  unconfigure,
} from "../support";

const OTHER = "t2";
/** Stands for a bridge that the host has anyway, into the office's network, say. */
const BRIDGE = "lvs-test-br0";

beforeAll(async () => {
  await ip("link", "add", BRIDGE, "type", "bridge");
  await ip("addr", "add", "172.30.0.1/16", "dev", BRIDGE);
  await ip("link", "set", BRIDGE, "up");
});

afterAll(async () => {
  await run(["down"], OTHER);
  unconfigure(OTHER);
  await ip("link", "del", BRIDGE);
});

async function ip(...args: string[]): Promise<void> {
  const { code, stderr } = await exec("ip", args);
  if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}

it(`a second stack with other subnets comes up beside the first, and goes alone (${ENGINE})`, async () => {
  const before = { lab: await applied(), ...(await outputs()) };
  // The article's "bridged": the client's segment is a bridge of the host's.
  const clientNetwork = { cidr: "172.30.0.0/16", hostAddress: "172.30.0.1", bridge: BRIDGE };
  configure({ realServerCount: 1, clientNetwork }, OTHER, 1);
  // Killed in the middle, it is taken up again by the next.
  await interrupt(["up"], made("Domain", "router"), "SIGKILL", OTHER);
  const up = await lab(["up"], OTHER);
  expect(JSON.parse(up.stdout)).toMatchObject({
    vip: "10.0.0.100",
    nodes: { rs1: { address: "192.168.108.10" } },
    health: { status: "healthy", problems: [] },
  });

  expect(await context().virsh.run("domiflist", "lvs-dr-t2-client")).toMatch(new RegExp(`bridge +${BRIDGE}`));

  // Nothing that must be unique is shared.
  const unique = [before.lab, await applied(OTHER)].flatMap((each) =>
    labNodes(each).flatMap(({ domain, nics }) => [domain, ...nics.map(({ mac }) => mac)]),
  );
  expect(unique.length).toBeGreaterThan(18);
  expect(new Set(unique).size).toBe(unique.length);
  const keys = [before, await outputs(OTHER)].map(({ privateKey }) => privateKey);
  expect(new Set(keys).size).toBe(2);

  await interrupt(["down"], gone("Domain", "[a-z0-9]+"), "SIGKILL", OTHER);
  const down = await lab(["down"], OTHER);
  expect(down.stderr).toContain("audit: nothing is left");
  const { virsh, names } = { virsh: context().virsh, names: context().names() };
  expect((await virsh.domains(names)).size).toBe(5);
  expect((await run(["status"])).code).toBe(0);
  expect((await exec("ip", ["link", "show", BRIDGE])).code).toBe(0);
});
