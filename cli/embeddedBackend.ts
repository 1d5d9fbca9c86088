/** Applies the program with the embedded engine. */
import { join } from "node:path";
import type { EmbeddedEngine, EngineEvent, RunResult } from "../engine";
import { StateFile, type ResourceState } from "../engine/state";
import { reveal, type Value } from "../engine/values";
import type { Backend, ChangeCounts, StackOutputs } from "./backend";
import { readStackConfig } from "./stackFile";
import { say } from "./terminal";

/** Components only group; what is done to them says nothing. */
function isGroup(resourceType: string): boolean {
  return resourceType.startsWith("lvsdr:") || resourceType.startsWith("pulumi:");
}

function show(event: EngineEvent): void {
  if (event.type === "diagnostic") say(`  ${event.severity}: ${event.message}`);
  if (event.type !== "resource" || isGroup(event.resourceType) || event.op === "same" || event.op === "skip")
    return;
  const label = `${event.op.padEnd(8)} ${event.resourceType.split(":").at(-1)} ${event.name}`;
  const why = event.reasons.length > 0 ? ` (${event.reasons.join("; ")})` : "";
  // A failure is told by its diagnostic.
  if (event.error === undefined && event.phase === "post") {
    say(`  ${label}${why} ${(event.seconds ?? 0).toFixed(1)} s`);
  }
}

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

  /** Loaded only where something is applied: the outputs are in the state. */
  private async embedded(): Promise<EmbeddedEngine> {
    const { EmbeddedEngine } = await import("../engine");
    return new EmbeddedEngine({
      projectDir: process.cwd(),
      stack: this.stack,
      stateFile: this.file,
      onEvent: show,
    });
  }

  private resources(): readonly ResourceState[] {
    return new StateFile(this.file, this.project, this.stack).load().resources;
  }

  private static finish(verb: string, { ok, errors, interrupted, counts }: RunResult): ChangeCounts {
    // Each was shown in full when it happened.
    if (!ok)
      throw new Error(
        `${verb} ${interrupted ? "was interrupted" : "failed"} (${errors.length} errors above)`,
      );
    const { create, update, replace, delete: deleted, same } = counts;
    return { create, update, replace, delete: deleted, same };
  }

  exists(): Promise<boolean> {
    return Promise.resolve(this.resources().length > 0);
  }

  async up(): Promise<ChangeCounts> {
    const engine = await this.embedded();
    return EmbeddedBackend.finish("up", await engine.up({ values: readStackConfig(this.stack) }));
  }

  async preview(): Promise<ChangeCounts> {
    const engine = await this.embedded();
    return EmbeddedBackend.finish("preview", await engine.preview({ values: readStackConfig(this.stack) }));
  }

  async destroy(): Promise<ChangeCounts> {
    const engine = await this.embedded();
    return EmbeddedBackend.finish("down", await engine.destroy());
  }

  outputs(): Promise<StackOutputs> {
    const stack = this.resources().find(({ type }) => type === "pulumi:pulumi:Stack");
    return Promise.resolve(reveal((stack?.outputs ?? {}) as Value) as StackOutputs);
  }
}
