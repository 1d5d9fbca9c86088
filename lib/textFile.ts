/** Text files that a person has named. */
import { readFileSync, statSync } from "node:fs";

const LONGEST = 64 * 1024;

/** The text, or in words what is wrong with the file. @param longest in bytes */
export function readTextFile(
  path: string,
  longest = LONGEST,
): { readonly text: string } | { readonly fault: string } {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { fault: "is not there" };
  if (!found.isFile()) return { fault: "is not a file" };
  if (found.size > longest) return { fault: `is longer than ${longest / 1024} KiB` };
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
    return text.includes("\0") ? { fault: "is not a text" } : { text };
  } catch (error) {
    return { fault: error instanceof TypeError ? "is not a text in UTF-8" : "cannot be read" };
  }
}
