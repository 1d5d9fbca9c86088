/** Texts that more than one room writes. */
import { createHash } from "node:crypto";

/** Wraps a string for a POSIX shell so that it stays one word, whatever it holds. */
export function shellQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** The same for people: quoted only where it has to be. */
export function shellWord(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : shellQuote(value);
}

/** The command line that runs a Perl program with arguments: its text travels in it, nothing is installed. */
export function perlCommand(program: string, args: readonly (string | number)[]): string {
  return ["perl -e", ...[program, ...args].map((word) => shellQuote(String(word)))].join(" ");
}

/** A command for bash as root: of another user, through sudo, which must not ask. */
export const asRoot = (user: string, command: string): string =>
  user === "root" ? command : `sudo -n -- bash -c ${shellQuote(command)}`;

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
