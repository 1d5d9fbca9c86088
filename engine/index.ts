import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { parse as parseYaml } from "yaml";
import { Deployment } from "./deployment";
import { messageOf, type Counts, type EngineEvent, type SummaryEvent } from "./events";
import { exec as realExec, type Exec } from "../lib/process";
import { STACK_TYPE } from "./goal";
import { acquireLock } from "../lib/lock";
import { Run } from "./operations";
import { ALREADY_REPORTED, hostProgram, type ProgramHost } from "./program";
import { invokes, providerOf } from "./providers";
import type { Provider } from "./providers/provider";
import { Redactor } from "./redact";
import { StateFile } from "./state";
import { mask, reveal, secret, type Properties, type Value } from "./values";

export type { Counts, DiagnosticEvent, EngineEvent, Op, ResourceEvent, SummaryEvent } from "./events";
export { LockedError } from "../lib/lock";
export { StateError } from "./state";

export interface EngineOptions {
  /** Directory of Pulumi.yaml. */
  readonly projectDir: string;
  readonly stack: string;
  /** Where the state is kept; its directory becomes private (0700). Lock and key lie beside it. */
  readonly stateFile: string;
  /** Registrations the program may have under way at a time; default 64. */
  readonly parallel?: number;
  readonly onEvent?: (event: EngineEvent) => void;
  /** Whether SIGINT and SIGTERM interrupt a run (default), or the caller does so by `interrupt()`. */
  readonly handleSignals?: boolean;
  /** For tests: stands in for every external program but the Pulumi program. */
  readonly exec?: Exec;
  /** For tests: stands in for the Pulumi program and the services it talks to. */
  readonly program?: ProgramHost;
  /** For tests: further or other resource types. */
  readonly providers?: (type: string) => Provider | undefined;
}

/** Keys as `pulumi config` prints them, "key" meaning "project:key"; objects as JSON. */
export interface EngineConfig {
  readonly values: Readonly<Record<string, string>>;
  /** Which of the keys are secret. */
  readonly secretKeys?: readonly string[];
}

export interface RunResult {
  readonly ok: boolean;
  /** Resources by what was done (or would be done) to them; the stack and components count, as with Pulumi. */
  readonly counts: Counts;
  /** The stack's outputs, secrets masked; unknown ones say so in a preview. */
  readonly outputs: Properties;
  /** One line per failure, secrets masked. */
  readonly errors: readonly string[];
  readonly interrupted: boolean;
  readonly seconds: number;
}

/** Applies one stack of the Pulumi program in `projectDir` without Pulumi's CLI. */
export class EmbeddedEngine {
  private readonly project: string;
  private readonly main: string;
  private current: Run | undefined;

  constructor(private readonly options: EngineOptions) {
    const file = path.join(options.projectDir, "Pulumi.yaml");
    const parsed = parseYaml(fs.readFileSync(file, "utf8")) as { name?: string; main?: string };
    if (!parsed.name) throw new Error(`${file}: name is missing`);
    this.project = parsed.name;
    this.main = parsed.main ?? ".";
  }

  /**
   * Makes the world as the program says.
   * @param refresh look at the real resources first and mend what has drifted (default)
   * @throws LockedError, StateError before anything is done; failures of resources are in the result
   */
  up(config: EngineConfig, { refresh = true }: { refresh?: boolean } = {}): Promise<RunResult> {
    return this.locked("up", (run, deployment) => this.runProgram(run, deployment, config), refresh);
  }

  /** What `up` would do. Runs the program and reads real resources, but changes nothing and writes no state. */
  async preview(config: EngineConfig, { refresh = true }: { refresh?: boolean } = {}): Promise<RunResult> {
    return this.perform("preview", (run, deployment) => this.runProgram(run, deployment, config), refresh);
  }

  /** Deletes everything in the state, and what interrupted runs left. */
  destroy(): Promise<RunResult> {
    return this.locked(
      "destroy",
      (run, deployment) => deployment.deleteAll([...run.state.resources], () => true),
      false,
    );
  }

  /** Stops starting new work and ends what is under way within a few seconds; the state stays usable. */
  interrupt(): void {
    this.current?.interrupt();
  }

  private stateFile(): StateFile {
    return new StateFile(this.options.stateFile, this.project, this.options.stack);
  }

  private async locked(action: "up" | "destroy", work: Work, refresh: boolean): Promise<RunResult> {
    const release = acquireLock(this.options.stateFile);
    try {
      return await this.perform(action, work, refresh);
    } finally {
      release();
    }
  }

  private async perform(action: SummaryEvent["action"], work: Work, refresh: boolean): Promise<RunResult> {
    const begin = Date.now();
    const file = this.stateFile();
    const state = file.load();
    const redactor = new Redactor();
    for (const r of state.resources) [r.inputs, r.outputs].forEach((v) => redactor.learn(v as Value));
    const scratch = this.scratch(action);
    const listener = this.options.onEvent ?? ((): void => undefined);
    const provider = (type: string): Provider => this.options.providers?.(type) ?? providerOf(type);
    const write = (s: typeof state): void => file.save(s);
    const exec = this.options.exec ?? realExec;
    const run = new Run(state, write, action === "preview", listener, redactor, exec, scratch, provider);
    const deployment = new Deployment(run, this.options.stack, this.project, refresh);
    const unhook = this.options.handleSignals === false ? (): void => undefined : onSignals(run);
    this.current = run;
    try {
      await work(run, deployment);
    } catch (error) {
      const message = redactor.redact(messageOf(error));
      deployment.errors.push(message);
      run.emit({ type: "diagnostic", severity: "error", message });
    } finally {
      this.current = undefined;
      unhook();
      fs.rmSync(scratch, { recursive: true, force: true });
    }
    const interrupted = run.stopping.signal.aborted;
    const result: RunResult = {
      ok: deployment.errors.length === 0 && !interrupted,
      counts: deployment.counts,
      outputs: mask(deployment.outputs() as Value) as Properties,
      errors: interrupted ? [...deployment.errors, "interrupted"] : deployment.errors,
      interrupted,
      seconds: (Date.now() - begin) / 1000,
    };
    listener({ type: "summary", action, ok: result.ok, counts: result.counts, seconds: result.seconds });
    return result;
  }

  /** Beside the state, where only the owner can look, so that what a killed run left (SSH keys) is found and removed. */
  private scratch(action: SummaryEvent["action"]): string {
    // A preview takes no lock, and may run beside another run.
    if (action === "preview") return fs.mkdtempSync(path.join(os.tmpdir(), "lvs-dr-"));
    const directory = `${this.options.stateFile}.scratch`;
    fs.rmSync(directory, { recursive: true, force: true });
    fs.mkdirSync(directory, { mode: 0o700 });
    return directory;
  }

  private async runProgram(run: Run, deployment: Deployment, config: EngineConfig): Promise<void> {
    const qualify = (key: string): string => (key.includes(":") ? key : `${this.project}:${key}`);
    const values = Object.fromEntries(Object.entries(config.values).map(([k, v]) => [qualify(k), v]));
    const secretKeys = (config.secretKeys ?? []).map(qualify);
    for (const key of secretKeys) run.redactor.learn(secret(values[key] ?? ""));
    const host = this.options.program ?? hostProgram;
    const code = await host(
      {
        projectDir: this.options.projectDir,
        main: this.main,
        project: this.project,
        stack: this.options.stack,
        preview: run.preview,
        parallel: this.options.parallel ?? 64,
        config: values,
        secretKeys,
        onLine: (line) => {
          // Once interrupted, all that it tells is that the engine does not answer it any more.
          if (!run.stopping.signal.aborted) run.emit({ type: "diagnostic", severity: "info", message: line });
        },
        signal: run.killing.signal,
      },
      {
        register: (goal) => deployment.register(goal),
        setOutputs: (urn, outputs) => deployment.setOutputs(urn, outputs),
        invoke: (token, args) => this.invoke(run, token, args),
        log: (severity, message, urn) => {
          if (severity === "error") deployment.errors.push(run.redactor.redact(message));
          run.emit({ type: "diagnostic", severity, message, urn });
        },
      },
    );
    if (run.stopping.signal.aborted) return;
    if (code !== 0 && !(code === ALREADY_REPORTED && deployment.errors.length > 0)) {
      throw new Error(`the program ended with exit status ${code}`);
    }
    if (code === 0 && deployment.errors.length === 0) await deployment.finish();
  }

  private async invoke(run: Run, token: string, args: Properties): Promise<Properties> {
    // Pulumi's own. It is asked about the one stack that this engine knows.
    if (token === "pulumi:pulumi:readStackOutputs")
      return { ...args, outputs: run.state.resources.find(({ type }) => type === STACK_TYPE)?.outputs ?? {} };
    const call = invokes[token];
    if (!call)
      throw new Error(`the embedded engine does not know the function ${token}; use --engine pulumi`);
    const plain = reveal(args as { [key: string]: Value });
    const what = typeof plain.command === "string" ? plain.command : token;
    const id = randomUUID();
    run.emit({ type: "invoke", phase: "pre", id, what });
    try {
      return await call(plain, run.context(`invoke::::::${token}`, ""));
    } finally {
      run.emit({ type: "invoke", phase: "post", id, what });
    }
  }
}

type Work = (run: Run, deployment: Deployment) => Promise<void>;

/** First Ctrl-C: an orderly end. Second: an immediate one; what is half-done is in the intent records. */
function onSignals(run: Run): () => void {
  const handle = (signal: NodeJS.Signals): void => {
    if (run.stopping.signal.aborted) process.exit(signal === "SIGINT" ? 130 : 143);
    run.emit({
      type: "diagnostic",
      severity: "warning",
      message: "interrupted: finishing what is under way; once more to stop at once",
    });
    run.interrupt();
  };
  process.on("SIGINT", handle).on("SIGTERM", handle);
  return () => void process.off("SIGINT", handle).off("SIGTERM", handle);
}
