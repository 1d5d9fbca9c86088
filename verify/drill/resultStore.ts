/** Results on disk, one file a drill, and the drill that is under way. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DrillResult } from "./types";

/** What has to be undone. */
export interface UnderWay {
  readonly drill: string;
  /** Name of the real server that is hit. */
  readonly target?: string | undefined;
}

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
    this.replace(join(this.directory, `${result.name}.json`), `${JSON.stringify(result)}\n`);
  }

  /** From now on something may be broken. */
  markRunning(what: UnderWay): void {
    this.replace(this.marker, JSON.stringify(what));
  }

  markDone(): void {
    rmSync(this.marker, { force: true });
  }

  /** The drill that a killed run of the program has left behind, not undone. Only for who holds the lock. */
  interrupted(): UnderWay | undefined {
    return existsSync(this.marker) ? (JSON.parse(readFileSync(this.marker, "utf8")) as UnderWay) : undefined;
  }

  /** Whoever reads it sees the old one or the new one. */
  private replace(file: string, text: string): void {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }
}
