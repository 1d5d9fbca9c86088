/** Ed25519 keys in OpenSSH's formats, from a secret: the same one always gives the same key. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

export interface SshKeyPair {
  /** `-----BEGIN OPENSSH PRIVATE KEY-----` …, unencrypted. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA… COMMENT`, one line without a newline. */
  readonly publicKey: string;
}

// RFC 8410: the DER of a PKCS #8 Ed25519 key is this prefix and the seed.
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const KEY_TYPE = "ssh-ed25519";
const CIPHER_BLOCK = 8;

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The random text that a key is made of, as random.RandomPassword takes it: more bits than an Ed25519 key has. */
export const KEY_SECRET = { length: 64, special: false } as const;

/**
 * The key pair that follows from a random secret.
 * @param secret text as KEY_SECRET says
 * @throws RangeError when it is shorter
 */
export function sshKeyPair(secret: string, comment: string): SshKeyPair {
  if (secret.length < KEY_SECRET.length)
    throw new RangeError(`a key is made of ${KEY_SECRET.length} characters, got ${secret.length}`);
  return keyPairOfSeed(createHash("sha256").update(secret).digest(), comment);
}

/**
 * The private key of an Ed25519 seed (RFC 8032).
 * @throws RangeError when it isn't 32 bytes
 */
export function ed25519Key(seed: Buffer): KeyObject {
  if (seed.length !== 32) throw new RangeError(`an Ed25519 seed has 32 bytes, got ${seed.length}`);
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
}

/**
 * The key pair of an Ed25519 seed (RFC 8032), in the format of OpenSSH's PROTOCOL.key: OpenSSH before 9.6 reads no
 * PKCS #8 Ed25519 key, and libraries that write this format draw its check number at random.
 * @throws RangeError when it isn't 32 bytes
 */
export function keyPairOfSeed(seed: Buffer, comment: string): SshKeyPair {
  const pkcs8 = ed25519Key(seed);
  const point = createPublicKey(pkcs8).export({ format: "der", type: "spki" }).subarray(-32);
  const publicBlob = Buffer.concat([field(KEY_TYPE), field(point)]);
  // Both check fields hold the same number; it only tells a right passphrase, of which there is none.
  const check = createHash("sha256").update(seed).update("check").digest().subarray(0, 4);
  const secret = Buffer.concat([
    check,
    check,
    publicBlob,
    field(Buffer.concat([seed, point])),
    field(comment),
  ]);
  const padding = Buffer.from(
    Array.from({ length: (CIPHER_BLOCK - (secret.length % CIPHER_BLOCK)) % CIPHER_BLOCK }, (_, i) => i + 1),
  );
  const count = Buffer.alloc(4);
  count.writeUInt32BE(1);
  const blob = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    count,
    field(publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  return {
    privateKey: [
      "-----BEGIN OPENSSH PRIVATE KEY-----",
      ...lines,
      "-----END OPENSSH PRIVATE KEY-----",
      "",
    ].join("\n"),
    publicKey: `${KEY_TYPE} ${publicBlob.toString("base64")} ${comment}`,
  };
}
