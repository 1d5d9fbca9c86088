import * as fs from "node:fs";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Exec, ExecOptions, ExecResult } from "../../../lib/process";
import type { Context } from "../../../engine/providers/provider";
import { localCommand, localRun } from "../../../engine/providers/command";
import { exec as realExec } from "../../../lib/process";
import { remoteCommand } from "../../../engine/providers/remoteCommand";
import type { Properties } from "../../../lib/properties";
import { temporaryDirectory } from "./support/stack";

let scratch = "";
let lines: string[];
/** What a waiting command said of itself. */
let said: string[];
/** ssh's configuration, its directory's listing with modes, and the call, as the last attempt had them. */
let seen: { config: string; files: string[]; args: readonly string[]; options?: ExecOptions };
let attempts = 0;

beforeEach(() => {
  scratch = temporaryDirectory();
  lines = [];
  said = [];
  attempts = 0;
  return () => fs.rmSync(scratch, { recursive: true });
});

/** ssh as it behaves: its own troubles go to the log files, with status 255. */
function ssh(
  answer: (attempt: number) => { code: number; log?: string; proxyLog?: string; out?: string },
): Exec {
  return async (file, args, options) => {
    expect(file).toBe("ssh");
    const directory = (args[1] ?? "").replace(/\/config$/, "");
    const names = fs.readdirSync(directory).sort();
    seen = {
      config: fs.readFileSync(`${directory}/config`, "utf8"),
      files: names.map((name) => `${name} ${(fs.statSync(`${directory}/${name}`).mode & 0o777).toString(8)}`),
      args,
      options,
    };
    attempts += 1;
    const { code, log = "", proxyLog = "", out = "" } = answer(attempts);
    fs.writeFileSync(`${directory}/log`, log);
    fs.writeFileSync(`${directory}/proxy.log`, proxyLog);
    for (const line of out.split("\n").filter(Boolean)) options?.onLine?.(line, "stdout");
    return Promise.resolve<ExecResult>({ code, stdout: out, stderr: "", output: out });
  };
}

const context = (exec: Exec, signal = new AbortController().signal): Context => ({
  exec,
  name: "cmd",
  config: {},
  mark: "",
  signal,
  killSignal: signal,
  scratch,
  log: (line) => void lines.push(line),
  status: (message) => void said.push(message),
});

const KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n-----END OPENSSH PRIVATE KEY-----";
const CONNECTION = {
  host: "10.1.2.3",
  user: "root",
  privateKey: KEY,
  hostKey: "ssh-ed25519 AAAAC3 comment",
  dialErrorLimit: 3,
};
const inputs = (more: Properties = {}): Properties => ({
  connection: CONNECTION,
  create: "bash -s",
  stdin: "script",
  ...more,
});
const REFUSED = { code: 255, log: "debug1: x\nssh: connect to host 10.1.2.3 port 22: Connection refused\n" };
const DONE = {
  code: 0,
  log: 'Authenticated to 10.1.2.3 using "publickey".\ndebug1: Exit status 0\n',
  out: "hello\n",
};

describe("a remote command", () => {
  test("keeps keys in private files, secrets and addresses off the command line, and cleans up", async () => {
    const { outputs } = await remoteCommand.create(inputs(), context(ssh(() => DONE)));
    expect(outputs).toEqual({ stdout: "hello", stderr: "" });
    expect(seen.args.join(" ")).toMatch(/^-F \S+\/config -E \S+\/log -T target -- bash -s$/);
    expect(seen.files).toEqual([
      "config 600",
      "log 600",
      "proxy.log 600",
      "target.key 600",
      "target.known_hosts 600",
    ]);
    expect(seen.options?.stdin).toBe("script");
    expect(seen.config).toMatch(
      /HostKeyAlias "target"\n {2}HostKeyAlgorithms "ssh-ed25519"\n {2}StrictHostKeyChecking "yes"/,
    );
    expect(seen.config).not.toContain("secret");
    expect([lines, fs.readdirSync(scratch)]).toEqual([["hello"], []]);
  });

  test("leaves its connection where it is told to, and takes none that is there; not one through another host", async () => {
    vi.stubEnv("LVS_DR_CONNECTIONS", "/run/connections");
    try {
      await remoteCommand.create(inputs(), context(ssh(() => DONE)));
      expect(seen.config).toMatch(
        /ControlMaster yes\n {2}ControlPath "\/run\/connections\/10\.1\.2\.3\.ctl"\n {2}ControlPersist \d/,
      );
      const proxy = { host: "proxy.example", user: "jump" };
      const connection = { ...(inputs().connection as Properties), proxy };
      await remoteCommand.create({ ...inputs(), connection }, context(ssh(() => DONE)));
      expect(seen.config).not.toContain("Control");
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("dials again with growing pauses until it gets through", async () => {
    const begin = Date.now();
    await remoteCommand.create(inputs(), context(ssh((n) => (n < 4 ? REFUSED : DONE))));
    expect(attempts).toBe(4);
    const refused = "last attempt: ssh: connect to host 10.1.2.3 port 22: Connection refused";
    expect(said).toEqual([refused, refused, refused, ""]);
    expect(Date.now() - begin).toBeGreaterThanOrEqual(100 + 150 + 225 - 5);
  });

  test("gives up after its last failure and says why", async () => {
    const failing = remoteCommand.create(
      inputs({ connection: { ...CONNECTION, dialErrorLimit: 0 } }),
      context(ssh(() => REFUSED)),
    );
    await expect(failing).rejects.toThrow(
      "cannot reach 10.1.2.3 by SSH after 1 attempts: ssh: connect to host 10.1.2.3 port 22: Connection refused",
    );
    expect([attempts, fs.readdirSync(scratch)]).toEqual([1, []]);
  });

  test("waits no longer once interrupted, and names the last error", async () => {
    const stop = new AbortController();
    const exec = ssh(() => (setTimeout(() => stop.abort(), 20), REFUSED));
    const unlimited = { connection: { ...CONNECTION, dialErrorLimit: -1 } };
    await expect(remoteCommand.create(inputs(unlimited), context(exec, stop.signal))).rejects.toThrow(
      "Connection refused",
    );
    expect(attempts).toBe(1);
  });

  test.each([
    [
      "another key",
      {
        code: 255,
        log: "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n",
      },
    ],
    [
      "a key of another kind",
      { code: 255, log: "Unable to negotiate: no matching host key type found. Their offer: ssh-rsa\n" },
    ],
    [
      "a proxy with another key",
      { code: 255, proxyLog: "Host key verification failed.\n", log: "Connection closed\n" },
    ],
  ])("refuses %s at once", async (_, answer) => {
    await expect(remoteCommand.create(inputs(), context(ssh(() => answer)))).rejects.toThrow(
      "than the one pinned for it: refused",
    );
    expect(attempts).toBe(1);
  });

  test.each([
    [
      "a failing script",
      { code: 3, log: "Authenticated to x\n", out: "no space left\n" },
      'exit status 3 on 10.1.2.3: running "bash -s":\nno space left',
    ],
    [
      "a script that ends with ssh's own status",
      { code: 255, log: "Authenticated to x\ndebug1: Exit status 255\n" },
      "exit status 255",
    ],
    [
      "such a script over a connection that is left to others",
      {
        code: 255,
        log: "Authenticated to x\ndebug1: client_input_channel_req: channel 2 rtype exit-status reply 0\n",
      },
      "exit status 255",
    ],
    [
      "a broken connection",
      { code: 255, log: "Authenticated to x\nConnection to 10.1.2.3 closed by remote host.\n" },
      "connection to 10.1.2.3 lost",
    ],
  ])("never repeats %s", async (_, answer, message) => {
    await expect(remoteCommand.create(inputs(), context(ssh(() => answer)))).rejects.toThrow(message);
    expect(attempts).toBe(1);
  });

  test("goes through a proxy with keys of its own", async () => {
    const proxy = {
      host: "proxy.example",
      port: 2222,
      user: "jump",
      privateKey: KEY,
      hostKey: "ssh-rsa AAAAB3",
    };
    await remoteCommand.create(inputs({ connection: { ...CONNECTION, proxy } }), context(ssh(() => DONE)));
    expect(seen.config).toMatch(
      /ProxyCommand ssh -F \S+ -E \S+ -W %h:%p proxy\nHost proxy\n {2}HostName "proxy.example"\n {2}Port "2222"\n {2}User "jump"/,
    );
    expect(seen.files).toEqual(expect.arrayContaining(["proxy.key 600", "proxy.known_hosts 600"]));
  });

  test("opens a machine without a key of its own by the agent", async () => {
    vi.stubEnv("SSH_AUTH_SOCK", "/run/agent");
    const proxy = { host: "proxy.example" };
    await remoteCommand.create(inputs({ connection: { ...CONNECTION, proxy } }), context(ssh(() => DONE)));
    const [target = "", jump = ""] = seen.config.split("Host proxy");
    expect(target).toMatch(/IdentityFile "\S+\.key"\n {2}IdentitiesOnly "yes"\n {2}IdentityAgent "none"/);
    expect(jump).toMatch(/IdentityFile "none"\n/);
    expect(jump).not.toMatch(/IdentitiesOnly|IdentityAgent/);
    vi.unstubAllEnvs();
  });

  test.each([
    [
      "a host that would break out of its line",
      { host: "x\n  ProxyCommand evil" },
      "connection.host has characters",
    ],
    ["a malformed host key", { hostKey: "nonsense" }, "connection.hostKey is not a public key"],
    ["a password", { password: "p" }, "connection.password is not supported"],
  ])("refuses %s", async (_, more, message) => {
    const exec = ssh(() => DONE);
    await expect(
      remoteCommand.create(inputs({ connection: { ...CONNECTION, ...more } }), context(exec)),
    ).rejects.toThrow(message);
    expect(attempts).toBe(0);
  });

  test("passes variables by name only, and the previous output unless told not to", async () => {
    const resource = { id: "1", inputs: inputs(), outputs: { stdout: "before", stderr: "" } };
    await remoteCommand.update(
      resource,
      inputs({ environment: { TOKEN: "t0ken" } }),
      context(ssh(() => DONE)),
    );
    expect(seen.config).toMatch(/SendEnv TOKEN[^]*SendEnv PULUMI_COMMAND_STDOUT/);
    expect(seen.config).not.toContain("t0ken");
    expect(seen.options?.env).toMatchObject({ TOKEN: "t0ken", PULUMI_COMMAND_STDOUT: "before" });
    await remoteCommand.update(resource, inputs({ addPreviousOutputInEnv: false }), context(ssh(() => DONE)));
    expect(seen.config).not.toContain("SendEnv");
  });
});

describe("a local command", () => {
  const local = (more: Properties) => localCommand.create(more, context(realExec));

  test("gets input, environment, directory and interpreter", async () => {
    const { outputs } = await local({
      create: 'process.stdin.on("data", (d) => console.log(`${d}${process.env.A}${process.cwd()}`))',
      interpreter: [process.execPath, "-e"],
      stdin: "in ",
      environment: { A: "env " },
      dir: scratch,
    });
    expect(outputs).toEqual({ stdout: `in env ${scratch}`, stderr: "" });
    expect(lines).toEqual([`in env ${scratch}`]);
  });

  test.each([
    ["none", []],
    ["stdout", ["out"]],
    ["stderr", ["err"]],
  ])("logging %s", async (logging, expected) => {
    await local({ create: "echo out; echo err >&2", logging });
    expect(lines).toEqual(expected);
  });

  test("fails with its output, update falls back to create, delete may be absent", async () => {
    await expect(local({ create: "echo why; exit 4" })).rejects.toThrow(
      'exit status 4: running "echo why; exit 4":\nwhy',
    );
    const resource = { id: "1", inputs: {}, outputs: { stdout: "old", stderr: "" } };
    const update = (more: Properties) => localCommand.update(resource, more, context(realExec));
    expect(await update({ create: "echo $PULUMI_COMMAND_STDOUT" })).toEqual({ stdout: "old", stderr: "" });
    expect(await update({ create: "echo c", update: "echo u" })).toEqual({ stdout: "u", stderr: "" });
    await localCommand.delete(resource, context(realExec));
  });

  test("ends with everything it started when it is interrupted", async () => {
    const pidFile = `${scratch}/pid`;
    const stop = new AbortController();
    const running = localCommand.create(
      { create: `sleep 60 & echo $! > ${pidFile}; wait` },
      context(realExec, stop.signal),
    );
    while (!fs.existsSync(pidFile) || fs.readFileSync(pidFile, "utf8") === "")
      await new Promise((r) => setTimeout(r, 10));
    stop.abort();
    await expect(running).rejects.toThrow("exit status 143");
    // Whoever adopted it may not have taken note of its death yet.
    const stat = `/proc/${fs.readFileSync(pidFile, "utf8").trim()}/stat`;
    expect(fs.existsSync(stat) ? fs.readFileSync(stat, "utf8") : "gone").toMatch(/gone|\) [ZX] /);
  });

  test("as a function answers its arguments and output", async () => {
    expect(await localRun({ command: "echo hi", logging: "none" }, context(realExec))).toEqual({
      command: "echo hi",
      logging: "none",
      stdout: "hi",
      stderr: "",
    });
  });
});
