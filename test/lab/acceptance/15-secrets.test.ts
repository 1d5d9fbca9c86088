/** Where a private key may be, and where it must not. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, it } from "vitest";
import { context, ENGINE, inGuests, outputs, run, STACK } from "../support";

/** Texts that only a private key has in it. */
let secrets: string[];

/** A line of the key's file, and its seed. */
function fingerprints(pem: string): string[] {
  const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  const body = Buffer.from(lines.join(""), "base64");
  // The file ends with seed, public key (32 bytes each), comment and padding; the public key is in it three times.
  const publicKey = body.subarray(body.indexOf("ssh-ed25519") + 15).subarray(0, 32);
  const seed = body.subarray(0, body.lastIndexOf(publicKey)).subarray(-32);
  return [lines[3] ?? "", seed.toString("base64")];
}

beforeAll(async () => {
  const { privateKey = "", nodes } = await outputs();
  const hostKeys = await inGuests((shell) =>
    Promise.all(
      Object.keys(nodes ?? {}).map((node) => shell.check(node, "cat /etc/ssh/ssh_host_ed25519_key")),
    ),
  );
  secrets = [privateKey, ...hostKeys].flatMap(fingerprints);
  expect(secrets).toHaveLength(12);
  for (const secret of secrets) expect(secret.length).toBeGreaterThan(40);
  expect(new Set(secrets).size).toBe(12);
});

const holdsSecret = (text: string | Buffer): boolean => secrets.some((secret) => text.includes(secret));

/** All files below a directory; what vanishes meanwhile is none. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function content(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

const mode = (file: string): number => statSync(file).mode & 0o777;

it(`no command line and no stream has a key in it, whatever runs (${ENGINE})`, async () => {
  const commands = [["preview"], ["status", "--json"], ["verify", "table"], ["output", "--json"]];
  const ended = Promise.all(commands.map((args) => run(args)));
  let running = true;
  void ended.finally(() => (running = false));
  const seen = new Set<string>();
  while (running) {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      seen.add(content(`/proc/${pid}/cmdline`));
    }
    await sleep(100);
  }
  expect([...seen].some((line) => line.includes(`guest=lvs-dr-${STACK}-director`))).toBe(true);
  expect([...seen].filter(holdsSecret)).toEqual([]);
  for (const { code, stdout, stderr } of await ended) {
    expect(code).toBe(0);
    expect(holdsSecret(stdout + stderr)).toBe(false);
  }
});

it(`state and records keep keys encrypted; only seeds have them, for their owner's eyes (${ENGINE})`, () => {
  const { directory } = context();
  const holding = filesBelow(directory).filter((file) => holdsSecret(content(file)));
  // One for each guest: the scan does find what is there.
  expect(holding).toHaveLength(5);
  for (const file of holding) {
    expect(file).toContain(`${directory}/seeds/`);
    expect(mode(file)).toBe(0o600);
  }
  // What the keys are made of: 64 letters and digits. A digest has no large letters.
  const texts = /"(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{64}"/;
  const states = filesBelow(directory).filter((file) => content(file).includes("RandomPassword"));
  expect(states.length).toBeGreaterThan(0);
  expect(states.filter((file) => texts.test(content(file)))).toEqual([]);
});

it("no other user of the host can read a guest's disk or seed", () => {
  const pool = `/var/lib/libvirt/images/lvs-dr-${STACK}`;
  const volumes = filesBelow(pool);
  expect(volumes.length).toBeGreaterThanOrEqual(10);
  expect(volumes.filter((file) => (mode(file) & 0o007) !== 0)).toEqual([]);
  expect(mode(pool)).toBe(0o711);
});

it("libvirt's logs have no key in them", () => {
  const logs = filesBelow("/var/log/libvirt/qemu").filter((file) => file.includes(`lvs-dr-${STACK}-`));
  // Of guests that are gone, too.
  expect(logs.length).toBeGreaterThanOrEqual(5);
  expect(logs.filter((file) => holdsSecret(content(file)))).toEqual([]);
});
