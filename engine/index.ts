import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { EngineEvent, OpMap } from "@pulumi/pulumi/automation";
import { parse as parseYaml } from "yaml";
import { removeDirectory } from "../lib/files";
import type { HostPlace } from "../lib/hostPlace";
import { exec as realExec, type Exec } from "../lib/process";
import { mask, reveal, type Properties } from "../lib/properties";
import { STACK_TYPE } from "../lib/urn";
import { Deployment } from "./deployment";
import { ALREADY_REPORTED, hostProgram, type ProgramHost } from "./program";
import { invokes, providerOf } from "./providers";
import type { Provider } from "./providers/provider";
import { messageOf, Run } from "./run";
import { StateFile } from "./state";

export interface EngineOptions {
  /** Directory of Pulumi.yaml. */
  readonly projectDir: string;
  readonly stack: string;
  /** Where the state is kept; its directory becomes private (0700), its key lies beside it. One run at a time may use it. */
  readonly stateFile: string;
  /** Hosts that do not answer: what is recorded of them, and the program does not register, stays. */
  readonly absent?: readonly HostPlace[];
  /** What happens, as `pulumi up --json` has it. */
  readonly onEvent?: (event: EngineEvent) => void;
  /** For tests: stands in for every external program but the Pulumi program. */
  readonly exec?: Exec;
  /** For tests: stands in for the Pulumi program and the services it talks to. */
  readonly program?: ProgramHost;
  /** For tests: further or other resource types. */
  readonly providers?: (type: string) => Provider | undefined;
}

/** Keys as `pulumi config` prints them, "key" meaning "project:key"; objects as JSON. Which is secret the program says. */
export type EngineConfig = Readonly<Record<string, string>>;

export interface RunResult {
  readonly ok: boolean;
  /** Resources by what was done (or would be done) to them. */
  readonly changes: OpMap;
  /** The stack's outputs, secrets masked; unknown ones say so in a preview. */
  readonly outputs: Properties;
  /** One line per failure, secrets masked. */
  readonly errors: readonly string[];
  readonly interrupted: boolean;
}

type Work = (run: Run, deployment: Deployment) => Promise<void>;

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
   * @throws StateError before anything is done; failures of resources are in the result
   */
  up(config: EngineConfig): Promise<RunResult> {
    return this.perform(false, (run, deployment) => this.runProgram(run, deployment, config));
  }

  /** What `up` would do. Runs the program and looks for real resources, but changes nothing and writes no state. */
  preview(config: EngineConfig): Promise<RunResult> {
    return this.perform(true, (run, deployment) => this.runProgram(run, deployment, config));
  }

  /** Deletes everything in the state, and what interrupted runs left. */
  destroy(): Promise<RunResult> {
    return this.perform(false, (run, deployment) =>
      deployment.deleteAll([...run.state.resources], () => true),
    );
  }

  /** Stops starting new work and ends what is under way within a few seconds; the state stays usable. */
  interrupt(): void {
    this.current?.interrupt();
  }

  private async perform(preview: boolean, work: Work): Promise<RunResult> {
    const begin = Date.now();
    const { stateFile, stack, absent = [], providers } = this.options;
    const { onEvent = () => undefined, exec = realExec } = this.options;
    const file = new StateFile(stateFile, this.project, stack);
    const state = file.load();
    const scratch = this.scratch(preview);
    const run = new Run(state, {
      ...{ preview, onEvent, exec, scratch, absent },
      write: (changed) => file.save(changed),
      providerOf: (type) => providers?.(type) ?? providerOf(type),
    });
    const deployment = new Deployment(run, stack, this.project);
    const unhook = onSignals(run);
    this.current = run;
    run.emit({ preludeEvent: { config: {} } });
    try {
      await work(run, deployment);
    } catch (error) {
      run.diagnostic("error", messageOf(error));
    } finally {
      this.current = undefined;
      unhook();
      removeDirectory(scratch);
    }
    const { changes, interrupted, errors } = run;
    run.emit({
      summaryEvent: {
        maybeCorrupt: false,
        durationSeconds: Math.round((Date.now() - begin) / 1000),
        resourceChanges: changes,
        policyPacks: {},
      },
    });
    return {
      ok: errors.length === 0 && !interrupted,
      changes,
      outputs: mask(deployment.outputs()),
      errors: interrupted ? [...errors, "interrupted"] : errors,
      interrupted,
    };
  }

  /** Beside the state, where only the owner can look, so that what a killed run left (SSH keys) is found and removed. */
  private scratch(preview: boolean): string {
    // A preview may run beside another run.
    if (preview) return fs.mkdtempSync(path.join(os.tmpdir(), "lvs-dr-"));
    const directory = `${this.options.stateFile}.scratch`;
    removeDirectory(directory);
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
  }

  private async runProgram(run: Run, deployment: Deployment, config: EngineConfig): Promise<void> {
    const { projectDir, stack, program = hostProgram } = this.options;
    const qualify = (key: string): string => (key.includes(":") ? key : `${this.project}:${key}`);
    const values = Object.fromEntries(Object.entries(config).map(([k, v]) => [qualify(k), v]));
    const code = await program(
      {
        ...{ projectDir, main: this.main, project: this.project, stack, preview: run.preview },
        ...{ config: values, signal: run.killing.signal },
        onLine: (line) => {
          // Once interrupted, all that it tells is that the engine does not answer it any more.
          if (!run.interrupted) run.diagnostic("info", line);
        },
      },
      {
        register: (goal) => deployment.register(goal),
        setOutputs: (urn, outputs) => deployment.setOutputs(urn, outputs),
        invoke: (token, args) => invoke(run, token, args),
        log: (severity, message, urn) => {
          if (!run.interrupted) run.diagnostic(severity, message, { urn });
        },
      },
    );
    if (run.interrupted) return;
    if (code !== 0 && !(code === ALREADY_REPORTED && run.errors.length > 0)) {
      throw new Error(`the program ended with exit status ${code}`);
    }
    if (code === 0 && run.errors.length === 0) await deployment.finish();
  }
}

let invocations = 0;

/** Calls a function of a provider. What it runs is told as long as it runs. */
async function invoke(run: Run, token: string, args: Properties): Promise<Properties> {
  // Pulumi's own. It is asked about the one stack that this engine knows.
  if (token === "pulumi:pulumi:readStackOutputs")
    return { ...args, outputs: run.state.resources.find(({ type }) => type === STACK_TYPE)?.outputs ?? {} };
  if (token === "pulumi:pulumi:readStackResourceOutputs") {
    const each = run.state.resources.map(({ urn, type, outputs }) => [urn, { type, outputs }]);
    return { ...args, outputs: Object.fromEntries(each) };
  }
  const call = invokes[token];
  if (!call) throw new Error(`the embedded engine does not know the function ${token}; use --engine pulumi`);
  const plain = reveal(args);
  const streamID = (invocations += 1);
  const tell = (what: string): void => run.diagnostic("info", what, { streamID, ephemeral: true });
  tell(typeof plain.command === "string" ? plain.command : token);
  try {
    return await call(plain, run.context(`invoke::::::${token}`, ""));
  } finally {
    tell("");
  }
}

/** First Ctrl-C: an orderly end. Second: an immediate one; what is half-done is in the intent records. */
function onSignals(run: Run): () => void {
  const handle = (signal: NodeJS.Signals): void => {
    if (run.interrupted) process.exit(signal === "SIGINT" ? 130 : 143);
    run.diagnostic("warning", "interrupted: finishing what is under way; once more to stop at once");
    run.interrupt();
  };
  process.on("SIGINT", handle).on("SIGTERM", handle);
  return () => void process.off("SIGINT", handle).off("SIGTERM", handle);
}
