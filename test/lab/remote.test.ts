/**
 * libvirt on another host: a stack of its own, applied over SSH to a host that is this one, behind an sshd of the test's
 * own. Nothing of the user's ~/.ssh is used, nor changed.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changes, configure, context, ENGINE, eventually, lab, outputs, run, unconfigure } from "./support";

const STACK = process.env.LVS_DR_TEST_REMOTE_STACK ?? "remote";
const NODES = ["client", "router", "director", "rs1"];
/** sshd insists on being started by its absolute path. */
const SSHD = ["/usr/sbin/sshd", "/usr/bin/sshd"].find((path) => existsSync(path));
const why =
  SSHD === undefined
    ? "sshd is not installed (Debian package openssh-server)"
    : process.getuid?.() !== 0
      ? "not root"
      : "";
if (why !== "") console.log(`skipped: a libvirt on another host: ${why}`);

let directory: string;
let sshd: ChildProcess | undefined;
let port = 0;
let log = "";

const file = (name: string): string => join(directory, name);
const publicKey = (name: string): string => readFileSync(file(`${name}.pub`), "utf8").trim();

function makeKey(name: string): void {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file(name)]);
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = server.address() as AddressInfo;
      server.close(() => done(free));
    });
  });
}

async function startSshd(): Promise<void> {
  for (const name of ["host", "user", "stranger"]) makeKey(name);
  writeFileSync(file("authorized_keys"), publicKey("user"));
  port = await freePort();
  const settings = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${file("host")}`,
    `AuthorizedKeysFile ${file("authorized_keys")}`,
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM no",
    // The keys lie below a directory that everybody may write to.
    "StrictModes no",
    "PidFile none",
    "LogLevel VERBOSE",
  ];
  writeFileSync(file("sshd_config"), `${settings.join("\n")}\n`);
  // virsh runs this for ssh: it trusts this host alone, whatever root's own known_hosts says.
  const known = `-o UserKnownHostsFile='${file("known_hosts")}' -o GlobalKnownHostsFile=/dev/null`;
  writeFileSync(file("ssh"), `#!/bin/sh\nexec ssh -F none ${known} "$@"\n`);
  chmodSync(file("ssh"), 0o700);
  // Its privilege separation wants it, and a container's /run may be empty.
  execFileSync("install", ["-d", "-m", "0755", "/run/sshd"]);
  sshd = spawn(SSHD ?? "", ["-D", "-e", "-f", file("sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
  sshd.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  await eventually(10, async () => {
    if (!log.includes("Server listening")) throw new Error(`sshd does not start: ${log}`);
    return Promise.resolve();
  });
}

function trust(key: string): void {
  writeFileSync(file("known_hosts"), `[127.0.0.1]:${port} ${key}\n`);
}

function configureRemote(config: Readonly<Record<string, unknown>> = {}): void {
  configure(
    {
      clientNetwork: { cidr: "172.24.0.0/16" },
      serverNetwork: { cidr: "192.168.112.0/24" },
      libvirtUri: `qemu+ssh://root@127.0.0.1:${port}/system?keyfile=${file("user")}&command=${file("ssh")}`,
      remoteHostKey: publicKey("host"),
      accelerator: "qemu",
      realServerCount: 1,
      bootTimeout: 900,
      ...config,
    },
    STACK,
  );
}

describe.skipIf(why !== "")(`a libvirt on another host${why && `: ${why}`}`, () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "lvs-dr-remote-"));
    await startSshd();
  });

  afterAll(async () => {
    await run(["down"], STACK);
    unconfigure(STACK);
    sshd?.kill();
    rmSync(directory, { recursive: true });
  });

  it("that shows an unknown key is refused before anything is touched", async () => {
    trust(publicKey("stranger"));
    configureRemote();
    const refused = await run(["up"], STACK);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Host key verification failed");
    expect(refused.stderr).not.toContain("create ");
    trust(publicKey("host"));
  });

  it("with a key that others can read is refused", async () => {
    chmodSync(file("user"), 0o644);
    const refused = await run(["preview"], STACK);
    chmodSync(file("user"), 0o600);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`has mode 0644: others can read it. Fix: chmod 600 ${file("user")}.`);
  });

  it(`gets the image and serves the VIP (${ENGINE})`, { timeout: 1_800_000 }, async () => {
    const up = await lab(["up"], STACK);
    console.log(`up of four guests over SSH with ${ENGINE}: ${up.seconds.toFixed(0)} s`);
    expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
    const volumes = await context(STACK).virsh.run("vol-list", `lvs-dr-${STACK}`);
    for (const part of ["image", "vmlinuz", "initrd"]) expect(volumes).toContain(`lvs-dr-${STACK}-${part}-`);
  });

  it("is the way to each guest, with its key pinned and no other key tried", async () => {
    const { access } = await outputs(STACK);
    const [type, key] = publicKey("host").split(" ");
    const proxy = { host: "127.0.0.1", user: "root", port, hostKey: `${type} ${key}`, keyFile: file("user") };
    expect(Object.values(access?.hosts ?? {}).map((host) => host.proxy)).toEqual(NODES.map(() => proxy));
    const logins = (): number => log.split("Accepted publickey").length;
    const before = logins();
    for (const node of NODES) {
      const { stdout } = await lab(["ssh", node, "hostname"], STACK);
      expect(stdout.trim()).toBe(node);
    }
    expect(logins() - before).toBeGreaterThanOrEqual(NODES.length);
    expect((await run(["ssh", "client", "exit 7"], STACK)).code).toBe(7);
  });

  it("changes nothing at a second up", async () => {
    expect(changes(await lab(["up"], STACK))).toMatchObject({ create: 0, update: 0, replace: 0, delete: 0 });
  });

  it("is not gone through when it shows another key than the pinned one", async () => {
    configureRemote({ remoteHostKey: publicKey("stranger"), scheduler: "rr" });
    const refused = await run(["up"], STACK);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("than the one pinned for it: refused");
    configureRemote();
    const up = await lab(["up"], STACK);
    expect(JSON.parse(up.stdout)).toMatchObject({ health: { status: "healthy", problems: [] } });
  });

  it("is left without a trace", async () => {
    expect((await lab(["down"], STACK)).stderr).toContain("audit: nothing is left");
    expect(await context(STACK).virsh.run("list", "--all", "--name")).not.toContain(`lvs-dr-${STACK}-`);
  });
});
