/** What ldirectord has done to the table, read from the stand-in's journal. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

export interface Change {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** -A, -E, -D, -a, -e or -d. */
  readonly command: string;
  /** "-t 10.0.0.100:80" */
  readonly service: string;
  /** "192.168.7.10:80"; absent where the service itself is changed. */
  readonly server?: string;
  readonly weight?: number;
}

/** @param file the journal, where the host sees it */
export function changes(file: string): Change[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [at = "", command = "", flag = "", target = "", ...rest] = line.split(" ");
      const after = (option: string): string | undefined => rest[rest.indexOf(option) + 1];
      const server = rest.includes("-r") ? after("-r") : undefined;
      return {
        at: Number(at) * 1000,
        command,
        service: `${flag} ${target}`,
        ...(server === undefined ? {} : { server }),
        ...(rest.includes("-w") ? { weight: Number(after("-w")) } : {}),
      };
    });
}

/** Weight of a server in a service after the changes; undefined when it is not in the table. */
export function weightOf(list: readonly Change[], service: string, server: string): number | undefined {
  return list
    .filter((each) => each.service === service && (each.server === server || each.command === "-D"))
    .reduce<number | undefined>(
      (_weight, { command, weight }) => (command === "-d" || command === "-D" ? undefined : (weight ?? 1)),
      undefined,
    );
}

/**
 * How much longer things take than on an idle machine: by the processes that want each processor, in the last minute or right now, from
 * 1 to 6: more want them for a moment only. Times that ldirectord promises are asserted as they are on an idle machine, and in
 * proportion on a busy one.
 */
export function slowness(): number {
  const [minute = "", , , runnable = ""] = readFileSync("/proc/loadavg", "utf8").split(/[ /]/);
  return Math.min(6, Math.max(1, Math.max(Number(minute), Number(runnable)) / availableParallelism()));
}

/** Time for something that leaves no trace to look for. @param seconds on an idle machine */
export function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * slowness() * 1000));
}

/**
 * Polls until something holds.
 * @param seconds a time limit, or what tells it anew each time: the longest holds
 * @throws Error with what was waited for when it does not come in time
 */
export async function until<T>(
  what: string,
  seconds: number | (() => number),
  look: () => T | undefined | false,
): Promise<T> {
  const begin = Date.now();
  let limit = 0;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    const waited = (Date.now() - begin) / 1000;
    limit = Math.max(limit, typeof seconds === "number" ? seconds : seconds());
    if (waited > limit) {
      throw new Error(`not within ${waited.toFixed(1)} s: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
