import { MASK, secretStrings, type Value } from "../lib/properties";

/** Shorter strings would mask half of every message, and are no secrets worth the name. */
const SHORTEST = 6;
/** Likewise for one line of several, which may be a word of a script that has a password in it. */
const SHORTEST_LINE = 10;
/** Fields of an SSH connection that are not secret: @pulumi/command wraps it as a whole, and so does the `access` output. */
const PLAIN = new Set(["address", "host", "hostKey", "keyFile", "user"]);

/** Removes every secret the engine has seen from text that is about to be shown. */
export class Redactor {
  private readonly secrets = new Set<string>();

  /** Learns the secrets in a value, each line of a multi-line one (a private key) by itself too. */
  learn(value: Value): void {
    for (const text of secretStrings(value, PLAIN)) {
      this.hide(text, SHORTEST);
      for (const line of text.split("\n")) this.hide(line, SHORTEST_LINE);
    }
  }

  private hide(text: string, shortest: number): void {
    const trimmed = text.trim();
    if (trimmed.length < shortest) return;
    this.secrets.add(trimmed);
    this.secrets.add(JSON.stringify(trimmed).slice(1, -1));
  }

  redact(text: string): string {
    let result = text;
    // Longest first: a secret may contain another.
    for (const hidden of [...this.secrets].sort((a, b) => b.length - a.length)) {
      result = result.replaceAll(hidden, MASK);
    }
    return result;
  }
}
