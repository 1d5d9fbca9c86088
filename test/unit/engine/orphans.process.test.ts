import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./support/stack";

/** Whoever adopted a dead process may not have taken note of its death yet. */
function lives(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** A project whose Pulumi program is caught in a loop, so that no event can reach it. */
function hangingProject(): string {
  const directory = temporaryDirectory();
  const entry = path.join(directory, "node_modules/@pulumi/pulumi/cmd/run");
  fs.mkdirSync(entry, { recursive: true });
  fs.writeFileSync(path.join(directory, "package.json"), "{}");
  fs.writeFileSync(
    path.join(entry, "index.js"),
    "require('fs').writeSync(1, process.pid + '\\n'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
  );
  return directory;
}

/** The processes that it started: the program, a shell, and a process of the shell. */
async function startedBy(engine: ChildProcess): Promise<number[]> {
  const pids: number[] = [];
  if (engine.stdout === null) throw new Error("unreachable: stdout is a pipe");
  for await (const line of createInterface(engine.stdout)) {
    pids.push(Number(line));
    if (pids.length === 3) break;
  }
  return pids;
}

test.each(["SIGKILL", "SIGTERM"] as const)(
  "an engine that ends by %s takes with it all that it started",
  async (signal) => {
    const directory = hangingProject();
    const victim = path.join(__dirname, "support/victim.ts");
    const engine = spawn(process.execPath, ["--import", "tsx", victim, directory], {
      // The directory of its socket stays behind.
      env: { ...process.env, TMPDIR: directory },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pids = await startedBy(engine);
    try {
      expect(pids.filter(lives)).toHaveLength(3);
      engine.kill(signal);
      for (const deadline = Date.now() + 2_000; pids.some(lives) && Date.now() < deadline;) await sleep(20);
      expect(pids.filter(lives)).toEqual([]);
    } finally {
      for (const pid of pids.filter(lives)) process.kill(pid, "SIGKILL");
      fs.rmSync(directory, { recursive: true, force: true });
    }
  },
);
