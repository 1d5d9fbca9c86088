/** What a disk image, or the manifest beside it, says of itself. */
import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Virtual size of a qcow2 image, from its header (docs/interop/qcow2.txt of QEMU).
 * @throws Error when the file is not qcow2
 */
export function qcow2VirtualSize(path: string): number {
  const header = Buffer.alloc(32);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  if (header.readUInt32BE(0) !== 0x514649fb) throw new Error(`image: ${path} is not qcow2`);
  return Number(header.readBigUInt64BE(24));
}

/** Of the image that this project builds: from its manifest; undefined before it is built. */
export function builtDigest(disk: string): string | undefined {
  const manifest = join(dirname(disk), "manifest.json");
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, "utf8")) as { digest: string }).digest;
}
