import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation";
import { EmbeddedEngine, type EngineOptions } from "../../../../engine";
import type { Registered } from "../../../../engine/deployment";
import type { Goal } from "../../../../engine/goal";
import type { ProgramHost } from "../../../../engine/program";
import { StateFile, type State } from "../../../../engine/state";
import type { Properties } from "../../../../lib/properties";
import { nameOf, STACK_TYPE } from "../../../../lib/urn";

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
  setOutputs: (urn: string, outputs: Properties) => void,
) => Promise<Properties | void>;

/** A program that is a function in this process instead of a Pulumi program in its own: fast, and free of timing. */
export function inProcess(program: () => TestProgram): ProgramHost {
  return async (_, handlers) => {
    const register: Declare = (type, name, inputs, options = {}) =>
      handlers.register({
        type, name, inputs, parent: "", custom: true, provider: "", dependencies: [], propertyDependencies: {},
        ignoreChanges: [], replaceOnChanges: [],
        replaceWith: [], additionalSecretOutputs: [], aliases: [], ...options,
      }); // prettier-ignore
    const stack = await register("pulumi:pulumi:Stack", "p-dev", {}, { custom: false });
    try {
      const outputs = await program()(
        register,
        stack.urn,
        (token, args) => handlers.invoke(token, args),
        (urn, some) => handlers.setOutputs(urn, some),
      );
      handlers.setOutputs(stack.urn, outputs ?? {});
      return 0;
    } catch (error) {
      // So does Pulumi's SDK.
      handlers.setOutputs(stack.urn, {});
      handlers.log("error", String(error), "");
      return 32;
    }
  };
}

export interface Stack {
  readonly engine: EmbeddedEngine;
  readonly events: EngineEvent[];
  readonly stateFile: string;
  /** `op name` of all that succeeded, in order of completion; `same` and replacements' first halves left out. */
  done(): string[];
  /** What was said of a resource. */
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
    ...options,
  });
  return {
    engine,
    events,
    stateFile,
    done: () =>
      finished(events)
        .filter(({ op, type }) => !["same", "create-replacement"].includes(op) && type !== STACK_TYPE)
        .map(({ op, urn }) => `${op} ${nameOf(urn)}`),
    reasons: (name) =>
      events.flatMap(({ diagnosticEvent }) =>
        diagnosticEvent?.message.startsWith(`${name}: `) ? [diagnosticEvent.message] : [],
      ),
  };
}

/** The steps that succeeded, in order of completion. */
export const finished = (events: readonly EngineEvent[]): StepEventMetadata[] =>
  events.flatMap(({ resOutputsEvent }) => (resOutputsEvent ? [resOutputsEvent.metadata] : []));

/** The state as it is on disk, secrets in the clear. */
export const recorded = (stateFile: string, project = "p"): State =>
  new StateFile(stateFile, project, "dev").load();

/** The stack's outputs in it. */
export const outputsIn = (state: State): Properties =>
  state.resources.find(({ type }) => type === STACK_TYPE)?.outputs ?? {};

export const NO_CONFIG = {};
