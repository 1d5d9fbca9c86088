import * as fs from "node:fs";
import * as path from "node:path";
import { ensurePrivateDirectory } from "./files";

interface Holder {
  readonly pid: number;
  readonly bootId: string;
  /** Start time of the process in clock ticks since boot: tells it from a later one with the same number. */
  readonly startTime: string;
  /** What it does, as a refusal has it. */
  readonly what: string;
}

export class LockedError extends Error {}

/**
 * Lets one run at a time touch a state. A lock whose process has gone (crash, `kill -9`, reboot) is taken over.
 * @param what we do with it: what others are told
 * @returns the function that gives it back
 * @throws LockedError naming the process that holds it
 */
export function acquireLock(stateFile: string, what = "another run"): () => void {
  const file = `${stateFile}.lock`;
  ensurePrivateDirectory(path.dirname(file));
  const holder = { pid: process.pid, bootId: bootId(), startTime: startTime(process.pid) ?? "", what };
  const own = JSON.stringify(holder satisfies Holder);
  for (;;) {
    // Linking a complete file is atomic: nobody can see a lock without its holder's name in it.
    const draft = `${file}.${process.pid}`;
    fs.writeFileSync(draft, own, { mode: 0o600 });
    try {
      fs.linkSync(draft, file);
      return () => {
        // Not another's: whoever removed the directory took ours with it.
        if (read(file) === own) fs.rmSync(file);
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      fs.rmSync(draft, { force: true });
    }
    const found = read(file);
    if (found === undefined) continue;
    const other = parse(found);
    if (other && isAlive(other)) {
      throw new LockedError(
        `${other.what} (process ${other.pid}) is working on this stack; wait for it or stop it with: kill -INT ${other.pid}`,
      );
    }
    removeStale(file, found);
  }
}

/** Removes a stale lock, but not one that somebody else put in its place meanwhile. */
function removeStale(file: string, stale: string): void {
  const aside = `${file}.${process.pid}.stale`;
  try {
    fs.renameSync(file, aside);
  } catch {
    return; // Another process was faster.
  }
  if (read(aside) !== stale) {
    try {
      fs.linkSync(aside, file);
    } catch {
      // A third process holds it by now.
    }
  }
  fs.rmSync(aside, { force: true });
}

function isAlive(holder: Holder): boolean {
  return holder.bootId === bootId() && startTime(holder.pid) === holder.startTime;
}

function parse(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return undefined;
  }
}

function read(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

const bootId = (): string => read("/proc/sys/kernel/random/boot_id")?.trim() ?? "";

/** Field 22 of /proc/PID/stat; the command's name in field 2 may contain spaces and parentheses. */
function startTime(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}
