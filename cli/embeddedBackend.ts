/** Applies the program with the embedded engine. */
import { join } from "node:path";
import type { EmbeddedEngine, EngineEvent, RunResult } from "../engine";
import { StateFile, type State } from "../engine/state";
import { DOMAIN, type Backend, type ChangeCounts, type Foreseen } from "./backend";
import { progressOn } from "./progress";
import { readStackConfig, type StackConfig } from "./stackFile";

export class EmbeddedBackend implements Backend {
  readonly engine = "embedded";
  private readonly file: string;

  constructor(
    private readonly project: string,
    private readonly stack: string,
    directory: string,
  ) {
    this.file = join(directory, "state.json");
  }

  /** Runs the engine, with its progress shown. It is loaded only where something is applied: the outputs are in the state. */
  private async run(
    verb: string,
    work: (engine: EmbeddedEngine) => Promise<RunResult>,
    onEvent: (event: EngineEvent) => void = () => undefined,
  ): Promise<RunResult> {
    const [{ EmbeddedEngine }, progress] = await Promise.all([
      import("../engine"),
      progressOn(process.stderr),
    ]);
    const engine = new EmbeddedEngine({
      projectDir: process.cwd(),
      stack: this.stack,
      stateFile: this.file,
      onEvent: (event) => {
        progress.show(event);
        onEvent(event);
      },
    });
    const result = await work(engine).finally(() => progress.end());
    // Each was shown in full when it happened.
    if (!result.ok)
      throw new Error(
        `${verb} ${result.interrupted ? "was interrupted" : "failed"} (${result.errors.length} errors above)`,
      );
    return result;
  }

  private state(): State {
    return new StateFile(this.file, this.project, this.stack).load();
  }

  private static counts({ counts }: RunResult): ChangeCounts {
    const { create, update, replace, delete: deleted, same } = counts;
    return { create, update, replace, delete: deleted, same };
  }

  exists(): Promise<boolean> {
    return Promise.resolve(this.state().resources.length > 0);
  }

  config(): Promise<StackConfig> {
    // Not thrown but answered, like all that goes wrong here.
    return new Promise((done) => done(readStackConfig(this.stack)));
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

  async up(): Promise<ChangeCounts> {
    const values = await this.config();
    return EmbeddedBackend.counts(await this.run("up", (engine) => engine.up({ values })));
  }

  async preview(): Promise<Foreseen> {
    const values = await this.config();
    const restarts = new Set<string>();
    const result = await this.run(
      "preview",
      (engine) => engine.preview({ values }),
      (event) => {
        if (event.type !== "resource" || event.resourceType !== DOMAIN) return;
        if (event.op === "update" || event.op === "replace") restarts.add(event.name);
      },
    );
    return {
      counts: EmbeddedBackend.counts(result),
      restarts: [...restarts],
      outputs: result.outputs as Foreseen["outputs"],
    };
  }

  async destroy(): Promise<ChangeCounts> {
    return EmbeddedBackend.counts(await this.run("down", (engine) => engine.destroy()));
  }

  resources(): Promise<State["resources"]> {
    return Promise.resolve(this.state().resources);
  }
}
