/** Applies the program with the Pulumi CLI. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import { parse, stringify } from "yaml";
import { isOnAny, withoutResources, type HostPlace } from "../../../lib/hostPlace";
import { SIGNATURE, secret, type Properties, type Value } from "../../../lib/properties";
import { versionProblems } from "../../../model/host/checksTools";
import { PROJECT, prefixFor } from "../../../model/lab/naming";
import { formatRefusal } from "../../../model/config/refusal";
import { DOMAIN, type Backend, type ChangeCounts, type Foreseen } from "../backend";
import { PulumiCli } from "./cli";
import { foreseen, parseEvent } from "../events";
import { progressOn } from "../progress";
import {
  discard,
  filesOf,
  lockHolders,
  repairFileBackend,
  type Owner,
  type PendingOperation,
} from "./recovery";
import { passphrase, passphraseFile, settleSalt } from "./passphrase";
import type { RecordedResource } from "../../stack/recorded";
import { readStackConfig, secretKeys, stackFile, type StackConfig } from "../../stack/stackFile";
import type { Virsh } from "../../stack/virsh";
import { say } from "../../terminal";

interface Resource {
  readonly urn: string;
  readonly type: string;
  readonly provider?: string;
  readonly inputs?: Properties & { readonly name?: string };
  readonly outputs?: Properties & { readonly uuid?: string };
}

interface Exported {
  readonly deployment: {
    readonly resources?: readonly Resource[];
    pending_operations?: readonly PendingOperation[];
  };
}

const FORGET = ["stack", "rm", "--yes", "--preserve-config"];

interface StackSettings {
  readonly config?: unknown;
  readonly encryptionsalt?: string;
}

/** The state's format for a secret (apitype.SecretV1) has its value as JSON. */
function withSecrets<T extends object>(resource: T): T {
  const text = JSON.stringify(resource, (_key, value: Value) =>
    typeof value === "object" && value !== null && "plaintext" in value && SIGNATURE in value
      ? secret(JSON.parse(String(value.plaintext)) as Value)
      : value,
  );
  return JSON.parse(text) as T;
}

function parseYaml(file: string): StackSettings {
  return (parse(readFileSync(file, "utf8")) ?? {}) as StackSettings;
}

/** The backend that the user has chosen, if any: then it is theirs that holds the state. */
function chosenBackend(): string | undefined {
  if (process.env.PULUMI_BACKEND_URL) return process.env.PULUMI_BACKEND_URL;
  if (process.env.PULUMI_ACCESS_TOKEN) return "https://api.pulumi.com";
  const file = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "credentials.json");
  if (!existsSync(file)) return undefined;
  const { current } = JSON.parse(readFileSync(file, "utf8")) as { current?: string };
  return current || undefined;
}

export class PulumiBackend implements Backend {
  readonly engine = "pulumi";
  private readonly cli: PulumiCli;
  private readonly url: string;
  private readonly owner: Owner;
  /** The passphrase, where it is ours. */
  private readonly phrase: string | undefined;
  /** This run has made the stack. */
  private made = false;

  constructor(
    private readonly stack: string,
    private readonly directory: string,
    private readonly hosts: readonly { readonly virsh: Virsh }[],
    /** The stack's configuration. */
    private readonly stackFile: string,
    /** The stack as Pulumi is to be asked for it: with its organization, where that was named. */
    reference = stack,
  ) {
    this.owner = { project: PROJECT, stack, prefix: prefixFor(PROJECT, stack) };
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_SKIP_CONFIRMATIONS: "true",
      // Else `preview --json` says what it found when it is through, and not as events.
      PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true",
    };
    const state = resolve(directory, "pulumi");
    // Without files of attributes, which are not written whole or not at all.
    const local = `file://${state}?metadata=skip`;
    const users = chosenBackend();
    // A shell that is set up for plain `pulumi` (docs/howto/pulumi.md) names the stack's own backend and passphrase file.
    const chosen = users !== undefined && filesOf(users) === filesOf(local) ? undefined : users;
    this.url = chosen ?? local;
    if (chosen === undefined) {
      mkdirSync(state, { recursive: true, mode: 0o700 });
      env.PULUMI_BACKEND_URL = this.url;
    }
    // An empty one is one; and what a backend of the user's was encrypted with only the user knows.
    const { PULUMI_CONFIG_PASSPHRASE: given, PULUMI_CONFIG_PASSPHRASE_FILE: file } = process.env;
    const anothers = given !== undefined || (file && resolve(file) !== resolve(passphraseFile(directory)));
    if (chosen === undefined && !anothers) {
      this.phrase = env.PULUMI_CONFIG_PASSPHRASE = passphrase(directory);
    }
    this.cli = new PulumiCli(reference, env);
    repairFileBackend(this.url, this.owner);
  }

  /**
   * The stack's state; undefined where there is no such stack.
   * @throws Error with Pulumi's own words where it cannot be read: that is not the same
   */
  private async exported(...options: "--show-secrets"[]): Promise<Exported | undefined> {
    const { code, stdout, stderr } = await this.cli.run("stack", "export", ...options);
    if (code === 0) return JSON.parse(stdout) as Exported;
    if (/no stack named/.test(stderr)) return undefined;
    throw new Error(`pulumi stack export: ${stderr || `ended with status ${code ?? "none"}`}`);
  }

  async exists(): Promise<boolean> {
    return (await this.exported()) !== undefined;
  }

  async domains(): Promise<ReadonlyMap<string, string | undefined>> {
    const { resources = [], pending_operations: pending = [] } = (await this.exported())?.deployment ?? {};
    const known = [
      // What was being created has a name already, but no UUID that anybody wrote down.
      ...pending.map(({ resource }) => ({ ...resource, outputs: undefined })),
      ...resources,
    ].filter(({ type }) => type === DOMAIN);
    return new Map(
      known.flatMap(({ inputs, outputs }) =>
        inputs?.name === undefined ? [] : [[inputs.name, outputs?.uuid] as const],
      ),
    );
  }

  /** What is encrypted only Pulumi can read, with the stack at hand that knows the key. */
  async config(): Promise<StackConfig> {
    if (secretKeys(this.stackFile).length === 0) return readStackConfig(this.stackFile);
    if (!(await this.exists())) await this.init();
    const { code, stdout, stderr } = await this.cli.run(
      "config",
      "--json",
      "--show-secrets",
      "--config-file",
      this.configFile(),
    );
    if (code !== 0) throw new Error(`pulumi config: ${stderr}`);
    const values = JSON.parse(stdout) as Record<string, { value: string }>;
    return Object.fromEntries(Object.entries(values).map(([key, { value }]) => [key, value]));
  }

  /**
   * The stack file that Pulumi gets: the user's, and with the local backend the salt of its passphrase, which would
   * otherwise land in a file that people commit.
   * @throws Error for values that were encrypted with another passphrase
   */
  private configFile(salt?: string): string {
    if (this.phrase !== undefined) settleSalt(this.stackFile, this.phrase);
    return this.writeConfig(existsSync(this.stackFile) ? parseYaml(this.stackFile) : {}, salt);
  }

  private writeConfig(users: StackSettings, salt?: string): string {
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
    const { code, stderr } = await this.cli.run("stack", "init");
    if (code !== 0) throw new Error(`pulumi stack init: ${stderr}`);
    this.made = true;
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
    const state = await this.exported();
    if (state === undefined) return this.init();
    const pending = state.deployment.pending_operations ?? [];
    if (pending.length === 0) return;
    for (const { type, resource } of pending) {
      if (type !== "creating") continue;
      for (const { virsh } of this.hosts) await discard(virsh, this.owner, resource);
    }
    delete state.deployment.pending_operations;
    await this.cli.shown(["stack", "import"], { input: JSON.stringify(state) });
  }

  async unlock(): Promise<void> {
    const holders = lockHolders(this.url, this.owner);
    const alive = holders.find(({ stale }) => !stale);
    if (alive !== undefined)
      throw new Error(
        `stack ${this.stack} is locked by another run of Pulumi, ${alive.by}: ` +
          "wait until it ends; where it is gone, `pulumi cancel` removes its lock",
      );
    // Pulumi itself never takes a lock for stale.
    if (holders.length > 0) await this.cli.run("cancel", "--yes");
  }

  /** @throws Error with the versions that were tested, for a CLI outside of them */
  private async assertVersion(): Promise<void> {
    const problems = versionProblems({ versions: { pulumi: (await this.cli.version()) || null } });
    if (problems.length > 0) throw new Error(problems.map(formatRefusal).join("\n"));
  }

  /** Runs an operation, shown as the embedded engine's are; the outputs are ours to print. */
  private async operate(verb: string, configFile: string, ...args: string[]): Promise<Foreseen> {
    const machine = ["--json", "--color", "never", "--suppress-outputs"];
    const progress = await progressOn(process.stderr);
    const events: EngineEvent[] = [];
    const onLine = (line: string): void => {
      const event = parseEvent(line);
      if (event === undefined) return say(line);
      events.push(event);
      progress.show(event);
    };
    await this.cli
      .shown([verb, "--config-file", configFile, ...args, ...machine], { onLine })
      .finally(() => progress.end());
    return foreseen(events);
  }

  /** URNs of what is on some hosts. Where a command runs is among the state's secrets. */
  private async urnsOn(places: readonly HostPlace[]): Promise<readonly string[]> {
    if (places.length === 0) return [];
    const all = ((await this.exported("--show-secrets"))?.deployment.resources ?? []).map(withSecrets);
    return all.filter((each) => isOnAny(places, each, all)).map(({ urn }) => urn);
  }

  private async excluding(absent: readonly HostPlace[]): Promise<string[]> {
    return (await this.urnsOn(absent)).flatMap((urn) => ["--exclude", urn]);
  }

  async up(absent: readonly HostPlace[] = []): Promise<ChangeCounts> {
    await this.assertVersion();
    await this.unlock();
    await this.recover();
    const options = ["--yes", "--skip-preview", "--refresh", ...(await this.excluding(absent))];
    return (await this.operate("up", this.configFile(), ...options)).counts;
  }

  async preview(absent: readonly HostPlace[] = []): Promise<Foreseen> {
    await this.assertVersion();
    if (!(await this.exists())) await this.init();
    try {
      return await this.operate("preview", this.configFile(), "--refresh", ...(await this.excluding(absent)));
    } finally {
      // Pulumi previews only a stack that is there; a backend keeps none that was never built.
      if (this.made) await this.cli.run(...FORGET);
    }
  }

  async destroy(): Promise<ChangeCounts> {
    if (!(await this.exists())) return {};
    await this.unlock();
    await this.recover();
    // No value of the configuration matters to what is there already, not even one that cannot be decrypted.
    const { counts } = await this.operate("destroy", this.writeConfig({}), "--yes", "--skip-preview");
    await this.cli.shown(FORGET);
    return counts;
  }

  async forget(lost: readonly HostPlace[]): Promise<number> {
    await this.recover();
    const gone = new Set(await this.urnsOn(lost));
    const state = await this.exported();
    if (state === undefined || gone.size === 0) return 0;
    const { resources = [], ...rest } = state.deployment;
    const left = { ...state, deployment: { ...rest, resources: withoutResources(resources, gone) } };
    await this.cli.shown(["stack", "import"], { input: JSON.stringify(left) });
    return gone.size;
  }

  async resources(): Promise<readonly RecordedResource[]> {
    return ((await this.exported("--show-secrets"))?.deployment.resources ?? []).map(withSecrets);
  }
}
