/** Where things are printed: results on stdout, everything else on stderr. */

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Exactly one JSON value. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
