import { existsSync } from "node:fs";
import { expect } from "vitest";
import { parseCf } from "../../../../cli/commands/import";
import { readKeepalivedConf } from "../../../../model/import/keepalivedConf";
import { readLdirectordCf } from "../../../../model/import/ldirectordCf";
import { serviceKey } from "../../../../model/lab/target";
import { lineKey, type Line } from "../../../../model/import/source";
import { importStack, NothingToImport, type Imported, type Marks } from "../../../../model/import/stack";

export const missing = ["/usr/sbin/ldirectord", "/usr/bin/perl"].find((path) => !existsSync(path));

export const IDENTITY = { project: "lvs-dr", stack: "imported" };

/** In both families. */
const marks = (each: number[] = []): Marks =>
  new Map(
    each.flatMap((mark) =>
      ([4, 6] as const).map((family) => [
        serviceKey({ mark, family }),
        {
          vip: family === 4 ? `10.0.0.${mark}` : `2001:db8::${mark}`,
          ports: [
            { first: 80, last: 80 },
            { first: 8443, last: 8443 },
          ],
        },
      ]),
    ),
  );

const marksOf = (known: number[] | Marks): Marks => (Array.isArray(known) ? marks(known) : known);

/** No path: the imported file itself. */
type Files = Readonly<Record<string, string>>;
const SELF = "";

/** Numbers of the rows that are neither blank nor a comment. */
function lines(text: string, comment: RegExp): number[] {
  return text
    .split("\n")
    .flatMap((row, index) => (row.trim() === "" || comment.test(row) ? [] : [index + 1]));
}

/** By file and number: rows that say something, which are neither blank nor a comment. */
const saying = (files: Files, comment: RegExp): string[] =>
  Object.entries(files).flatMap(([file, text]) => lines(text, comment).map((line) => `${file}:${line}`));

const keys = (lines: readonly Line[]): string[] => lines.map(({ file = SELF, line }) => `${file}:${line}`);

/**
 * Each line that says something is taken over or told, none is both, and no other line is either.
 * @param mute lines that say nothing by themselves, and are told only where they are a mistake
 */
function expectAll(
  { taken, left }: Pick<Imported, "taken" | "left">,
  files: Files,
  comment: RegExp,
  mute = comment,
): void {
  const [over, told] = [keys(taken), keys(left)];
  expect(over.filter((each) => told.includes(each))).toEqual([]);
  expect(new Set(over).size).toBe(over.length);
  const all = new Set([...over, ...told]);
  expect(saying(files, mute).filter((each) => !all.has(each))).toEqual([]);
  const known = saying(files, comment);
  expect([...all].filter((each) => !known.includes(each))).toEqual([]);
  expect(left.filter(({ text, reason }) => text === "" || reason === "")).toEqual([]);
}

/** What is refused as a whole is told line by line, too. */
function checked(
  take: () => Imported,
  check: (imported: Pick<Imported, "taken" | "left">) => void,
): Imported {
  try {
    const imported = take();
    check(imported);
    return imported;
  } catch (error) {
    if (error instanceof NothingToImport) check({ taken: [], left: error.left });
    throw error;
  }
}

export async function importCf(text: string, known: number[] | Marks = []): Promise<Imported> {
  const source = readLdirectordCf(text, await parseCf(text));
  return checked(
    () => importStack(source, IDENTITY, marksOf(known)),
    (imported) => expectAll(imported, { [SELF]: text }, /^\s*#/),
  );
}

export function importKeepalived(text: string, known: number[] | Marks = [], files: Files = {}): Imported {
  const included: Record<string, string> = { [SELF]: text };
  const source = readKeepalivedConf(text, (pattern) => {
    const there = files[pattern];
    if (there === undefined) return [];
    included[pattern] = there;
    return [{ file: pattern, text: there }];
  });
  return checked(
    () => importStack(source, IDENTITY, marksOf(known)),
    (imported) => expectAll(imported, included, /^\s*[!#]/, /^\s*([!#]|[{}\s]+([!#]|$))/),
  );
}

/** Lines that are not taken over, with their reasons. */
export const leftOf = ({ left }: Imported): [number, string][] =>
  left.map(({ line, reason }) => [line, reason]);

/** How many lines are taken over, and how many are left or changed. */
export const counts = ({ taken, left }: Imported): [taken: number, left: number] => [
  taken.length,
  new Set(left.map(lineKey)).size,
];
