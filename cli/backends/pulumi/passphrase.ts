/** The passphrase of a state that is kept below `.lab/`, and what plain `pulumi` leaves of it in a stack file. */
import { createDecipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import { existsSync, lstatSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ensurePrivateDirectory, writeAtomically } from "../../../lib/files";
import { secretKeys } from "../../stack/stackFile";
import { say } from "../../terminal";

/** No stack can be called so. */
const CHECKOUT = "@passphrase";

/** What PULUMI_CONFIG_PASSPHRASE_FILE names for plain `pulumi`: a link to the checkout's passphrase. */
export const passphraseFile = (directory: string): string => join(directory, "passphrase");

/**
 * One passphrase a checkout, which outlives every stack: what `pulumi config set --secret` has encrypted with it in a stack
 * file is to be readable after a `down`.
 */
export function passphrase(directory: string): string {
  const link = passphraseFile(directory);
  const file = join(directory, "..", CHECKOUT);
  ensurePrivateDirectory(directory);
  const found = lstatSync(link, { throwIfNoEntry: false });
  // A stack of an earlier version has its own. It becomes the checkout's, unless there is one.
  if (found?.isFile()) {
    if (existsSync(file)) return readFileSync(link, "utf8").trim();
    renameSync(link, file);
  }
  if (!existsSync(file)) writeAtomically(file, randomBytes(24).toString("base64url"));
  if (!found?.isSymbolicLink()) symlinkSync(join("..", CHECKOUT), link);
  return readFileSync(file, "utf8").trim();
}

/** Whether `encryptionsalt` of a stack file was made with a passphrase: it is the salt, and the word "pulumi" encrypted. */
export function saltFits(encryptionsalt: string, phrase: string): boolean {
  const [, salt = "", , nonce = "", sealed = ""] = encryptionsalt.split(":");
  const bytes = (text: string): Buffer => Buffer.from(text, "base64");
  const key = pbkdf2Sync(phrase, bytes(salt), 1_000_000, 32, "sha256");
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, bytes(nonce));
    decipher.setAuthTag(bytes(sealed).subarray(-16));
    return (
      `${decipher.update(bytes(sealed).subarray(0, -16), undefined, "utf8")}${decipher.final("utf8")}` ===
      "pulumi"
    );
  } catch {
    return false;
  }
}

/**
 * Plain `pulumi` writes the salt of this passphrase into the user's stack file, whatever it is asked. Where nothing is encrypted
 * in that file the line goes again: people commit the file, and the passphrase is not in their repository.
 * @throws Error that says what to do, for values that were encrypted with another passphrase
 */
export function settleSalt(file: string, phrase: string): void {
  if (!existsSync(file)) return;
  const text = readFileSync(file, "utf8");
  const { encryptionsalt } = (parse(text) ?? {}) as { encryptionsalt?: string };
  if (encryptionsalt === undefined) return;
  const encrypted = secretKeys(file);
  if (encrypted.length === 0) {
    writeFileSync(file, text.replace(/^encryptionsalt:.*\n?/m, ""));
    say(
      `${file}: encryptionsalt removed, which plain \`pulumi\` has written: nothing in the file is encrypted`,
    );
  } else if (!saltFits(encryptionsalt, phrase)) {
    throw new Error(
      `${file}: ${encrypted.join(", ")} ${encrypted.length === 1 ? "was" : "were"} encrypted with another passphrase than .lab/${CHECKOUT}. ` +
        "Either set PULUMI_CONFIG_PASSPHRASE (or PULUMI_CONFIG_PASSPHRASE_FILE) to that one, " +
        `or delete the line encryptionsalt and these values from ${file}, ` +
        "and write the values again with `pulumi config set --secret`",
    );
  }
}
