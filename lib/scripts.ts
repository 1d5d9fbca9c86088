/** The project's files below scripts/, found from where this file is, whatever program runs. */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
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
