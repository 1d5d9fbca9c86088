/** Commands in guests over SSH, with the stack's key and pinned host keys. */
import { spawn, spawnSync, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { answers } from "./answering";
import { removeDirectory } from "./files";
import { exec, spawnWatched } from "./process";
import { controlName, HERE, hopKey, openedBy, pinned, proxyCommand, type Hop } from "./sshHop";
import { asRoot, sha256 } from "./text";

/** One node's address, and what it is opened by. */
export interface HostLogin {
  readonly address: string;
  readonly user: string;
  readonly hostKey: string;
  readonly proxy?: Hop;
  /** A machine that exists: the key in this file opens it, or those of the agent, and not the stack's. */
  readonly machine?: { readonly port: number; readonly keyFile?: string };
}

/** How to log in to the nodes. */
export interface Login {
  readonly privateKey: string;
  readonly hosts: Readonly<Record<string, HostLogin>>;
}

/** Whose connections they are. */
interface Owner {
  readonly stack: string;
}

export interface ShellResult {
  /** Exit status of the command; 255 when SSH itself failed, null when it was killed at the time limit. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  /** Seconds until it is killed. */
  readonly timeout?: number;
}

export interface Shell {
  run(node: string, command: string, options?: RunOptions): Promise<ShellResult>;
}

export interface GuestShellOptions {
  /** Seconds for a connection to come up. */
  readonly connectTimeout?: number;
  /**
   * Leave connections open for the stack's next command, for ten minutes: a handshake costs a guest without KVM about
   * a second of CPU. `GuestShell.forget` ends them. Not for guests that reboot meanwhile: what is under way on a
   * connection whose guest has answered nothing for eight seconds ends with 255, as SSH's own failures do.
   */
  readonly keepOpen?: boolean;
  /** Out of reach of the terminal's Ctrl-C: what is under way runs to its end, or until `close` or the program's end. */
  readonly detached?: boolean;
  /** Whether a guest's kernel answers. */
  readonly answering?: typeof answers;
}

/** Seconds for a connection to a machine that exists. */
const MACHINE_CONNECT = 30;
/** The same for a guest of another host: the login to that one is among them. */
const BEHIND_HOST_CONNECT = 15;

/** Milliseconds for a guest to answer, while a command that may wait for a dead connection is under way … */
const LOOK = 3_500;
/** … from one look to the next … */
const BETWEEN_LOOKS = 1_000;
/** … and before the next command, when the last one got no answer. */
const AGAIN = 1_500;

const unanswered = (node: string): ShellResult => ({
  code: 255,
  stdout: "",
  stderr: `${node} does not answer`,
});

/** Where a stack's connections live: private, and short, because a socket's path holds at most 108 bytes. */
export function keptDirectory({ stack }: Owner): string {
  const checkout = sha256(process.cwd()).slice(0, 8);
  const root = process.env.XDG_RUNTIME_DIR ?? tmpdir();
  const name = stack.length <= 24 ? stack : sha256(stack).slice(0, 8);
  return join(root, `lvs-dr-${userInfo().uid}-${checkout}-${name}`);
}

/**
 * Its name can be guessed, and anybody may write to /tmp: a directory that somebody else has put there gets no key.
 * @throws Error naming it
 */
function makeOwn(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = lstatSync(directory);
  if (!found.isDirectory() || found.uid !== userInfo().uid || (found.mode & 0o077) !== 0)
    throw new Error(
      `${directory} is not this user's own and private: whoever made it is not to get the guests' key; remove it`,
    );
}

/** What others keep there stays. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!["ENOTEMPTY", "ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** A command that did not end well in a guest. */
export class CommandError extends Error {
  constructor(
    node: string,
    command: string,
    /** Its exit status, 255 for SSH's own; null for a time-out. */
    readonly code: number | null,
    /** The guest's last words. */
    readonly words: string,
  ) {
    super(`${node}: '${command}' ended with ${code ?? "a time-out"}: ${words}`);
  }
}

/** Opens connections as the stack's `access` output says. `close` ends them and removes the key, unless kept open. */
export class GuestShell implements Shell {
  private readonly directory: string;
  private readonly keepOpen: boolean;
  private readonly connectTimeout: number;
  private readonly detached: boolean;
  private readonly answering: typeof answers;
  private readonly underWay = new Set<ChildProcess>();
  private readonly shared = new Set<string>();
  /** Guests that did not answer the last command. */
  private readonly silent = new Set<string>();

  constructor(
    private readonly login: Login,
    owner: Owner,
    { connectTimeout = 5, keepOpen = false, detached = false, answering = answers }: GuestShellOptions = {},
  ) {
    this.answering = answering;
    this.keepOpen = keepOpen;
    this.connectTimeout = connectTimeout;
    this.detached = detached;
    const kept = GuestShell.kept(owner);
    if (keepOpen) {
      const key = join(kept, "key");
      // Another key is another generation of guests.
      if (existsSync(key) && readFileSync(key, "utf8") !== login.privateKey) {
        GuestShell.forget(owner);
        makeOwn(kept);
      }
    }
    // In there, so that what a killed program leaves goes with the rest.
    this.directory = keepOpen ? kept : mkdtempSync(join(kept, "d"));
    writeFileSync(join(this.directory, "key"), login.privateKey, { mode: 0o600 });
    const known = Object.entries(login.hosts).map(([name, host]) => `${name} ${host.hostKey}\n`);
    const hops = Object.values(login.hosts).flatMap(({ proxy }) =>
      proxy?.hostKey === undefined ? [] : [proxy],
    );
    known.push(...new Set(hops.map((hop) => `${hopKey(hop)} ${hop.hostKey}\n`)));
    writeFileSync(join(this.directory, "known_hosts"), known.join(""), { mode: 0o600 });
  }

  /** Where a stack's commands keep connections open, made if it is not there: who leaves one there spares the next a login. */
  static kept(owner: Owner): string {
    const directory = keptDirectory(owner);
    makeOwn(directory);
    return directory;
  }

  /** Ends the connections that a stack's commands have kept open, and removes what they used. */
  static forget(owner: Owner): void {
    const directory = keptDirectory(owner);
    // What is there counts: the lab may have had other guests than it has now.
    const controls = existsSync(directory)
      ? readdirSync(directory).filter((name) => name.endsWith(".ctl"))
      : [];
    for (const control of controls)
      spawnSync("ssh", ["-F", "none", "-S", join(directory, control), "-O", "exit", "guest"]);
    removeDirectory(directory);
  }

  get nodes(): string[] {
    return Object.keys(this.login.hosts);
  }

  /** The socket of the connection that is kept to a node; the engine's roles leave theirs there too. */
  private control({ address, machine }: Pick<HostLogin, "address" | "machine">): string {
    return join(this.directory, controlName(address, machine?.port));
  }

  /**
   * The program, with its arguments, that runs a command on a node: as root, through sudo where another user logs in. On this host itself it
   * is run by whoever runs the program.
   */
  commandLine(node: string, command: string): readonly [string, readonly string[]] {
    const host = this.login.hosts[node];
    // What the scripts write for a moment, others than root must be able to.
    if (host === undefined && node === HERE) return ["env", [`TMPDIR=${tmpdir()}`, "bash", "-c", command]];
    const line = host?.machine ? asRoot(host.user, command) : command;
    return ["ssh", [...this.sshArguments(node), "--", line]];
  }

  /** Arguments of ssh(1) up to and including the destination. */
  sshArguments(node: string, { interactive = false } = {}): string[] {
    const host = this.login.hosts[node];
    if (host === undefined) {
      throw new Error(`no guest is called '${node}'; there are ${this.nodes.join(", ")}`);
    }
    const { machine, hostKey, proxy } = host;
    // Whatever network lies between; of a guest of this host it is known.
    const least = machine ? MACHINE_CONNECT : proxy ? BEHIND_HOST_CONNECT : 0;
    const keyFile = machine === undefined ? join(this.directory, "key") : machine.keyFile;
    const knownHosts = join(this.directory, "known_hosts");
    const options: Record<string, string> = {
      ...(keyFile !== undefined && openedBy(keyFile)),
      ...(machine && { Port: String(machine.port) }),
      ...pinned(hostKey, node, knownHosts),
      ConnectTimeout: String(Math.max(least, this.connectTimeout)),
      ServerAliveInterval: "5",
      ServerAliveCountMax: "3",
      LogLevel: "ERROR",
      ...(interactive
        ? {}
        : {
            BatchMode: "yes",
            ControlMaster: "auto",
            ControlPath: this.control(host),
            ControlPersist: this.keepOpen ? "600" : "30",
          }),
    };
    if (proxy) options.ProxyCommand = proxyCommand(proxy, knownHosts);
    return [
      "-F",
      "none",
      ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
      `${host.user}@${host.address}`,
    ];
  }

  async run(node: string, command: string, options: RunOptions = {}): Promise<ShellResult> {
    this.shared.add(node);
    if (this.silent.has(node) && !(await this.answers(node, AGAIN))) return unanswered(node);
    this.silent.delete(node);
    const host = this.login.hosts[node];
    const kept = this.keepOpen && host !== undefined && existsSync(this.control(host));
    let result = await this.attempt(node, command, options);
    // A kept connection may lead to a guest that is no more: once again on a new one.
    if (kept && result.code === 255 && !this.silent.has(node)) {
      await this.end(node);
      result = await this.attempt(node, command, options);
    }
    if (this.keepOpen && result.code === 255) this.silent.add(node);
    return result;
  }

  /** A guest behind another host is taken to answer, as is a machine, which may hide behind a packet filter: ssh has to find out. */
  private answers(node: string, ms: number, signal?: AbortSignal): Promise<boolean> {
    const { address, proxy, machine } = this.login.hosts[node] ?? {};
    return address === undefined || proxy || machine
      ? Promise.resolve(true)
      : this.answering(address, ms, signal);
  }

  /** Ends when `signal` does, or calls `lost` when the guest has not answered for two looks. */
  private async watch(node: string, signal: AbortSignal, lost: () => void): Promise<void> {
    for (let missed = 0; missed < 2;) {
      if (missed === 0) await sleep(BETWEEN_LOOKS, undefined, { signal });
      missed = (await this.answers(node, LOOK, signal)) ? 0 : missed + 1;
    }
    this.silent.add(node);
    lost();
    await this.end(node);
  }

  private attempt(
    node: string,
    command: string,
    { stdin = "", timeout = 30 }: RunOptions,
  ): Promise<ShellResult> {
    return new Promise((done, fail) => {
      const start = this.detached ? spawnWatched : spawn;
      const [file, args] = this.commandLine(node, command);
      const child = start(file, args, { stdio: "pipe" }) as ChildProcessWithoutNullStreams;
      this.underWay.add(child);
      const timer = setTimeout(() => child.kill("SIGKILL"), timeout * 1000);
      const watch = new AbortController();
      let lost = false;
      if (this.keepOpen)
        this.watch(node, watch.signal, () => (lost = child.kill("SIGKILL"))).catch(() => undefined);
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      child.on("error", fail);
      // The shared connection's master keeps stderr open: the command's end is its exit and the end of its stdout.
      let pending = 2;
      const finished = (): void => {
        if (--pending > 0) return;
        clearTimeout(timer);
        watch.abort();
        this.underWay.delete(child);
        child.stderr.destroy();
        done(lost ? unanswered(node) : { code: child.exitCode, stdout, stderr: stderr.trim() });
      };
      child.on("exit", finished);
      child.stdout.on("end", finished);
      child.stdin.on("error", () => undefined);
      child.stdin.end(stdin);
    });
  }

  /** Like `run`, but anything but exit status 0 is an error with the guest's last words. */
  async check(node: string, command: string, options?: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(node, command, options);
    if (code !== 0) throw new CommandError(node, command, code, stderr || stdout);
    return stdout;
  }

  /** Ends the connection that commands to a node share. */
  private async end(node: string): Promise<void> {
    if (!(node in this.login.hosts)) return;
    await exec("ssh", ["-O", "exit", ...this.sshArguments(node)]).catch(() => undefined);
  }

  async close(): Promise<void> {
    for (const child of this.underWay) child.kill("SIGKILL");
    if (this.keepOpen) return;
    await Promise.all([...this.shared].map((node) => this.end(node)));
    removeDirectory(this.directory);
    const kept = dirname(this.directory);
    // It may be empty because nobody has logged in yet.
    if (process.env.LVS_DR_CONNECTIONS !== kept) removeIfEmpty(kept);
  }
}
