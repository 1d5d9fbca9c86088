import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { PulumiBackend } from "../../../cli/pulumiBackend";
import { Virsh } from "../../../cli/virsh";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lvs-dr-pulumi-"));
  vi.stubEnv("PATH", `${directory}:${process.env.PATH}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

it.each(["up", "preview"] as const)("refuses %s by a CLI that was never tested", async (action) => {
  const other = join(directory, "anything-else");
  writeFileSync(
    join(directory, "pulumi"),
    `#!/bin/sh\n[ "$*" = version ] && { echo v3.100.0; exit; }\ntouch '${other}'\n`,
  );
  chmodSync(join(directory, "pulumi"), 0o755);
  const backend = new PulumiBackend("dev", join(directory, "dev"), new Virsh("test:///default"));
  await expect(backend[action]()).rejects.toThrow(
    'host.pulumi = "v3.100.0": is outside the tested versions: from 3.200.0, below 4.0.0.',
  );
  expect(existsSync(other)).toBe(false);
});
