/** Commands in guests that Ctrl-C does not reach, and that do not outlive the program. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { Access } from "../../../model/access";
import { parseConfig } from "../../../model/config";
import { GuestShell, keptDirectory } from "../../../lib/ssh";

const directory = mkdtempSync(join(tmpdir(), "detached-"));
const { PATH } = process.env;
const WAIT = { timeout: 15_000 };
const access = {
  lab: parseConfig({}, { project: "lvs-dr", stack: "dev" }),
  privateKey: "",
  hosts: { rs1: { address: "192.0.2.1", user: "root", hostKey: "none" } },
} as unknown as Access;

beforeAll(() => {
  // Runs the command here.
  writeFileSync(join(directory, "ssh"), '#!/bin/bash\nexec bash -c "${@: -1}"\n', { mode: 0o755 });
  vi.stubEnv("PATH", `${directory}${delimiter}${PATH}`);
  vi.stubEnv("XDG_RUNTIME_DIR", directory);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

const OWN_GROUP = "read -r _ _ _ _ group _ </proc/$$/stat; [[ $group == $$ ]] && echo own || echo shared";

it.each([
  [true, "own"],
  [false, "shared"],
])("detached %s: the command's process group is %s", async (detached, group) => {
  const shell = new GuestShell(access, access.lab, { detached });
  expect((await shell.check("rs1", OWN_GROUP)).trim()).toBe(group);
  await shell.close();
});

it("close ends what is under way", async () => {
  const shell = new GuestShell(access, access.lab, { detached: true });
  const slow = shell.run("rs1", "exec sleep 30");
  await shell.close();
  expect((await slow).code).toBeNull();
});

it.each(["SIGTERM", "SIGKILL"] as const)("%s of the program ends what is under way", async (signal) => {
  const module = JSON.stringify(join(__dirname, "../../../lib/ssh"));
  const pidFile = join(directory, signal);
  const watched = join(directory, `${signal}.watched`);
  const text =
    `const { GuestShell } = require(${module});` +
    `const shell = new GuestShell(${JSON.stringify(access)}, { stack: "dev" }, { detached: true });` +
    `void shell.run("rs1", "echo $$ >${pidFile}; exec sleep 30");` +
    // The command may be under way before the program has told the watcher of it.
    `require("node:fs").writeFileSync("${watched}", ""); setTimeout(() => undefined, 60000);`;
  const child = spawn("node", ["--require", "tsx/cjs", "-e", text], { stdio: "inherit" });
  await expect
    .poll(() => existsSync(watched) && existsSync(pidFile) && Number(readFileSync(pidFile, "utf8")), WAIT)
    .toBeGreaterThan(0);
  child.kill(signal);
  await once(child, "close");
  await expect.poll(() => existsSync(`/proc/${readFileSync(pidFile, "utf8").trim()}/exe`), WAIT).toBe(false);
  // The key that it could not remove is where `down` looks.
  expect(readdirSync(keptDirectory(access.lab))).toHaveLength(1);
  GuestShell.forget(access.lab);
  expect(existsSync(keptDirectory(access.lab))).toBe(false);
});
