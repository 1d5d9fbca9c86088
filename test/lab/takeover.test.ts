/** A stack that an older version of the project has built goes on: `up` changes its guests in place, `down` leaves nothing. */
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, type TestContext } from "vitest";
import { exec } from "../../lib/process";
import { changes, configure, context, ENGINE, lab, outputs, run, unconfigure } from "./support";

const STACK = process.env.LVS_DR_TEST_TAKEOVER_STACK ?? "former";

/** The older version, which scripts/lab has put there: the guests' namespace has no way to the package registries. */
let former: string | undefined;

beforeAll(async () => {
  const { code, stdout } = await exec("test/lab/former.sh", []);
  if (code !== 0) return;
  former = stdout.trim();
  configure({ clientNetwork: { cidr: "172.27.0.0/16" }, serverNetwork: { cidr: "192.168.149.0/24" } }, STACK);
  cpSync(`Pulumi.${STACK}.yaml`, join(former, `Pulumi.${STACK}.yaml`));
});

afterAll(async () => {
  if (former === undefined) return;
  // Wherever its state is by now.
  if (existsSync(join(former, ".lab", STACK)))
    await exec(join(former, "scripts/lab"), ["down", "--stack", STACK]);
  await run(["down"], STACK);
  unconfigure(STACK);
});

function formerOrSkip({ skip }: TestContext): string {
  if (ENGINE !== "embedded") skip("what is taken over is the state of the embedded engine");
  return former ?? skip("the repository does not have the older version");
}

/** Which domain each guest is: one that was replaced is another. */
async function identities(): Promise<Record<string, string>> {
  const { virsh } = context(STACK);
  const domains = [...(await virsh.domains(context(STACK).names())).keys()];
  return Object.fromEntries(
    await Promise.all(domains.map(async (name) => [name, (await virsh.run("domuuid", name)).trim()])),
  ) as Record<string, string>;
}

it("up takes over a stack that an older version has built, and replaces nothing", async (test) => {
  const old = formerOrSkip(test);
  const built = await exec(join(old, "scripts/lab"), ["up", "--stack", STACK, "--engine", "embedded"]);
  expect(built.code, built.stderr.slice(-4000)).toBe(0);
  // As after a `git pull`: the checkout is another one, its state and its seeds are the same.
  mkdirSync(".lab", { recursive: true });
  cpSync(join(old, ".lab", STACK), join(".lab", STACK), { recursive: true });
  rmSync(join(old, ".lab", STACK), { recursive: true });

  const before = await identities();
  expect(Object.keys(before)).toHaveLength(5);
  const up = await lab(["up"], STACK);
  expect(changes(up)).toMatchObject({ replace: 0, delete: 0 });
  expect(await identities()).toEqual(before);
  expect((await outputs(STACK)).health).toMatchObject({ status: "healthy", problems: [] });
  expect(changes(await lab(["up"], STACK))).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
});

it("down ends it, and nothing of it is left", async (test) => {
  formerOrSkip(test);
  const down = await lab(["down"], STACK);
  expect(down.stderr).toContain("audit: nothing is left");
});
