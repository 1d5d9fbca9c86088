import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EngineChoice } from "../../../../cli/backends/backend";
import { recordApplied } from "../../../../cli/stack/applied";
import { StackContext } from "../../../../cli/stack/context";
import { parseConfig } from "../../../../model/config/config";
import { fakePulumi, type FakePulumi } from "../support/fakePulumi";

const home = process.cwd();
let checkout: string;
let pulumi: FakePulumi | undefined;
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "lvs-dr-context-"));
  process.chdir(checkout);
});
afterEach(() => {
  process.chdir(home);
  pulumi?.remove();
  pulumi = undefined;
  rmSync(checkout, { recursive: true });
});

const STATES = { embedded: "state.json", pulumi: "pulumi/.pulumi/stacks/lvs-dr/dev.json" };
function built(by: keyof typeof STATES): void {
  const file = join(".lab/dev", STATES[by]);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "{}");
}
const engine = (choice: EngineChoice): string =>
  new StackContext({ stack: "dev", engine: choice }).backend.engine;

describe("with a Pulumi CLI on PATH", () => {
  beforeEach(() => {
    pulumi = fakePulumi();
  });

  it.each([
    ["auto", "pulumi"],
    ["pulumi", "pulumi"],
    ["embedded", "embedded"],
  ] as const)("a new stack with --engine %s gets %s", (choice, expected) => {
    expect(engine(choice)).toBe(expected);
  });

  it.each(["embedded", "pulumi"] as const)("a stack stays with the engine that built it: %s", (by) => {
    built(by);
    expect(engine("auto")).toBe(by);
    expect(engine(by)).toBe(by);
    const other = by === "pulumi" ? "embedded" : "pulumi";
    expect(() => engine(other)).toThrow(
      `--engine ${other}: stack dev was built by engine ${by}, which alone knows its guests; ` +
        "leave the option out, or run `scripts/lab down` without it first",
    );
  });
});

describe("a stack named with its organization", () => {
  const context = (choice: EngineChoice, organization: string): StackContext =>
    new StackContext({ stack: "dev", organization, engine: choice });

  it("is asked for as it was named, and kept by its own name", async () => {
    pulumi = fakePulumi();
    const { backend, directory } = context("pulumi", "acme");
    await backend.exists();
    expect(pulumi.asked()).toEqual(["stack export --stack acme/lvs-dr/dev --non-interactive"]);
    expect(directory).toBe(".lab/dev");
  });

  it("is the embedded engine's only where the organization is the one that every local backend has", () => {
    expect(context("embedded", "organization").backend.engine).toBe("embedded");
    expect(() => context("embedded", "acme")).toThrow(
      "--stack acme/dev: the embedded engine knows no organizations: --stack dev",
    );
  });
});

describe("a stack that was built from a named file", () => {
  const of = (configFile?: string): StackContext =>
    new StackContext({ stack: "dev", engine: "embedded", configFile });
  const lab = parseConfig({}, { project: "lvs-dr", stack: "dev" });

  it("is not taken for the default lab when the file is left out", () => {
    recordApplied(".lab/dev", lab, "/home/me/mine.yaml");
    expect(() => of().assertConfigured()).toThrow(
      "stack dev was built with --config-file /home/me/mine.yaml, and there is no Pulumi.dev.yaml: name the file again, or copy it there",
    );
    expect(() => of("/home/me/mine.yaml").assertConfigured()).not.toThrow();
  });

  it("may get a file of its own", () => {
    recordApplied(".lab/dev", lab, "/home/me/mine.yaml");
    writeFileSync("Pulumi.dev.yaml", "config: {}\n");
    expect(() => of().assertConfigured()).not.toThrow();
    recordApplied(".lab/dev", lab);
    rmSync("Pulumi.dev.yaml");
    expect(() => of().assertConfigured()).not.toThrow();
  });
});

describe("without", () => {
  beforeEach(() => void vi.stubEnv("PATH", checkout).stubEnv("PULUMI_HOME", checkout));
  afterEach(() => void vi.unstubAllEnvs());

  it("a new stack gets the embedded engine", () => {
    expect(engine("auto")).toBe("embedded");
    expect(() => engine("pulumi")).toThrow("--engine pulumi: there is no `pulumi` on PATH");
  });

  it("a stack that Pulumi built is not taken for none", () => {
    built("pulumi");
    expect(() => engine("auto")).toThrow("stack dev was built with Pulumi: there is no `pulumi` on PATH");
  });
});
