import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../../../model/config/config";
import { parseStackReference } from "../../../../model/config/stackName";

describe("the name of a stack", () => {
  it.each([
    ["dev", { name: "dev" }],
    ["a", { name: "a" }],
    ["A.b_c-9", { name: "A.b_c-9" }],
    ["...", { name: "..." }],
    ["-x", { name: "-x" }],
    ["n".repeat(100), { name: "n".repeat(100) }],
    ["organization/dev", { name: "dev", organization: "organization" }],
    ["acme/lvs-dr/dev", { name: "dev", organization: "acme" }],
  ])("%s is read as Pulumi reads it", (given, expected) =>
    expect(parseStackReference(given)).toEqual(expected),
  );

  const CHARACTERS = 'a stack\'s name consists of letters, digits, "-", "_" and "."';
  it.each([
    ["", "a stack's name must not be empty"],
    [".", "that names a directory, not a stack"],
    ["..", "that names a directory, not a stack"],
    ["a b", CHARACTERS],
    ["dév", CHARACTERS],
    ["dev\n", CHARACTERS],
    ["$(id)", CHARACTERS],
    ["n".repeat(101), "a stack's name has at most 100 characters, not 101"],
    ["node", ".lab/node is the checkout's own, choose another name"],
    ["/", "a stack's name must not be empty"],
    ["dev/", "a stack's name must not be empty"],
    ["acme/..", "that names a directory, not a stack"],
    ["/dev", 'an organization\'s name consists of letters, digits, "-", "_" and "."'],
    ["acme/other/dev", "the project here is lvs-dr"],
    ["acme//dev", "the project here is lvs-dr"],
    ["a/lvs-dr/b/dev", "expected NAME, ORGANIZATION/NAME or ORGANIZATION/lvs-dr/NAME"],
    ["/etc/passwd", "the project here is lvs-dr"],
  ])("%j is refused", (given, why) =>
    expect(() => parseStackReference(given)).toThrow(new Error(`--stack ${JSON.stringify(given)}: ${why}`)),
  );

  it("is checked by the program too, which plain Pulumi runs without scripts/lab", () => {
    expect(() => parseConfig({}, { project: "lvs-dr", stack: ".." })).toThrow(
      new ConfigError([
        {
          key: "stack",
          value: "..",
          message: "that names a directory, not a stack",
          fix: "choose another name",
        },
      ]),
    );
  });
});
