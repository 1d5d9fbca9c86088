/** Commands in guests that Ctrl-C does not reach, and that do not outlive the program. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Access } from "../../../model/lab/access";
import { parseConfig } from "../../../model/config/config";
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

it("a program that keeps no connection leaves nothing behind, and what others keep stays", async () => {
  await new GuestShell(access, { stack: "dev" }).close();
  expect(existsSync(keptDirectory(access.lab))).toBe(false);
  const kept = new GuestShell(access, { stack: "dev" }, { keepOpen: true });
  await new GuestShell(access, { stack: "dev" }).close();
  await kept.close();
  expect(existsSync(join(keptDirectory(access.lab), "key"))).toBe(true);
  GuestShell.forget(access.lab);
  // Whoever set this out has made it for those who come.
  vi.stubEnv("LVS_DR_CONNECTIONS", GuestShell.kept(access.lab));
  await new GuestShell(access, { stack: "dev" }).close();
  expect(existsSync(keptDirectory(access.lab))).toBe(true);
  GuestShell.forget(access.lab);
  vi.stubEnv("LVS_DR_CONNECTIONS", undefined);
});

describe("a guest that no longer answers", () => {
  let answering = false;
  const looks: number[] = [];
  const open = (options = {}): GuestShell =>
    new GuestShell(access, access.lab, {
      keepOpen: true,
      answering: (_, ms) => {
        looks.push(ms);
        return Promise.resolve(answering);
      },
      ...options,
    });
  beforeEach(() => {
    answering = false;
    looks.length = 0;
  });

  it("ends what waits for it, as SSH's own failures do, after two looks", async () => {
    const shell = open();
    expect(await shell.run("rs1", "exec sleep 30")).toEqual({
      code: 255,
      stdout: "",
      stderr: "rs1 does not answer",
    });
    expect(looks).toEqual([3500, 3500]);
    await shell.close();
  });

  it("costs the next command one short look, until it answers again", async () => {
    const shell = open();
    await shell.run("rs1", "exit 255");
    const file = join(directory, "ran");
    expect((await shell.run("rs1", `touch ${file}`)).code).toBe(255);
    expect([looks, existsSync(file)]).toEqual([[1500], false]);
    answering = true;
    expect((await shell.run("rs1", `touch ${file}`)).code).toBe(0);
    expect((await shell.run("rs1", "true")).code).toBe(0);
    expect(looks).toEqual([1500, 1500]);
    await shell.close();
  });

  it("is waited for where the kernel answers, and where no connection is kept", async () => {
    answering = true;
    const busy = open();
    expect((await busy.run("rs1", "sleep 2; echo done")).stdout).toBe("done\n");
    expect(looks.length).toBeGreaterThan(0);
    await busy.close();
    answering = false;
    const own = open({ keepOpen: false });
    expect((await own.run("rs1", "sleep 2; echo done")).stdout).toBe("done\n");
    await own.close();
  });
});
