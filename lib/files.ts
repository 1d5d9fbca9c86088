/** Files that nobody finds half-written, in directories of their owner alone. */
import * as fs from "node:fs";
import * as path from "node:path";

/** Creates the directory, or takes it from everybody but its owner. */
export function ensurePrivateDirectory(directory: string): void {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  if ((fs.statSync(directory).mode & 0o077) !== 0) fs.chmodSync(directory, 0o700);
}

export function writeAtomically(file: string, text: string): void {
  const temporary = `${file}.tmp`;
  const handle = fs.openSync(temporary, "w", 0o600);
  try {
    fs.writeFileSync(handle, text);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
  fs.renameSync(temporary, file);
  // Without this a power cut may undo the rename itself.
  const directory = fs.openSync(path.dirname(file), "r");
  try {
    fs.fsyncSync(directory);
  } finally {
    fs.closeSync(directory);
  }
}

/**
 * Removes a directory (or a file, or a link alone) from which others may delete files meanwhile, as an SSH connection deletes its socket when it ends.
 * There, Node.js 24's `rmSync` returns with files left and no error (20 did not).
 */
export function removeDirectory(directory: string): void {
  do fs.rmSync(directory, { recursive: true, force: true });
  while (fs.existsSync(directory));
}
