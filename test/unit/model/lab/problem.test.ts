import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { distinct, PROBLEM_CODES, type Problem } from "../../../../model/lab/problem";

/** Codes that the guests' scripts and the table's program give. */
function guestCodes(): string[] {
  const scripts = ["addresses", "client", "common", "director", "guard", "realServer", "router"].map(
    (name) => `${name}.sh`,
  );
  const inShell = scripts.flatMap((name) =>
    [
      ...readFileSync(`scripts/guest/${name}`, "utf8").matchAll(/\bproblem ((?:[a-z]+-)+[a-z]+|withdrawn) /g),
    ].map(([, code]) => code ?? ""),
  );
  const program = readFileSync("scripts/guest/ipvsTable.pl", "utf8");
  const inPerl = [...program.matchAll(/\['([a-z-]+)',/g)].map(([, code]) => code ?? "");
  return [...new Set([...inShell, ...inPerl])];
}

describe("the codes of problems", () => {
  it("are all that the guests give", () => {
    expect(guestCodes().length).toBeGreaterThan(15);
    expect(guestCodes().filter((code) => !Object.hasOwn(PROBLEM_CODES, code))).toEqual([]);
  });

  it("are documented, each with its meaning", () => {
    const text = readFileSync("docs/reference/verify.md", "utf8").replace(/ +/g, " ");
    expect(
      Object.entries(PROBLEM_CODES).filter(
        ([code, meaning]) => !text.includes(`| \`${code}\` | ${meaning} |`),
      ),
    ).toEqual([]);
  });

  it("tell the same fact from others", () => {
    const problem: Problem = { subject: "rs1", code: "vip-missing", detail: "10.0.0.100", text: "first" };
    const others: Problem[] = [
      { ...problem, subject: "rs2" },
      { ...problem, code: "not-listening" },
      { ...problem, detail: "10.0.0.101" },
    ];
    expect(distinct([problem, ...others, { ...problem, text: "again" }])).toEqual([problem, ...others]);
  });
});
