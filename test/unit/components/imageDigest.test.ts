import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { builtDigest } from "../../../lib/diskImage";
import { fileDigest } from "../../../lib/fileDigest";
import { imageOf } from "../../../report/data";
import { runProgram } from "./support/fixtures";
import { UNKNOWN } from "./support/recorder";

const sha256 = (data: string): string => `sha256:${createHash("sha256").update(data).digest("hex")}`;

let directory: string;
let image: string;
let cache: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "lvs-dr-digest-"));
  image = join(directory, "image.qcow2");
  cache = join(directory, "cache/digests.json");
});
afterAll(() => rmSync(directory, { recursive: true }));

it("of the built image is its manifest's, which the report shows too, and unknown before there is one", () => {
  const disk = join(directory, "disk.qcow2");
  expect(builtDigest(disk)).toBeUndefined();
  const manifest = { digest: sha256("disk"), kernel: "6.1", packages: { nginx: "1.22", other: "1" } };
  writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
  const digest = builtDigest(disk);
  expect(digest).toBe(sha256("disk"));
  const domain = `<os><kernel>${directory}/vmlinuz</kernel></os>`;
  expect(imageOf(digest, domain)).toEqual({ digest, kernel: "6.1", packages: { nginx: "1.22" } });
  // Built anew since, or an image of the user's own: nothing else is known of it.
  expect(imageOf(sha256("before"), domain)).toEqual({ digest: sha256("before"), packages: {} });
  expect(imageOf(digest, "")).toEqual({ digest, packages: {} });
  expect(imageOf(undefined, domain)).toBeNull();
});

it("of another image is its content's, computed once while it stays as it is, and never for a preview", async () => {
  writeFileSync(image, "one");
  utimesSync(image, 1000, 1000);
  expect(await fileDigest(image, false, cache)).toBeUndefined();
  expect(existsSync(cache)).toBe(false);
  expect(await fileDigest(image, true, cache)).toBe(sha256("one"));
  // Same size and time: it is not read again.
  writeFileSync(image, "two");
  utimesSync(image, 1000, 1000);
  expect(await fileDigest(image, false, cache)).toBe(sha256("one"));
  utimesSync(image, 2000, 2000);
  expect(await fileDigest(image, false, cache)).toBeUndefined();
  expect(await fileDigest(image, true, cache)).toBe(sha256("two"));
  expect(Object.keys(JSON.parse(readFileSync(cache, "utf8")) as object)).toEqual([image]);
});

it("does without a cache that is damaged or cannot be written", async () => {
  writeFileSync(image, "three");
  writeFileSync(cache, "{");
  expect(await fileDigest(image, true, cache)).toBe(sha256("three"));
  expect(await fileDigest(image, true, join(image, "digests.json"))).toBe(sha256("three"));
});

it("is the program's output: the configured one at a preview already, else known when it is up", async () => {
  const header = Buffer.alloc(512);
  header.write("QFI\xfb", "latin1");
  writeFileSync(image, header);
  chmodSync(image, 0o644);
  const imageSha256 = "0123456789ABCDEF".repeat(4);
  const config = { image, imageSha256 };
  for (const preview of [true, false]) {
    const { outputs } = await runProgram({ config, preview });
    expect(outputs.imageDigest).toBe(`sha256:${imageSha256.toLowerCase()}`);
  }
  const { outputs } = await runProgram({ config: { image }, preview: true });
  expect(outputs).toMatchObject({ vip: "10.0.0.100", imageDigest: UNKNOWN });
});
