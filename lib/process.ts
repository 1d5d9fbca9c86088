import {
  spawn,
  type ChildProcess,
  type ChildProcessWithoutNullStreams,
  type SpawnOptions,
} from "node:child_process";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";

export interface ExecOptions {
  readonly stdin?: string;
  readonly cwd?: string;
  /** The whole environment; the caller's own when absent. */
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the process and everything it started: SIGTERM, and SIGKILL two seconds later. */
  readonly signal?: AbortSignal;
  /** Called with each whole line as it comes. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

export interface ExecResult {
  /** Exit status; 128 + signal number when a signal ended it, as shells report it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both streams in the order of arrival, for messages. */
  readonly output: string;
}

/** Runs a program to its end; rejects only when it cannot be started. Injected, so that tests can stand in for virsh and ssh. */
export type Exec = (file: string, args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;

/**
 * Reads "+ GROUP" and "- GROUP" lines; when this program has gone, in whatever way, it ends the groups still under way, and
 * whatever else is of their sessions: some programs (Pulumi) give their own helpers groups of their own.
 */
const WATCHER = `
groups=" "
while read -r sign group; do
  case "$sign" in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do
  kill -s KILL -- "-$group"
  for file in /proc/[0-9]*/stat; do
    read -r stat <"$file" || continue
    set -- \${stat##*) }
    process=\${file#/proc/}
    if [ "$4" = "$group" ]; then kill -s KILL "\${process%/stat}"; fi
  done
done`;
let watcher: Writable | undefined;

function startWatcher(): Writable {
  // Of its own session, so that what ends this program's group spares it; nothing of ours is held open by it.
  const child = spawn("/bin/sh", ["-c", WATCHER], {
    cwd: "/",
    env: {},
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  child.unref();
  (child.stdin as Socket).unref();
  return child.stdin;
}

/**
 * Starts a child in a session of its own, and ends it, with what it started, should this program go before it: by its own
 * exit, a crash, or `kill -9`, which leaves it no time to do so itself.
 */
export function spawnWatched(
  file: string,
  args: readonly string[],
  options: Omit<SpawnOptions, "detached">,
): ChildProcess {
  // Before the child, which would otherwise run unwatched until it has started.
  watcher ??= startWatcher();
  const child = spawn(file, args, { ...options, detached: true });
  const { pid } = child;
  if (pid === undefined) return child;
  watcher.write(`+ ${pid}\n`);
  child.on("close", () => watcher?.write(`- ${pid}\n`));
  return child;
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It is gone already.
  }
}

const KILL_AFTER_MS = 2_000;

export const exec: Exec = (file, args, options = {}) =>
  new Promise((resolve, reject) => {
    // A process group of its own: Ctrl-C in the terminal must reach this program only, which then decides what ends how.
    const child = spawnWatched(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["pipe", "pipe", "pipe"],
    }) as ChildProcessWithoutNullStreams;
    const chunks: Record<"stdout" | "stderr" | "output", Buffer[]> = { stdout: [], stderr: [], output: [] };
    for (const stream of ["stdout", "stderr"] as const) {
      const lines = lineSplitter((line) => options.onLine?.(line, stream));
      child[stream].on("data", (chunk: Buffer) => {
        chunks[stream].push(chunk);
        chunks.output.push(chunk);
        if (options.onLine) lines.push(chunk);
      });
      child[stream].on("end", () => lines.end());
    }
    let killer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      killGroup(child.pid, "SIGTERM");
      killer = setTimeout(() => killGroup(child.pid, "SIGKILL"), KILL_AFTER_MS);
    };
    if (options.signal?.aborted) abort();
    options.signal?.addEventListener("abort", abort, { once: true });
    const finish = (): void => {
      clearTimeout(killer);
      options.signal?.removeEventListener("abort", abort);
    };
    child.on("error", (error) => {
      finish();
      reject(error);
    });
    child.on("close", (code, signal) => {
      finish();
      const text = (key: keyof typeof chunks): string => Buffer.concat(chunks[key]).toString("utf8");
      const status = code ?? 128 + (signal ? (SIGNALS[signal] ?? 0) : 0);
      resolve({ code: status, stdout: text("stdout"), stderr: text("stderr"), output: text("output") });
    });
    // A program that does not read its input (or has ended) is not an error of ours.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.stdin ?? "");
  });

const SIGNALS: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Cuts a byte stream into lines without breaking multi-byte characters. */
export function lineSplitter(onLine: (line: string) => void): { push(chunk: Buffer): void; end(): void } {
  let rest = Buffer.alloc(0);
  return {
    push(chunk) {
      rest = Buffer.concat([rest, chunk]);
      for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
        onLine(rest.subarray(0, at).toString("utf8"));
        rest = rest.subarray(at + 1);
      }
    },
    end() {
      if (rest.length > 0) onLine(rest.toString("utf8"));
    },
  };
}
