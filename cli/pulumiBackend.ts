/** Applies the program with the Pulumi CLI. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { versionProblems } from "../model/hostChecksTools";
import { formatProblem } from "../model/problems";
import type { Backend, ChangeCounts, StackOutputs } from "./backend";
import { stackFile } from "./stackFile";
import { command, type CommandResult, type Virsh } from "./virsh";

interface PendingOperation {
  readonly type: string;
  readonly resource: {
    readonly type: string;
    readonly urn: string;
    readonly inputs?: { readonly name?: string; readonly pool?: string };
  };
}

interface StackSettings {
  readonly config?: unknown;
  readonly encryptionsalt?: string;
}

function parseYaml(file: string): StackSettings {
  return (parse(readFileSync(file, "utf8")) ?? {}) as StackSettings;
}

/** True where the user has chosen a backend: then it is theirs that holds the state. */
function loggedIn(): boolean {
  if (process.env.PULUMI_BACKEND_URL || process.env.PULUMI_ACCESS_TOKEN) return true;
  const file = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "credentials.json");
  if (!existsSync(file)) return false;
  const { current } = JSON.parse(readFileSync(file, "utf8")) as { current?: string };
  return Boolean(current);
}

/** The passphrase of the local file backend: the user's, or one made for this checkout. */
function passphrase(directory: string): string {
  const file = join(directory, "passphrase");
  if (!existsSync(file)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600, flag: "wx" });
  }
  return readFileSync(file, "utf8").trim();
}

export class PulumiBackend implements Backend {
  readonly engine = "pulumi";
  private readonly env: NodeJS.ProcessEnv;

  constructor(
    private readonly stack: string,
    private readonly directory: string,
    private readonly virsh: Virsh,
  ) {
    this.env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true", PULUMI_SKIP_CONFIRMATIONS: "true" };
    if (!loggedIn()) {
      const state = resolve(directory, "pulumi");
      mkdirSync(state, { recursive: true, mode: 0o700 });
      this.env.PULUMI_BACKEND_URL = `file://${state}`;
    }
    if (!process.env.PULUMI_CONFIG_PASSPHRASE && !process.env.PULUMI_CONFIG_PASSPHRASE_FILE) {
      this.env.PULUMI_CONFIG_PASSPHRASE = passphrase(directory);
    }
  }

  private pulumi(...args: string[]): Promise<CommandResult> {
    return command("pulumi", [...args, "--stack", this.stack, "--non-interactive"], { env: this.env });
  }

  /** Runs a command whose progress people want to see: it goes to stderr. */
  private async shown(...args: string[]): Promise<void> {
    const code = await new Promise<number | null>((done, fail) => {
      const child = spawn("pulumi", [...args, "--stack", this.stack, "--non-interactive"], {
        env: this.env,
        stdio: ["ignore", 2, 2],
      });
      // The terminal's Ctrl-C reaches pulumi by itself; a signal to us alone is handed on.
      const forward = (signal: NodeJS.Signals): boolean => child.kill(signal);
      process.on("SIGTERM", forward).on("SIGINT", forward);
      child.on("error", fail);
      child.on("exit", (status) => {
        process.off("SIGTERM", forward).off("SIGINT", forward);
        done(status);
      });
    });
    if (code !== 0) throw new Error(`pulumi ${args[0]} ended with status ${code ?? "none"}`);
  }

  async exists(): Promise<boolean> {
    return (await this.pulumi("stack", "export")).code === 0;
  }

  /**
   * The stack file that Pulumi gets: the user's, and with the local backend the salt of its passphrase, which would
   * otherwise land in a file that people commit.
   */
  private configFile(salt?: string): string {
    const users = existsSync(stackFile(this.stack)) ? parseYaml(stackFile(this.stack)) : {};
    const file = resolve(this.directory, stackFile(this.stack));
    const encryptionsalt =
      users.encryptionsalt ?? salt ?? (existsSync(file) ? parseYaml(file).encryptionsalt : undefined);
    writeFileSync(file, stringify({ ...users, ...(encryptionsalt !== undefined && { encryptionsalt }) }), {
      mode: 0o600,
    });
    return file;
  }

  /** Makes the stack; what `pulumi stack init` writes into the user's stack file goes to ours. */
  private async init(): Promise<void> {
    const file = stackFile(this.stack);
    const before = existsSync(file) ? readFileSync(file) : undefined;
    const { code, stderr } = await this.pulumi("stack", "init");
    if (code !== 0) throw new Error(`pulumi stack init: ${stderr}`);
    const salt = existsSync(file) ? parseYaml(file).encryptionsalt : undefined;
    if (before === undefined) rmSync(file, { force: true });
    else writeFileSync(file, before);
    this.configFile(salt);
  }

  /**
   * After a `kill -9`: the lock of a process that is gone, and operations that were under way. What was being created
   * may exist outside the state, where it would block the next try by its name: it goes.
   */
  private async recover(): Promise<void> {
    const exported = await this.pulumi("stack", "export");
    if (exported.code !== 0) {
      await this.init();
      return;
    }
    const state = JSON.parse(exported.stdout) as { deployment: { pending_operations?: PendingOperation[] } };
    const pending = state.deployment.pending_operations ?? [];
    if (pending.length === 0) return;
    for (const { type, resource } of pending) {
      if (type === "creating") await this.discard(resource);
    }
    delete state.deployment.pending_operations;
    const child = spawn("pulumi", ["stack", "import", "--stack", this.stack, "--non-interactive"], {
      env: this.env,
      stdio: ["pipe", "ignore", 2],
    });
    child.stdin?.end(JSON.stringify(state));
    const code = await new Promise<number | null>((done) => child.on("exit", done));
    if (code !== 0) throw new Error("pulumi stack import failed: the pending operations are still recorded");
  }

  private async discard({ type, inputs }: PendingOperation["resource"]): Promise<void> {
    const name = inputs?.name;
    if (name === undefined) return;
    const commands: Record<string, string[][]> = {
      "libvirt:index/domain:Domain": [
        ["destroy", name],
        ["undefine", name, "--managed-save", "--snapshots-metadata", "--nvram"],
      ],
      "libvirt:index/network:Network": [
        ["net-destroy", name],
        ["net-undefine", name],
      ],
      "libvirt:index/volume:Volume": [["vol-delete", name, "--pool", inputs?.pool ?? "default"]],
      "libvirt:index/pool:Pool": [
        ["pool-destroy", name],
        ["pool-undefine", name],
      ],
    };
    for (const args of commands[type] ?? []) await this.virsh.run(...args).catch(() => undefined);
  }

  /** A run that was killed leaves its lock in a file backend, which Pulumi itself never takes for stale. */
  private async unlock(): Promise<void> {
    const backend = this.env.PULUMI_BACKEND_URL ?? "";
    if (!backend.startsWith("file://")) return;
    const directory = join(backend.slice("file://".length), ".pulumi/locks/organization/lvs-dr", this.stack);
    const locks = existsSync(directory)
      ? readdirSync(directory).filter((file) => file.endsWith(".json"))
      : [];
    const holders = locks.map(
      (file) => JSON.parse(readFileSync(join(directory, file), "utf8")) as { pid: number; hostname: string },
    );
    // One that lives, here or elsewhere, is for Pulumi to tell of.
    const stale = holders.every(
      ({ pid, hostname: host }) => host === hostname() && !existsSync(`/proc/${pid}`),
    );
    if (locks.length > 0 && stale) await this.pulumi("cancel", "--yes");
  }

  /** @throws Error with the versions that were tested, for a CLI outside of them */
  private async assertVersion(): Promise<void> {
    const { stdout } = await command("pulumi", ["version"], { env: this.env });
    const problems = versionProblems({ versions: { pulumi: stdout.trim() || null } });
    if (problems.length > 0) throw new Error(problems.map(formatProblem).join("\n"));
  }

  async up(): Promise<ChangeCounts> {
    await this.assertVersion();
    await this.unlock();
    await this.recover();
    await this.shown(
      "up",
      "--config-file",
      this.configFile(),
      "--yes",
      "--skip-preview",
      "--refresh",
      "--suppress-outputs",
    );
    return this.lastCounts();
  }

  async preview(): Promise<ChangeCounts> {
    await this.assertVersion();
    if (!(await this.exists())) await this.recover();
    await this.shown("preview", "--config-file", this.configFile(), "--diff", "--suppress-outputs");
    return {};
  }

  async destroy(): Promise<ChangeCounts> {
    if (!(await this.exists())) return {};
    await this.unlock();
    await this.recover();
    await this.shown(
      "destroy",
      "--config-file",
      this.configFile(),
      "--yes",
      "--skip-preview",
      "--suppress-outputs",
    );
    const counts = await this.lastCounts();
    await this.shown("stack", "rm", "--yes", "--preserve-config");
    return counts;
  }

  private async lastCounts(): Promise<ChangeCounts> {
    const { code, stdout } = await this.pulumi("stack", "history", "--json", "--page-size", "1");
    if (code !== 0) return {};
    const [last] = JSON.parse(stdout) as { resourceChanges?: ChangeCounts }[];
    return last?.resourceChanges ?? {};
  }

  async outputs(): Promise<StackOutputs> {
    const { code, stdout, stderr } = await this.pulumi("stack", "output", "--json", "--show-secrets");
    if (code !== 0) throw new Error(`pulumi stack output: ${stderr}`);
    return JSON.parse(stdout) as StackOutputs;
  }
}
