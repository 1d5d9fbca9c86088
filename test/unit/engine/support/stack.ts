import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { EmbeddedEngine, type EngineEvent, type EngineOptions } from "../../../../engine";
import type { Registered } from "../../../../engine/deployment";
import { STACK_TYPE, type Goal } from "../../../../engine/goal";
import type { ProgramHost } from "../../../../engine/program";
import { StateFile, type State } from "../../../../engine/state";
import type { Properties } from "../../../../engine/values";

/** What a test's program declares; every omitted option is Pulumi's default. */
export type Declare = (
  type: string,
  name: string,
  inputs: Properties,
  options?: Partial<Omit<Goal, "type" | "name" | "inputs">>,
) => Promise<Registered>;

export type TestProgram = (
  declare: Declare,
  stack: string,
  invoke: (token: string, args: Properties) => Promise<Properties>,
) => Promise<Properties | void>;

/** A program that is a function in this process instead of a Pulumi program in its own: fast, and free of timing. */
export function inProcess(program: () => TestProgram): ProgramHost {
  return async (_, handlers) => {
    const register: Declare = (type, name, inputs, options = {}) =>
      handlers.register({
        type, name, inputs, parent: "", custom: true, provider: "", dependencies: [], propertyDependencies: {},
        ignoreChanges: [], replaceOnChanges: [],
        replaceWith: [], additionalSecretOutputs: [], ...options,
      }); // prettier-ignore
    const stack = await register("pulumi:pulumi:Stack", "p-dev", {}, { custom: false });
    try {
      const outputs = await program()(register, stack.urn, (token, args) => handlers.invoke(token, args));
      handlers.setOutputs(stack.urn, outputs ?? {});
      return 0;
    } catch (error) {
      handlers.log("error", String(error), "");
      return 32;
    }
  };
}

export interface Stack {
  readonly engine: EmbeddedEngine;
  readonly events: EngineEvent[];
  readonly stateFile: string;
  /** `op name` of all that succeeded, in order of completion, `same` left out. */
  done(): string[];
  /** Reasons of the last event about a resource. */
  reasons(name: string): readonly string[];
}

/** In memory where there is such a place: the engine syncs its state to disk at every step. */
export function temporaryDirectory(): string {
  return fs.mkdtempSync(path.join(fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir(), "engine-test-"));
}

export function stack(directory: string, options: Partial<EngineOptions>): Stack {
  fs.writeFileSync(path.join(directory, "Pulumi.yaml"), "name: p\nruntime: nodejs\n");
  const events: EngineEvent[] = [];
  const stateFile = path.join(directory, "state", "dev.json");
  const engine = new EmbeddedEngine({
    projectDir: directory,
    stack: "dev",
    stateFile,
    onEvent: (event) => events.push(event),
    handleSignals: false,
    ...options,
  });
  const finished = (): Extract<EngineEvent, { type: "resource" }>[] =>
    events.filter((e) => e.type === "resource" && e.phase === "post" && e.error === undefined) as Extract<
      EngineEvent,
      { type: "resource" }
    >[];
  return {
    engine,
    events,
    stateFile,
    done: () =>
      finished()
        .filter((e) => e.op !== "same" && !e.resourceType.startsWith("pulumi:pulumi"))
        .map((e) => `${e.op} ${e.name}`),
    reasons: (name) =>
      finished()
        .filter((e) => e.name === name)
        .pop()?.reasons ?? [],
  };
}

/** The state as it is on disk, secrets in the clear. */
export const recorded = (stateFile: string, project = "p"): State =>
  new StateFile(stateFile, project, "dev").load();

/** The stack's outputs in it. */
export const outputsIn = (state: State): Properties =>
  state.resources.find(({ type }) => type === STACK_TYPE)?.outputs ?? {};

export const NO_CONFIG = { values: {} };
