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

it("a guest of another host has time for the login to that one too, a machine for whatever network lies between", () => {
  const login = { address: "192.168.7.20", user: "root", hostKey: "ssh-ed25519 AAAA" };
  const hosts = {
    rs1: login,
    rs2: { ...login, proxy: { host: "far", user: "root", port: 22 } },
    rs3: { ...login, machine: { port: 22 } },
  };
  const seconds = (node: string, connectTimeout: number): string | undefined =>
    new GuestShell({ privateKey: "", hosts }, LAB, { connectTimeout })
      .sshArguments(node)
      .find((each) => each.startsWith("ConnectTimeout="));
  const of = (connectTimeout: number) => Object.keys(hosts).map((node) => seconds(node, connectTimeout));
  expect(of(5)).toEqual(["ConnectTimeout=5", "ConnectTimeout=15", "ConnectTimeout=30"]);
  expect(of(60)).toEqual(Array(3).fill("ConnectTimeout=60"));
  GuestShell.forget(LAB);
});
