import { existsSync } from "node:fs";
import { parseCf } from "../../../../cli/commands/import";
import { readKeepalivedConf } from "../../../../model/import/keepalivedConf";
import { readLdirectordCf } from "../../../../model/import/ldirectordCf";
import { serviceKey } from "../../../../model/lab/target";
import { importStack, type Imported, type Marks } from "../../../../model/import/stack";

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

export async function importCf(text: string, known: number[] | Marks = []): Promise<Imported> {
  return importStack(readLdirectordCf(text, await parseCf(text)), IDENTITY, marksOf(known));
}

export function importKeepalived(
  text: string,
  known: number[] | Marks = [],
  files: Readonly<Record<string, string>> = {},
): Imported {
  const source = readKeepalivedConf(text, (pattern) =>
    files[pattern] === undefined ? [] : [{ file: pattern, text: files[pattern] }],
  );
  return importStack(source, IDENTITY, marksOf(known));
}

/** Lines that are not taken over, with their reasons. */
export const leftOf = ({ left }: Imported): [number, string][] =>
  left.map(({ line, reason }) => [line, reason]);

/** Each line that says something is taken over or told, and none both. */
export function lines(text: string, comment: RegExp): number[] {
  return text
    .split("\n")
    .flatMap((row, index) => (row.trim() === "" || comment.test(row) ? [] : [index + 1]));
}
