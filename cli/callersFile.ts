/** Files that people name are relative to where they stand; the program works in the project's root. */
import { join, resolve } from "node:path";

let callers = process.cwd();

/** Goes to the project's root, from which everything of it is found. */
export function enterProject(): void {
  callers = process.cwd();
  process.chdir(join(__dirname, ".."));
}

/** A file that somebody has named, absolute. */
export function callersFile(name: string): string {
  return resolve(callers, name);
}
