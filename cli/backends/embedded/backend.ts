/** Applies the program with the embedded engine. */
import { join } from "node:path";
import type { EngineEvent } from "@pulumi/pulumi/automation";
import type { EmbeddedEngine, RunResult } from "../../../engine";
import { StateFile, type State } from "../../../engine/state";
import { isOnAny, withoutResources, type HostPlace } from "../../../lib/hostPlace";
import { DOMAIN, type Backend, type ChangeCounts, type Foreseen } from "../backend";
import { progressOn } from "../progress";
import { foreseen } from "../events";
import { readStackConfig, type StackConfig } from "../../stack/stackFile";

export class EmbeddedBackend implements Backend {
  readonly engine = "embedded";
  private readonly file: string;

  constructor(
    private readonly project: string,
    private readonly stack: string,
    directory: string,
    /** The stack's configuration. */
    private readonly stackFile: string,
  ) {
    this.file = join(directory, "state.json");
  }

  /** Runs the engine, with its progress shown. It is loaded only where something is applied: the outputs are in the state. */
  private async run(
    verb: string,
    work: (engine: EmbeddedEngine) => Promise<RunResult>,
    absent: readonly HostPlace[] = [],
    events?: EngineEvent[],
  ): Promise<ChangeCounts> {
    const [{ EmbeddedEngine }, progress] = await Promise.all([
      import("../../../engine"),
      progressOn(process.stderr),
    ]);
    const engine = new EmbeddedEngine({
      projectDir: process.cwd(),
      stack: this.stack,
      stateFile: this.file,
      absent,
      onEvent: (event) => {
        progress.show(event);
        events?.push(event);
      },
    });
    const result = await work(engine).finally(() => progress.end());
    // Each was shown in full when it happened.
    if (!result.ok)
      throw new Error(
        `${verb} ${result.interrupted ? "was interrupted" : "failed"} (${result.errors.length} error${result.errors.length === 1 ? "" : "s"} above)`,
      );
    return result.changes;
  }

  private stateFile(): StateFile {
    return new StateFile(this.file, this.project, this.stack);
  }

  private state(): State {
    return this.stateFile().load();
  }

  exists(): Promise<boolean> {
    return Promise.resolve(this.state().resources.length > 0);
  }

  config(): Promise<StackConfig> {
    // Not thrown but answered, like all that goes wrong here.
    return new Promise((done) => done(readStackConfig(this.stackFile)));
  }

  domains(): Promise<ReadonlyMap<string, string | undefined>> {
    const { resources, intents } = this.state();
    const known = [
      ...intents.filter(({ kind }) => kind === "create").map((intent) => ({ ...intent, id: intent.mark })),
      ...resources,
    ].filter(({ type }) => type === DOMAIN);
    return Promise.resolve(new Map(known.map(({ inputs, id }) => [String(inputs.name), id])));
  }

  unlock(): Promise<void> {
    // Nothing but `scripts/lab` runs this engine, and that holds a lock of its own.
    return Promise.resolve();
  }

  async up(absent: readonly HostPlace[] = []): Promise<ChangeCounts> {
    const config = await this.config();
    return this.run("up", (engine) => engine.up(config), absent);
  }

  async preview(absent: readonly HostPlace[] = []): Promise<Foreseen> {
    const config = await this.config();
    const events: EngineEvent[] = [];
    await this.run("preview", (engine) => engine.preview(config), absent, events);
    return foreseen(events);
  }

  destroy(): Promise<ChangeCounts> {
    return this.run("down", (engine) => engine.destroy());
  }

  forget(lost: readonly HostPlace[]): Promise<number> {
    const file = this.stateFile();
    const { resources, intents, ...state } = file.load();
    const theirs = [...resources, ...intents].filter((each) => isOnAny(lost, each, resources));
    const gone = new Set(theirs.map(({ urn }) => urn));
    file.save({
      ...state,
      resources: withoutResources(resources, gone),
      intents: intents.filter(({ urn }) => !gone.has(urn)),
    });
    return Promise.resolve(gone.size);
  }

  resources(): Promise<State["resources"]> {
    return Promise.resolve(this.state().resources);
  }
}
