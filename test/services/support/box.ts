/** A machine in small: namespaces of its own over a root file system that it cannot change. Everything in it ends with it. */
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { perlServices } from "../../../model/director/checkServices";

const HERE = join(__dirname, "..");
const SCRIPTS = join(HERE, "../../scripts");
/** Where director.sh installs the dry run; the stand-in for ipvsadm takes its module from there too. */
const LIBRARY = "/usr/local/lib/lvs-dr";

/** The host's own variables stay outside, PERL5LIB and the like above all. */
const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", HOME: "/root" };

/** A shell between nsenter and the program: nsenter would stop with it, and a stopped parent keeps the box from ending. */
const BESIDE = ["sh", "-c", '"$@"; exit $?', "sh"];

/** box.sh leaves it in the box's root, and nowhere else. */
const MARK = "/in-the-box";

export class Box {
  private constructor(
    private readonly holder: ChildProcess,
    /** The box's first process, as the host numbers it. */
    readonly init: number,
  ) {}

  /** @param address the box's own address on its only segment, with prefix length */
  static async open(address: string): Promise<Box> {
    const built = spawnSync(join(HERE, "rootfs/build.sh"), {
      encoding: "utf8",
      stdio: ["ignore", "pipe", 2],
    });
    if (built.status !== 0) throw new Error("the services' root file system could not be built");
    const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child"];
    const holder = spawn("unshare", [...namespaces, join(HERE, "box.sh"), built.stdout.trim(), address], {
      stdio: ["pipe", "pipe", 2],
    });
    const gone = once(holder, "exit").then(() => {
      throw new Error("the box could not be set up");
    });
    await Promise.race([gone, once(holder.stdout as NodeJS.ReadableStream, "data")]);
    gone.catch(() => undefined);
    const [init] = childrenOf(holder.pid ?? 0);
    if (init === undefined) throw new Error("the box has no first process");
    const box = new Box(holder, init);
    // What is written below must never reach the host's own files.
    if (!existsSync(box.path(MARK)) || existsSync(MARK)) throw new Error("the box's root is not its own");
    copyFileSync(join(HERE, "ipvsadm"), box.path("/usr/sbin/ipvsadm"));
    mkdirSync(box.path(`${LIBRARY}/ldirectord-dry-run`), { recursive: true });
    for (const [from, to] of [
      ["host/ldirectord-dry-run/DryRun.pm", "DryRun.pm"],
      ["host/ldirectord-dry-run/DryRun.pm", "ldirectord-dry-run/DryRun.pm"],
      ["host/ldirectord-dry-run.sh", "ldirectord-dry-run.sh"],
      ["guest/ldirectord/Ldirectord.pm", "Ldirectord.pm"],
      ["guest/ldirectord/alerts.pl", "alerts.pl"],
    ] as const) {
      copyFileSync(join(SCRIPTS, from), box.path(`${LIBRARY}/${to}`));
      if (to.endsWith(".pm")) appendFileSync(box.path(`${LIBRARY}/${to}`), perlServices());
    }
    for (const directory of ["/srv", "/var/spool/lvs-dr"])
      mkdirSync(box.path(directory), { recursive: true });
    return box;
  }

  /** Where the host sees a file of the box. */
  path(inside: string): string {
    return `/proc/${this.init}/root${inside}`;
  }

  write(inside: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.path(inside)), { recursive: true });
    writeFileSync(this.path(inside), text, { mode });
  }

  read(inside: string): string {
    return readFileSync(this.path(inside), "utf8");
  }

  private enter(command: readonly string[]): string[] {
    return ["--target", String(this.init), "--net", "--mount", "--pid", "--root", "--wd", "--", ...command];
  }

  /** Starts a program and leaves it running. What it prints goes to a file of the box. */
  start(command: readonly string[], output: string, env: NodeJS.ProcessEnv = {}): Running {
    const file = openSync(this.path(output), "a");
    const options: SpawnOptions = { stdio: ["ignore", file, file], env: { ...ENVIRONMENT, ...env } };
    const running = new Running(spawn("nsenter", this.enter([...BESIDE, ...command]), options));
    closeSync(file);
    return running;
  }

  /** Runs a program to its end. */
  run(
    command: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): { status: number | null; stdout: string; stderr: string } {
    const options = { encoding: "utf8", env: { ...ENVIRONMENT, ...env }, timeout: 60_000 } as const;
    return spawnSync("nsenter", this.enter(command), options);
  }

  /** Runs a program that must succeed. @throws Error with what it said */
  must(command: readonly string[], env?: NodeJS.ProcessEnv): string {
    const { status, stdout, stderr } = this.run(command, env);
    if (status !== 0) throw new Error(`${command.join(" ")}: exit ${status}: ${stderr || stdout}`);
    return stdout;
  }

  async close(): Promise<void> {
    const ended = once(this.holder, "exit");
    this.holder.stdin?.end();
    this.holder.kill("SIGKILL");
    await ended;
  }
}

/** A program in a box, with all that it has started. */
export class Running {
  readonly ended: Promise<unknown>;

  constructor(private readonly entry: ChildProcess) {
    this.ended = once(entry, "exit");
  }

  get alive(): boolean {
    return this.entry.exitCode === null && this.entry.signalCode === null;
  }

  /** The program itself, as the host numbers it. */
  get pid(): number {
    const [pid] = this.programs();
    if (pid === undefined) throw new Error("the program has ended");
    return pid;
  }

  /** The only child of the shell, which is the only child of nsenter. */
  private programs(): number[] {
    return childrenOf(this.entry.pid ?? 0).flatMap(childrenOf);
  }

  /** The program and all its descendants. */
  tree(): number[] {
    const below = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(below)];
    return this.programs().flatMap(below);
  }

  /** To the program and all its descendants at once. */
  signal(name: NodeJS.Signals): void {
    for (const pid of this.tree()) kill(pid, name);
  }

  /** Ends it with all its descendants, also when it has only just been started. */
  async kill(): Promise<void> {
    while (this.alive) {
      this.signal("SIGKILL");
      await Promise.race([this.ended, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
  }
}

/** Ended already is as good. */
function kill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function childrenOf(pid: number): number[] {
  const lists = (): string[] =>
    readdirSync(`/proc/${pid}/task`).map((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8"),
    );
  try {
    return lists().flatMap((list) => list.split(" ").filter(Boolean).map(Number));
  } catch {
    return [];
  }
}
