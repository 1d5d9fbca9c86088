/** What `up` and `preview` refuse before anything is touched. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lastApplied, recordApplied } from "../../../../cli/stack/applied";
import { preview, up } from "../../../../cli/commands/apply";
import { StackContext } from "../../../../cli/stack/context";
import { EmbeddedBackend } from "../../../../cli/backends/embedded/backend";
import { Virsh } from "../../../../cli/stack/virsh";
import { parseConfig } from "../../../../model/config/config";

const home = process.cwd();
const options = { stack: "dev", engine: "embedded" } as const;
const labOf = (...names: string[]) =>
  parseConfig({ realServers: names.map((name) => ({ name })) }, { project: "lvs-dr", stack: "dev" });
const applied = labOf("a", "b", "c");

let checkout: string;
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "lvs-dr-apply-"));
  process.chdir(checkout);
  recordApplied(".lab/dev", applied);
  vi.spyOn(StackContext.prototype, "configuredLab").mockResolvedValue(labOf("b", "c"));
  // Nothing there: no virsh either.
  vi.stubEnv("PATH", checkout);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.chdir(home);
  rmSync(checkout, { recursive: true });
});

/** The domains that the stack's state knows. */
const built = (...names: string[]) =>
  vi
    .spyOn(EmbeddedBackend.prototype, "domains")
    .mockResolvedValue(new Map(names.map((name) => [`lvs-dr-dev-${name}`, undefined])));

describe.each([
  ["up", up],
  ["preview", preview],
])("%s", (_name, command) => {
  it("refuses an address that another guest has, and touches nothing", async () => {
    built("a", "b", "c");
    await expect(command(options)).rejects.toMatchObject({
      name: "ConfigError",
      problems: [
        expect.objectContaining({ key: "realServers[0].address", value: "192.168.7.10" }),
        expect.objectContaining({ key: "realServers[1].address", value: "192.168.7.20" }),
      ],
    });
    expect(lastApplied(".lab/dev")).toEqual(applied);
  });

  it("lets a guest have the address of one that never came to be", async () => {
    built("client");
    vi.spyOn(EmbeddedBackend.prototype, "preview").mockRejectedValue(new Error("the engine"));
    await expect(command(options)).rejects.toThrow(/^(the engine|spawn virsh ENOENT)$/);
    expect(vi.mocked(process.stderr.write).mock.calls.flat()).toContain(
      "a leaves the lab: real server 192.168.7.10, its guest is deleted\n",
    );
  });

  it("refuses a lab of this name that runs from another checkout", async () => {
    built();
    vi.spyOn(Virsh.prototype, "domains").mockResolvedValue(new Map([["lvs-dr-dev-b", "running"]]));
    const previewed = vi.spyOn(EmbeddedBackend.prototype, "preview");
    await expect(command(options)).rejects.toThrow(
      "this host has a stack dev that is not this checkout's: lvs-dr-dev-b.",
    );
    expect(previewed).not.toHaveBeenCalled();
  });
});

it("up touches nothing where another run holds the stack's lock", async () => {
  built();
  vi.spyOn(EmbeddedBackend.prototype, "unlock").mockRejectedValue(new Error("locked"));
  await expect(up(options)).rejects.toThrow(/^locked$/);
  expect(lastApplied(".lab/dev")).toEqual(applied);
});
