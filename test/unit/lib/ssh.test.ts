import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GuestShell, keptDirectory } from "../../../lib/ssh";
import { LAB } from "../report/fixtures";

/** Where connections are kept between commands lies a private key, under a name that anybody can guess. */
describe("the directory of kept connections", () => {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "lvs-dr-kept-"));
    vi.stubEnv("XDG_RUNTIME_DIR", root);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
  });
  const open = (privateKey = "first"): GuestShell =>
    new GuestShell({ privateKey, hosts: {} }, LAB, { keepOpen: true });
  const key = (): string => readFileSync(join(keptDirectory(LAB), "key"), "utf8");

  it("is its owner's alone, and has the newest key", () => {
    open();
    open("second");
    expect(key()).toBe("second");
    expect(statSync(keptDirectory(LAB)).mode & 0o777).toBe(0o700);
    expect(statSync(join(keptDirectory(LAB), "key")).mode & 0o777).toBe(0o600);
  });

  it.each<[string, (directory: string) => void]>([
    ["open to others", (directory) => chmodSync((mkdirSync(directory), directory), 0o777)],
    ["a link to elsewhere", (directory) => symlinkSync(root, directory)],
  ])("gets no key when it was there and is %s", (_, put) => {
    put(keptDirectory(LAB));
    expect(() => open()).toThrow("is not this user's own and private");
    expect(key).toThrow("ENOENT");
  });
});
