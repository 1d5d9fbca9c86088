/**
 * docs/howto/rehearse.md from its first step to its last, for a file of either program: import, up, verify, a change under load, drills, report,
 * down. Run by name: `scripts/lab test operations`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { afterAll, describe, expect, it } from "vitest";
import { underLoad } from "./load";
import { changes, drilled, lab, run, verified } from "./support";

const named = process.env.LVS_DR_TEST_OPERATIONS !== undefined;

interface Imported {
  readonly config: Record<string, unknown> & { "lvs-dr:realServers": { name: string; weight: number }[] };
}

describe.each([
  { source: "ldirectord.cf", directors: 1, drills: [] },
  { source: "keepalived.conf", directors: 2, drills: ["web-server-stops", "director-stops"] },
])("a rehearsal of $source", ({ source, directors, drills }) => {
  const stack = `rehearsal-${source.split(".")[0]}`;
  const directory = mkdtempSync(join(tmpdir(), "lvs-dr-rehearsal-"));
  const file = join(directory, "stack.yaml");
  const from = ["--config-file", file];
  afterAll(async () => {
    if (named) await run(["down"], stack);
    rmSync(directory, { recursive: true });
  });

  it("begins with a stack file that previews clean", { timeout: 120_000 }, async () => {
    await lab(["import", `test/lab/rehearsal/${source}`, ...from], stack);
    const { stderr } = await lab(["preview", ...from], stack);
    expect(stderr).toMatch(/would: \d+ create/);
    expect(stderr).not.toMatch(/warning|refused/i);
  });

  describe.skipIf(!named)("on guests", () => {
    it("is healthy, and passes every check", { timeout: 900_000 }, async () => {
      const up = await lab(["up", ...from], stack);
      console.log(`up of an imported ${source}: ${up.seconds.toFixed(0)} s`);
      const { health, nodes } = JSON.parse(up.stdout) as {
        health: object;
        nodes: Record<string, { role: string }>;
      };
      expect(health).toMatchObject({ status: "healthy", problems: [] });
      expect(Object.values(nodes).filter(({ role }) => role === "director")).toHaveLength(directors);
      await verified(stack);
    });

    it("changes a weight, and no request fails", { timeout: 300_000 }, async () => {
      const { config } = parse(readFileSync(file, "utf8")) as Imported;
      const [first] = config["lvs-dr:realServers"];
      if (first !== undefined) first.weight = 4;
      writeFileSync(file, stringify({ config }));
      const { result } = await underLoad(
        "a weight of an imported file",
        () => lab(["up", ...from], stack),
        "main",
        stack,
      );
      expect(changes(result)).toMatchObject({ create: 0, replace: 0, delete: 0 });
    });

    it("keeps what the drills promise with its own intervals", { timeout: 1_200_000 }, async () => {
      await drilled(stack, ...drills);
    });

    it("ends with a report, and leaves nothing", { timeout: 300_000 }, async () => {
      const page = join(directory, "report.html");
      await lab(["report", page], stack);
      expect(readFileSync(page, "utf8")).toContain("web-server-stops");
      expect((await lab(["down"], stack)).stderr).toContain("audit: nothing is left");
    });
  });
});
