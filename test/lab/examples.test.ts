/**
 * Each file of examples/, as a user would build it: all are previewed; some, or those that `scripts/lab test examples [NAME…]` names,
 * are built, found healthy, verified and ended. Those that were named are drilled too.
 */
import { readdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { labNodes } from "../../model/lab/types";
import { claimsOf, shown } from "./claims";
import { everyProtocol } from "./protocols";
import { changes, inGuests, lab, run, verified } from "./support";

// That of machines that exist needs some: machines.test.ts.
const NAMES = readdirSync("examples")
  .flatMap((file) => /^(.*)\.yaml$/.exec(file)?.[1] ?? [])
  .filter((name) => name !== "existing");
/** Built on every run: between them they have what the shared stack of the suite has not. */
const OFTEN = ["flat", "marks"];
/** Services that are drilled beside the main one. */
const DRILLED: Readonly<Record<string, readonly string[]>> = {
  https: ["https"],
  ipv6: ["main-v6"],
  marks: ["everything"],
  vips: ["shop6", "news6"],
};
const named = (process.env.LVS_DR_TEST_EXAMPLES ?? "").split(",").filter(Boolean);
const built = named.length > 0 ? named : OFTEN;

/** Memory that the guests use, and the director's table. */
function inUse(stack: string): Promise<string> {
  return inGuests(async (shell, whole) => {
    const used = await Promise.all(
      labNodes(whole).map(({ name }) => shell.check(name, "free -m | awk '/^Mem/ {print $3}'")),
    );
    const sum = used.reduce((total, each) => total + Number(each), 0);
    const table = await shell.check(whole.directors[0].name, "ipvsadm -Sn");
    return `${sum} MiB in ${used.length} guests\n${table}`;
  }, stack);
}

describe.each(NAMES)("examples/%s.yaml", (name) => {
  const stack = `example-${name}`;
  const file = ["--config-file", `examples/${name}.yaml`];

  it("is a configuration that can be built", async () => {
    // One whose image has packages of its own is refused until that is built, which `up` does.
    const { stderr } = await run(["preview", ...file], stack);
    expect(stderr).toMatch(/would: \d+ create|image is not built: .* scripts\/lab image \w/);
  });

  describe.skipIf(!built.includes(name))("built", () => {
    afterAll(async () => {
      await run(["down"], stack);
    });

    it("is healthy, and a second `up` changes nothing", { timeout: 900_000 }, async () => {
      const up = await lab(["up", ...file], stack);
      expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
      const again = await lab(["up", ...file], stack);
      expect(changes(again)).toMatchObject({ create: 0, update: 0, replace: 0 });
      console.log(
        `examples/${name}.yaml: up ${up.seconds.toFixed(0)} s, again ${again.seconds.toFixed(0)} s, ${await inUse(stack)}`,
      );
    });

    it("passes every check", { timeout: 600_000 }, () => verified(stack));

    it.runIf(name === "protocols")(
      "each protocol's server is out when it has died, while clients are served, and comes back",
      { timeout: 900_000 },
      () => everyProtocol(stack),
    );

    // The checks of protocols are too far apart for their limits: its own test takes its servers away.
    it.skipIf(named.length === 0 || name === "protocols").each(["main", ...(DRILLED[name] ?? [])])(
      "passes the article's failure tests by its service %s",
      { timeout: 900_000 },
      async (service) => {
        const { code, stdout, stderr } = await run(["drill", "--service", service], stack);
        expect({ code, failures: `${stdout}${stderr}`.match(/^ +! .*/gm) ?? [] }).toEqual({
          code: 0,
          failures: [],
        });
      },
    );

    it.skipIf(named.length === 0).each(claimsOf(name))("%s", { timeout: 900_000 }, (...claim) =>
      shown(claim, stack, file[1] ?? ""),
    );

    it("is gone without a trace", async () => {
      expect((await lab(["down"], stack)).stderr).toContain("audit: nothing is left");
    });
  });
});
