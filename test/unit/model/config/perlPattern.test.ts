/** What is refused without Perl must be what Perl refuses too; and what Perl takes must pass. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { patternFault } from "../../../../model/config/perlPattern";

const REFUSED: readonly [string, string, number][] = [
  ["te(st", "unterminated group", 3],
  ["te)st", "unmatched )", 3],
  ["a(b(c)", "unterminated group", 2],
  ["[abc", "unterminated class", 1],
  ["[]", "unterminated class", 1],
  ["x[[:foo:]]", "no class is called [:foo:]", 2],
  ["[z-a]", "range out of order: z-a", 1],
  ["*a", "nothing to repeat", 1],
  ["a|+", "nothing to repeat", 3],
  ["(?:a)(+b)", "nothing to repeat", 7],
  ["a**", "a repetition of a repetition", 3],
  ["a+*", "a repetition of a repetition", 3],
  ["a{2}{3}", "a repetition of a repetition", 5],
  ["a{5,2}", "repetitions out of order", 2],
  ["ab\\", "a backslash at the end", 3],
  ["a(?{ exit })", "code blocks are not allowed", 2],
  ["(??{ 1 })", "code blocks are not allowed", 1],
  ["(*{ 1 })", "code blocks are not allowed", 1],
];
const TAKEN = [
  "test",
  "^test$",
  "te++st",
  "a{2,3}+b{2}?",
  "(?>te)st",
  "(?i:TEST)",
  "(?i)test",
  "(?^i:a)",
  "(?|(a)|(b))",
  "(?<name>a)\\k<name>",
  "(?'q'a)\\k{q}",
  "(?P<n>a)(?P=n)",
  "(a)(?1)(?-1)",
  "(?<=ab)c(?!d)(?<!e)f",
  "(?(?=a)b|c)",
  "(*COMMIT)a",
  "a{,b{x}{",
  "[]a]",
  "[^]a]",
  "[[:alpha:][:^digit:]_-]",
  "[a-z\\]\\-]",
  "\\x{263a}+\\p{L}*\\N{U+263a}",
  "\\c[a",
  "^*",
  "a||b",
  "{2}",
  "(?i){2}*",
  "(?)a",
  "()",
  "",
  "it's (fine|good) \\d+%",
  "\\(\\)\\[",
];

describe("patternFault", () => {
  it.each(REFUSED)("refuses %s", (text, what, position) =>
    expect(patternFault(text)).toEqual({ what, position }),
  );

  it.each(TAKEN)("takes %s", (text) => expect(patternFault(text)).toBeUndefined());

  it.skipIf(!existsSync("/usr/bin/perl"))("refuses nothing that Perl takes", () => {
    const parts = fc.constantFrom(
      ..."ab^$.|()[]{}*+?,-:=!<>'\\12".split(""),
      ..."(?: (?= (?<= (?> (?| (?i) (?<n> [a-z] [[:alpha:]] [^ {2} {1,3} {,2} \\d \\x{41} \\p{L} \\k<n>".split(
        " ",
      ),
    );
    const texts = fc.sample(
      fc.array(parts, { maxLength: 8 }).map((each) => each.join("")),
      { numRuns: 3000, seed: 7 },
    );
    // Out of order is the one thing that Perl takes, with a warning: it matches nothing.
    const refused = texts.filter(
      (text) => ![undefined, "repetitions out of order"].includes(patternFault(text)?.what),
    );
    const script = "while (<STDIN>) { chomp; print qq($_\\n) if eval { qr/$_/ } }";
    const input = refused.map((text) => `${text}\n`).join("");
    expect(refused.length).toBeGreaterThan(100);
    expect(spawnSync("/usr/bin/perl", ["-e", script], { input, encoding: "utf8" }).stdout).toBe("");
  });
});
