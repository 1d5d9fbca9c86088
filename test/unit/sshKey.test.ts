import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KEY_SECRET, keyPairOfSeed, sshKeyPair } from "../../model/guest/sshKey";

describe("sshKeyPair", () => {
  it("writes a private key from which ssh-keygen reads the same public key", () => {
    const dir = mkdtempSync(join(tmpdir(), "ssh-key-"));
    try {
      for (let i = 0; i < 8; i++) {
        const pair = sshKeyPair(randomBytes(KEY_SECRET.length / 2).toString("hex"), "x".repeat(i));
        const file = join(dir, `key${i}`);
        writeFileSync(file, pair.privateKey, { mode: 0o600 });
        const seen = execFileSync("ssh-keygen", ["-y", "-P", "", "-f", file], { encoding: "utf8" }).trim();
        expect(seen).toBe(pair.publicKey.trim());
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("depends on the seed alone, and matches RFC 8032's first vector", () => {
    const seed = Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex");
    const pair = keyPairOfSeed(seed, "c");
    expect(keyPairOfSeed(seed, "c")).toEqual(pair);
    const blob = Buffer.from(pair.publicKey.split(" ")[1] ?? "", "base64");
    expect(blob.subarray(-32).toString("hex")).toBe(
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    );
  });

  it("refuses a seed of another length, and a secret with fewer bits than a key", () => {
    expect(() => keyPairOfSeed(Buffer.alloc(3), "c")).toThrow("an Ed25519 seed has 32 bytes, got 3");
    expect(() => sshKeyPair("short", "c")).toThrow("a key is made of 64 characters, got 5");
  });
});
