/** Commands in guests that Ctrl-C does not reach, and that do not outlive the program. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Access } from "../../../components/observation";
import { parseConfig } from "../../../model/config";
import { GuestShell } from "../../../verify/guestShell";

const directory = mkdtempSync(join(tmpdir(), "detached-"));
const { PATH } = process.env;
const access = {
  lab: parseConfig({}, { project: "lvs-dr", stack: "dev" }),
  privateKey: "",
  hosts: { rs1: { address: "192.0.2.1", user: "root", hostKey: "none" } },
} as unknown as Access;

beforeAll(() => {
  // Runs the command here.
  writeFileSync(join(directory, "ssh"), '#!/bin/bash\nexec bash -c "${@: -1}"\n', { mode: 0o755 });
  process.env.PATH = `${directory}${delimiter}${PATH}`;
});
afterAll(() => {
  process.env.PATH = PATH;
  rmSync(directory, { recursive: true });
});

const OWN_GROUP = "read -r _ _ _ _ group _ </proc/$$/stat; [[ $group == $$ ]] && echo own || echo shared";

it.each([
  [true, "own"],
  [false, "shared"],
])("detached %s: the command's process group is %s", async (detached, group) => {
  const shell = new GuestShell(access, { detached });
  expect((await shell.check("rs1", OWN_GROUP)).trim()).toBe(group);
  await shell.close();
});

it("close ends what is under way", async () => {
  const shell = new GuestShell(access, { detached: true });
  const slow = shell.run("rs1", "exec sleep 30");
  await shell.close();
  expect((await slow).code).toBeNull();
});

it("the program's end ends what is under way", async () => {
  const module = JSON.stringify(join(__dirname, "../../../verify/childProcesses"));
  const program =
    `const { endWithProgram } = require(${module}); const { spawn } = require("node:child_process");` +
    `const child = endWithProgram(spawn("sleep", ["30"], { detached: true, stdio: "ignore" }));` +
    `console.log(child.pid); setTimeout(() => process.exit(0), 100);`;
  const child = spawn("node", ["--require", "tsx/cjs", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "close");
  const pid = Number(text);
  expect(pid).toBeGreaterThan(0);
  await expect.poll(() => existsSync(`/proc/${pid}/exe`)).toBe(false);
});
