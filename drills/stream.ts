/** A program in a guest that talks while it runs, line by line. */
import type { ChildProcess, ChildProcessByStdio } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { lineSplitter, spawnWatched } from "../lib/process";
import { perlCommand } from "../lib/text";
import type { GuestShell } from "../lib/ssh";

/** Milliseconds that a program has to end after its stdin has. */
const GRACE = 15_000;

export class Stream {
  private readonly child: ChildProcess;
  /** Resolves when the program or the connection to it is gone; never rejects. */
  readonly ended: Promise<void>;
  alive = true;

  constructor(shell: GuestShell, node: string, command: string, onLine: (line: string) => void) {
    // A session of its own: Ctrl-C is for the drill, which ends its programs in its own time.
    const [file, args] = shell.commandLine(node, command);
    const child = spawnWatched(file, args, {
      stdio: ["pipe", "pipe", "ignore"],
    }) as ChildProcessByStdio<Writable, Readable, null>;
    this.child = child;
    child.stdin.on("error", () => undefined);
    const lines = lineSplitter(onLine);
    child.stdout.on("data", (chunk: Buffer) => lines.push(chunk));
    this.ended = new Promise((done) => {
      // The end of its output too: a last line may still be on its way when the process is gone.
      let pending = 2;
      const finished = (): void => {
        if (--pending > 0) return;
        this.alive = false;
        done();
      };
      child.on("exit", finished);
      child.stdout.on("close", finished);
      child.on("error", () => {
        pending = 1;
        finished();
      });
    });
  }

  write(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Ends the program by the end of its stdin, or by force when it does not heed that. */
  async end(grace = GRACE): Promise<void> {
    this.child.stdin?.end();
    const timer = setTimeout(() => this.kill(), grace);
    await this.ended;
    clearTimeout(timer);
  }

  /** For a program whose guest is gone. */
  kill(): void {
    this.child.kill("SIGKILL");
  }
}

const source = (program: string): string => readFileSync(join(__dirname, "guest", `${program}.pl`), "utf8");

/** The command line that runs one of guest/*.pl. */
export function perl(
  program: "load" | "table" | "flow" | "flows",
  ...args: readonly (string | number)[]
): string {
  const needed = program === "table" ? "" : source("connection");
  return perlCommand(needed + source(program), args);
}
