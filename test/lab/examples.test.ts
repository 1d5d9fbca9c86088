/**
 * Each file of examples/, as a user would build it: all are previewed; some, or those that `scripts/lab test examples [NAME…]` names,
 * are built, found healthy, verified and ended. Those that were named are drilled too.
 */
import { readdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { everyProtocol } from "./protocols";
import { changes, lab, run } from "./support";

// That of machines that exist needs some: machines.test.ts.
const NAMES = readdirSync("examples")
  .flatMap((file) => /^(.*)\.yaml$/.exec(file)?.[1] ?? [])
  .filter((name) => name !== "existing");
/** Built on every run: between them they have what the shared stack of the suite has not. */
const OFTEN = ["flat", "marks"];
const named = (process.env.LVS_DR_TEST_EXAMPLES ?? "").split(",").filter(Boolean);
const built = named.length > 0 ? named : OFTEN;

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
      expect(changes(await lab(["up", ...file], stack))).toMatchObject({ create: 0, update: 0, replace: 0 });
    });

    it("passes every check", { timeout: 600_000 }, async () => {
      const { code, stdout } = await run(["verify"], stack);
      expect({ code, failed: stdout.match(/^FAIL.*(\n {7}.*)*/gm) ?? [] }).toEqual({ code: 0, failed: [] });
    });

    it.runIf(name === "protocols")(
      "each protocol's server is out when it has died, while clients are served, and comes back",
      { timeout: 900_000 },
      () => everyProtocol(stack),
    );

    // The checks of protocols are too far apart for their limits; its own test takes every server away.
    it.skipIf(named.length === 0 || name === "protocols")(
      "passes the article's failure tests",
      { timeout: 900_000 },
      async () => {
        const { code, stdout, stderr } = await run(["drill"], stack);
        expect({ code, failures: `${stdout}${stderr}`.match(/^ +! .*/gm) ?? [] }).toEqual({
          code: 0,
          failures: [],
        });
      },
    );

    it("is gone without a trace", async () => {
      expect((await lab(["down"], stack)).stderr).toContain("audit: nothing is left");
    });
  });
});
