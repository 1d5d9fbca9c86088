/** The name of a stack is refused by whatever it is given to, with the same words, and before anything else. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseStackReference } from "../../../model/config/stackName";
import { checkout, type Checkout } from "./support/checkout";

it("the shell's rule is the program's", () => {
  const parts = fc.array(
    fc.constantFrom("", ".", "..", "dev", "a b", "lvs-dr", "é", "node", "x".repeat(101)),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  // A command line holds no NUL.
  const text = fc.string({ unit: "grapheme-ascii", maxLength: 12 });
  const names = fc.sample(
    fc.oneof(
      parts.map((each) => each.join("/")),
      text,
    ),
    { numRuns: 400, seed: 1 },
  );
  const script = `
    source scripts/host/lib.sh; source scripts/host/stack.sh
    while IFS= read -r -d '' name; do { (parse_stack "$name") || true; printf '\\0'; } 2>&1; done`;
  const { stdout } = spawnSync("bash", ["-euo", "pipefail", "-c", script], {
    input: names.map((name) => `${name}\0`).join(""),
    encoding: "utf8",
  });
  const expected = names.map((given) => {
    try {
      return `${parseStackReference(given).name}\n`;
    } catch (error) {
      return `error: ${(error as Error).message}\n`;
    }
  });
  expect(stdout.split("\0").slice(0, -1)).toEqual(expected);
  expect(expected.filter((line) => !line.startsWith("error: ")).length).toBeGreaterThan(20);
});

describe("the program", () => {
  let lab: Checkout;
  beforeAll(() => {
    lab = checkout("exit 255");
  });
  afterAll(() => lab.remove());

  it("refuses a name that leads elsewhere, and deletes nothing", async () => {
    // Node keeps what it has compiled below node_modules.
    const files = (): string[] =>
      (readdirSync(lab.directory, { recursive: true }) as string[]).filter(
        (name) => !name.startsWith("node_modules/"),
      );
    const before = files();
    const results = await Promise.all(["", "..", "."].map((stack) => lab.run("down", "--stack", stack)));
    expect(results.map(({ stderr }) => stderr)).toEqual([
      `error: --stack "": a stack's name must not be empty\n`,
      `error: --stack "..": that names a directory, not a stack\n`,
      `error: --stack ".": that names a directory, not a stack\n`,
    ]);
    expect(results.map(({ code, stdout }) => [code, stdout])).toEqual(Array(3).fill([1, ""]));
    expect(files()).toEqual(before);
    expect(existsSync(join(lab.directory, ".lab/dev/state.json"))).toBe(true);
  });

  it("a stack of this project with its organization is the same stack, and another organization's is not", async () => {
    const [own, short, other] = await Promise.all([
      lab.run("output", "vip", "--stack", "organization/lvs-dr/dev"),
      lab.run("output", "vip", "-sorganization/dev"),
      lab.run("output", "vip", "--stack=acme/dev"),
    ]);
    expect([own.stdout, short.stdout]).toEqual(["10.0.0.100\n", "10.0.0.100\n"]);
    expect(other).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: --stack acme/dev: the embedded engine knows no organizations: --stack dev\n",
    });
  });
});
