/** The project's files below scripts/, found from where this file is, whatever program runs. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { shellQuote } from "./text";

const SCRIPTS = join(__dirname, "..", "scripts");
const texts = new Map<string, string>();

export function scriptPath(name: string): string {
  return join(SCRIPTS, name);
}

/** A script's text, read once. */
export function readScript(name: string): string {
  const text = texts.get(name) ?? readFileSync(scriptPath(name), "utf8");
  texts.set(name, text);
  return text;
}

/**
 * A script as a word of a command that the state records: relative to the program's directory, so that a checkout that was moved
 * changes nothing.
 */
export function scriptWord(name: string): string {
  const path = relative(process.cwd(), scriptPath(name));
  return /^[\w./-]+$/.test(path) ? path : shellQuote(path);
}

/** A program of the project's, by its path without `.ts`, as a command: compiled in the npm package, as it is in a checkout. */
export function programCommand(path: string): string {
  const compiled = join(__dirname, `${basename(path)}.js`);
  if (existsSync(compiled)) return `node ${shellQuote(compiled)}`;
  const root = join(__dirname, "..");
  if (process.cwd() === root) return `node --import tsx ${path}.ts`;
  const loader = pathToFileURL(createRequire(__filename).resolve("tsx")).href;
  return `node --import ${shellQuote(loader)} ${shellQuote(join(root, `${path}.ts`))}`;
}
