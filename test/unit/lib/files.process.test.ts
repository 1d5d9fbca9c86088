import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { removeDirectory } from "../../../lib/files";

it("a directory is gone even if another process deletes its files at the same time", async () => {
  const directory = join(mkdtempSync(join(tmpdir(), "lvs-dr-test-")), "kept");
  // A single try meets the other process in about every second round.
  for (let round = 0; round < 30; round++) {
    mkdirSync(directory);
    for (let i = 0; i < 300; i++) writeFileSync(join(directory, String(i)), "");
    const other = spawn("sh", ["-c", `echo; rm -f ${directory}/*`], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(other, "close");
    await once(other.stdout, "data");
    removeDirectory(directory);
    expect(existsSync(directory)).toBe(false);
    await ended;
  }
});
