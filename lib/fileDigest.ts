import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";

/** SHA-256 of images by their path: reading gigabytes at every `up` would cost more than the `up`. */
const CACHE = ".lab/image-digests.json";

interface Known {
  readonly size: number;
  readonly mtimeMs: number;
  readonly sha256: string;
}

function readCache(file: string): Record<string, Known> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, Known>;
  } catch {
    // None yet, or not to be read: nothing is lost but time.
    return {};
  }
}

function remember(file: string, path: string, known: Known): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Another stack may have written meanwhile; whoever reads gets one or the other, whole.
    writeFileSync(`${file}.${process.pid}`, JSON.stringify({ ...readCache(file), [path]: known }));
    renameSync(`${file}.${process.pid}`, file);
  } catch {
    // Not writable for this user: the next run reads the image again.
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest("hex");
}

/**
 * Of any file, "sha256:…": as last computed while its size and time of modification are the same.
 * @param read whether to read a file that is not known yet; undefined comes back otherwise
 */
export async function fileDigest(path: string, read: boolean, cache = CACHE): Promise<string | undefined> {
  const { size, mtimeMs } = statSync(path);
  const known = readCache(cache)[path];
  if (known?.size === size && known.mtimeMs === mtimeMs) return `sha256:${known.sha256}`;
  if (!read) return undefined;
  const sha256 = await sha256Of(path);
  remember(cache, path, { size, mtimeMs, sha256 });
  return `sha256:${sha256}`;
}
