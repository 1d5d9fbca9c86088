/** Files that people name are meant from where they stand; the program works in the project's root. */
import { resolve } from "node:path";

// Read when the module is loaded, before main() changes the directory.
const directory = process.cwd();

export function callersFile(name: string): string {
  return resolve(directory, name);
}
