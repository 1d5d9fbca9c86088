import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";

/** Counts what it is told, and has a helper in a group of its own, as Pulumi has plugins. */
const PULUMI = `#!/bin/bash
cd "$DIRECTORY"
trap 'echo INT >>told' INT
trap 'echo TERM >>told' TERM
set -m
sleep 60 </dev/null >/dev/null 2>&1 &
set +m
disown
echo "$$ $!" >pids.new && mv pids.new pids
while [ ! -e told ]; do sleep 0.05; done
sleep 0.3
kill -9 $!
exit 1
`;

let directory: string;
let cli: ChildProcess;
let stderr: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "lvs-dr-pulumi-"));
  writeFileSync(join(directory, "pulumi"), PULUMI);
  chmodSync(join(directory, "pulumi"), 0o755);
  stderr = "";
  cli = spawn(process.execPath, ["--import", "tsx", join(__dirname, "../../support/shownUp.ts")], {
    env: { ...process.env, DIRECTORY: directory, PATH: `${directory}:${process.env.PATH}` },
    stdio: ["ignore", "ignore", "pipe"],
    // Stands for the terminal's foreground group, which a Ctrl-C reaches as a whole.
    detached: true,
  });
  cli.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  await until(() => ["pids", "watched"].every((name) => existsSync(join(directory, name))));
});
afterEach(() => {
  for (const pid of pids().filter(lives)) process.kill(pid, "SIGKILL");
  rmSync(directory, { recursive: true });
});

async function until(what: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !what() && Date.now() < deadline;) await sleep(20);
  expect(what()).toBe(true);
}

const pids = (): number[] => readFileSync(join(directory, "pids"), "utf8").trim().split(" ").map(Number);

/** Whoever adopted a dead process may not have taken note of its death yet. */
function lives(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

it.each([
  ["SIGINT", "INT"],
  ["SIGTERM", "TERM"],
  ["SIGHUP", "INT"],
] as const)("a %s of the terminal reaches Pulumi once, which ends in order", async (signal, told) => {
  const ended = new Promise((done) => cli.on("close", done));
  process.kill(-(cli.pid ?? 0), signal);
  expect(await ended).toBe(1);
  expect(readFileSync(join(directory, "told"), "utf8")).toBe(`${told}\n`);
  expect(stderr).toBe("pulumi up was interrupted");
});

it("kill -9 ends Pulumi too, and what Pulumi started: no lock stays that is of a live process", async () => {
  expect(pids().filter(lives)).toHaveLength(2);
  cli.kill("SIGKILL");
  await until(() => pids().filter(lives).length === 0);
  expect(existsSync(join(directory, "told"))).toBe(false);
});
