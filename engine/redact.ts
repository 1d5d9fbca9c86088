import { MASK, secretStrings, type Value } from "./values";

/** Shorter strings would mask half of every message, and are no secrets worth the name. */
const SHORTEST = 6;

/** Removes every secret the engine has seen from text that is about to be shown. */
export class Redactor {
  private readonly secrets = new Set<string>();

  /** Learns the secrets in a value, each line of a multi-line one (a private key) by itself too. */
  learn(value: Value): void {
    for (const text of secretStrings(value)) this.learnText(text);
  }

  learnText(text: string): void {
    for (const part of [text, ...text.split("\n")]) {
      const trimmed = part.trim();
      if (trimmed.length < SHORTEST) continue;
      this.secrets.add(trimmed);
      this.secrets.add(JSON.stringify(trimmed).slice(1, -1));
    }
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
