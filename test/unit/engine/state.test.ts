import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { acquireLock, LockedError } from "../../../lib/lock";
import { Redactor } from "../../../engine/redact";
import { StateFile, type State } from "../../../engine/state";
import { mask, secret } from "../../../lib/properties";
import { temporaryDirectory } from "./support/stack";

let directory = "";
let file = "";
beforeEach(() => {
  directory = temporaryDirectory();
  file = `${directory}/private/dev.json`;
  return () => fs.rmSync(directory, { recursive: true });
});

const store = (): StateFile => new StateFile(file, "p", "dev");
const mode = (path: string): string => (fs.statSync(path).mode & 0o777).toString(8);

function withSecret(value: string): State {
  const state = store().load();
  state.resources.push({
    urn: "urn:x", type: "t", custom: true, id: "1", parent: "", provider: "",
    inputs: { open: "visible", nested: [{ deep: secret(value) }] }, outputs: {}, dependencies: [],
    propertyDependencies: {},
  }); // prettier-ignore
  return state;
}

describe("the state file", () => {
  test("comes back as it was written, secrets included", () => {
    const state = withSecret("canary");
    store().save(state);
    expect(store().load()).toEqual(state);
  });

  test("is readable by its owner only, whatever the umask", () => {
    const before = process.umask(0);
    try {
      fs.mkdirSync(`${directory}/private`, { mode: 0o755 });
      store().save(withSecret("canary"));
    } finally {
      process.umask(before);
    }
    expect([mode(`${directory}/private`), mode(file), mode(`${file}.key`)]).toEqual(["700", "600", "600"]);
  });

  test("holds no secret in the clear", () => {
    store().save(withSecret("canary-1"));
    const text = fs.readFileSync(file, "utf8");
    expect(text).toContain("visible");
    expect(text).not.toContain("canary-1");
    expect(text).not.toContain(Buffer.from("canary-1").toString("base64").slice(0, 8));
  });

  test("encrypts and prints only what is new since the last save", () => {
    const state = withSecret("canary");
    const saved = store();
    saved.save(state);
    const secretOf = (urn: string): string =>
      JSON.stringify(
        (JSON.parse(fs.readFileSync(file, "utf8")) as State).resources.find((r) => r.urn === urn),
      );
    const before = secretOf("urn:x");
    const [first] = state.resources;
    state.resources.push({ ...first!, urn: "urn:y" });
    saved.save(state);
    // Encrypted anew, it would look otherwise.
    expect(secretOf("urn:x")).toBe(before);
    expect(store().load()).toEqual(state);
    state.resources[0] = { ...first!, inputs: { other: secret("canary-2") } };
    saved.save(state);
    expect(store().load()).toEqual(state);
  });

  test("survives a save that fails half-way", () => {
    store().save(withSecret("first"));
    const before = fs.readFileSync(file, "utf8");
    fs.mkdirSync(`${file}.tmp`); // It cannot be written.
    expect(() => store().save(withSecret("second"))).toThrow();
    expect(fs.readFileSync(file, "utf8")).toBe(before);
  });

  test.each([
    ["a missing key", () => fs.rmSync(`${file}.key`), "dev.json.key is missing"],
    [
      "another key",
      () => fs.writeFileSync(`${file}.key`, Buffer.alloc(32).toString("base64")),
      "is not the key of",
    ],
    ["a torn file", () => fs.truncateSync(file, 50), "is not valid JSON"],
    ["a later version", () => fs.writeFileSync(file, '{"version":2}'), "has version 2"],
    [
      "another stack's",
      () => fs.writeFileSync(file, '{"version":1,"project":"p","stack":"other"}'),
      "belongs to p/other",
    ],
  ])("refuses %s", (_, spoil, message) => {
    store().save(withSecret("canary"));
    spoil();
    expect(() => store().load()).toThrow(message);
  });
});

describe("the lock", () => {
  test("keeps a second run out and says who has it", () => {
    const release = acquireLock(file);
    expect(() => acquireLock(file)).toThrow(LockedError);
    expect(() => acquireLock(file)).toThrow(`process ${process.pid}`);
    release();
    acquireLock(file)();
  });

  test("that another holds is not given back", () => {
    const release = acquireLock(file);
    fs.writeFileSync(`${file}.lock`, "another's");
    release();
    expect(fs.readFileSync(`${file}.lock`, "utf8")).toBe("another's");
  });

  test("is taken over from a process that has gone", async () => {
    const child = spawn("sleep", ["60"]);
    const stat = fs.readFileSync(`/proc/${child.pid ?? 0}/stat`, "utf8");
    const startTime = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const bootId = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    acquireLock(file)();
    const lock = (holder: object): void => fs.writeFileSync(`${file}.lock`, JSON.stringify(holder));
    lock({ pid: child.pid, bootId, startTime });
    expect(() => acquireLock(file)).toThrow(LockedError);
    lock({ pid: child.pid, bootId: "another boot", startTime });
    acquireLock(file)();
    lock({ pid: child.pid, bootId, startTime: "1" });
    acquireLock(file)();
    child.kill("SIGKILL");
    await once(child, "exit");
    lock({ pid: child.pid, bootId, startTime });
    acquireLock(file)();
    lock({});
    acquireLock(file)();
    expect(fs.readdirSync(`${directory}/private`)).toEqual([]);
  });
});

test("secrets are masked in values and in text, line by line", () => {
  const key = "-----BEGIN KEY-----\nabcdefghijkl\nmnopqrstuvwx\nreturn\n-----END KEY-----\n";
  expect(mask({ a: secret({ b: 1 }), c: [secret("x"), "y"] })).toEqual({
    a: "[secret]",
    c: ["[secret]", "y"],
  });
  const redactor = new Redactor();
  redactor.learn({ connection: secret({ key, host: "10.0.0.1" }), short: secret("no") });
  expect(redactor.redact(`error near mnopqrstuvwx: no`)).toBe("error near [secret]: no");
  expect(redactor.redact(JSON.stringify({ key }))).not.toMatch(/abcdefgh|mnopqrst/);
  // Wrapped with the key, but no secret: a message without them would help nobody.
  expect(redactor.redact("return: cannot reach 10.0.0.1")).toBe("return: cannot reach 10.0.0.1");
});
