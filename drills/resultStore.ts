/** Results on disk, one file a drill, and the drill that is under way. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensurePrivateDirectory, writeAtomically } from "../lib/files";
import type { DrillCutOff, DrillRefused, DrillResult } from "./types";

/** Below the results: drills that were tried and have none. */
export const TRIED = "tried";

/** What has to be undone. */
export interface UnderWay {
  readonly drill: string;
  /** Name of the real server that is hit. */
  readonly target?: string | undefined;
}

export class ResultStore {
  private readonly directory: string;
  private readonly marker: string;
  private readonly tried: string;

  /** @param stackDirectory .lab/STACK, which goes away with the stack */
  constructor(stackDirectory: string) {
    this.directory = join(stackDirectory, "drills");
    this.marker = join(this.directory, ".running");
    this.tried = join(this.directory, TRIED);
    ensurePrivateDirectory(this.directory);
  }

  write(result: DrillResult): void {
    writeAtomically(join(this.directory, `${result.name}.json`), `${JSON.stringify(result)}\n`);
    rmSync(join(this.tried, `${result.name}.json`), { force: true });
  }

  /** A drill without a result; an earlier result of the same drill stays. */
  writeTried(outcome: DrillRefused | DrillCutOff): void {
    ensurePrivateDirectory(this.tried);
    const endedAt = new Date().toISOString();
    writeAtomically(join(this.tried, `${outcome.name}.json`), `${JSON.stringify({ ...outcome, endedAt })}\n`);
  }

  /** From now on something may be broken. */
  markRunning(what: UnderWay): void {
    writeAtomically(this.marker, JSON.stringify(what));
  }

  markDone(): void {
    rmSync(this.marker, { force: true });
  }

  /** The drill that a killed run of the program has left behind, not undone. Only for who holds the lock. */
  interrupted(): UnderWay | undefined {
    return existsSync(this.marker) ? (JSON.parse(readFileSync(this.marker, "utf8")) as UnderWay) : undefined;
  }
}
