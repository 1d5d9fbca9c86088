/** Results on disk, one file a drill, and the name of the drill that is under way. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DrillResult } from "./types";

export class ResultStore {
  private readonly directory: string;
  private readonly marker: string;

  /** @param stackDirectory .lab/STACK, which goes away with the stack */
  constructor(stackDirectory: string) {
    this.directory = join(stackDirectory, "drills");
    this.marker = join(this.directory, ".running");
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
  }

  write(result: DrillResult): void {
    const file = join(this.directory, `${result.name}.json`);
    // Whoever reads it sees the old one or the new one.
    writeFileSync(`${file}.new`, `${JSON.stringify(result)}\n`);
    renameSync(`${file}.new`, file);
  }

  /** From now on something may be broken. */
  markRunning(name: string): void {
    writeFileSync(this.marker, name);
  }

  markDone(): void {
    rmSync(this.marker, { force: true });
  }

  /** The drill that a killed run of the program has left behind, not undone. */
  interrupted(): string | undefined {
    return existsSync(this.marker) ? readFileSync(this.marker, "utf8") : undefined;
  }
}
