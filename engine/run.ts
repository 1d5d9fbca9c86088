import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { DiagnosticEvent, EngineEvent, OpType, StepEventMetadata } from "@pulumi/pulumi/automation";
import { isOnAny, type HostPlace } from "../lib/hostPlace";
import type { Exec } from "../lib/process";
import { mask, reveal, type Properties } from "../lib/properties";
import { nameOf, referenced, typeOf } from "../lib/urn";
import type { Context, Known, Provider } from "./providers/provider";
import { Redactor } from "./redact";
import { recreated, updateOf, type Intent, type ResourceState, type State } from "./state";

/** How long an operation may still take after an interruption before its processes are ended. */
const GRACE_MS = 5_000;

/** Thrown by whatever would start new work after an interruption. */
export class InterruptedError extends Error {
  constructor() {
    super("interrupted");
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What a run needs of the world around it. */
export interface Surroundings {
  readonly preview: boolean;
  readonly write: (state: State) => void;
  readonly onEvent: (event: EngineEvent) => void;
  readonly exec: Exec;
  /** A directory only the owner can enter. */
  readonly scratch: string;
  readonly providerOf: (type: string) => Provider;
  /** Hosts that do not answer. */
  readonly absent: readonly HostPlace[];
}

/** One run: the state as it changes, what is told of it, and what providers need. */
export class Run {
  /** Aborted by the first interruption: no new work, waiting ends at once. */
  readonly stopping = new AbortController();
  /** Aborted some seconds later: work in flight ends too. */
  readonly killing = new AbortController();
  readonly redactor = new Redactor();
  readonly errors: string[] = [];
  /** Resources by what was done to them; the stack and components count, as with Pulumi. */
  readonly changes = { create: 0, update: 0, replace: 0, delete: 0, same: 0 };
  readonly preview: boolean;
  readonly providerOf: (type: string) => Provider;
  private sequence = 0;
  /** What the state on disk was made of. */
  private saved: readonly unknown[];

  constructor(
    readonly state: State,
    private readonly surroundings: Surroundings,
  ) {
    this.preview = surroundings.preview;
    this.providerOf = surroundings.providerOf;
    this.saved = this.parts();
    for (const { inputs, outputs } of state.resources) this.learn(inputs, outputs);
    // Each command in flight listens; more than Node's ten of them are no leak.
    setMaxListeners(0, this.stopping.signal, this.killing.signal);
  }

  get interrupted(): boolean {
    return this.stopping.signal.aborted;
  }

  interrupt(): void {
    if (this.interrupted) return;
    this.stopping.abort(new InterruptedError());
    setTimeout(() => this.killing.abort(new InterruptedError()), GRACE_MS).unref();
  }

  learn(...properties: Properties[]): void {
    for (const each of properties) this.redactor.learn(each);
  }

  emit(event: Omit<EngineEvent, "sequence" | "timestamp">): void {
    this.surroundings.onEvent({
      sequence: (this.sequence += 1),
      timestamp: Math.floor(Date.now() / 1000),
      ...event,
    });
  }

  /** Text shown goes through here, so that no secret can get past. */
  diagnostic(
    severity: DiagnosticEvent["severity"],
    message: string,
    more: Pick<DiagnosticEvent, "urn" | "streamID" | "ephemeral"> = {},
  ): void {
    const clean = this.redactor.redact(message);
    if (severity === "error") this.errors.push(clean);
    this.emit({ diagnosticEvent: { severity, message: clean, color: "never", ...more } });
  }

  /** Of a resource, by its name. */
  tell(severity: "info" | "warning" | "error", urn: string, message: string): void {
    this.diagnostic(severity, `${nameOf(urn)}: ${message}`, { urn });
  }

  /** What an interruption has cut short did not fail by itself. */
  failed(urn: string, error: unknown): void {
    this.tell("error", urn, messageOf(this.interrupted ? new InterruptedError() : error));
  }

  /** Does something to a resource, told as Pulumi tells of its steps. */
  async step<T extends ResourceState | void>(
    op: OpType,
    urn: string,
    work: () => T | Promise<T>,
    more: Partial<StepEventMetadata> = {},
  ): Promise<T> {
    if (this.interrupted) throw new InterruptedError();
    // Parts of a replacement are Pulumi's own business: what the program asked for is the replacement.
    const logical = op !== "create-replacement" && op !== "delete-replaced";
    const metadata = { op, urn, type: typeOf(urn), logical, provider: "", ...more };
    const planning = this.preview;
    this.emit({ resourcePreEvent: { metadata, planning } });
    try {
      const result = await work();
      const made = result ? { new: shown(result) } : {};
      this.emit({ resOutputsEvent: { metadata: { ...metadata, ...made }, planning } });
      if (op in this.changes) this.changes[op as keyof typeof this.changes] += 1;
      return result;
    } catch (error) {
      this.emit({ resOpFailedEvent: { metadata, status: 0, steps: 0 } });
      throw error;
    }
  }

  /** What a component has registered as its outputs, once its children are there. */
  outputsOf(component: ResourceState): void {
    const { urn, type } = component;
    const metadata = { op: "same", urn, type, logical: true, provider: "", new: shown(component) } as const;
    this.emit({ resOutputsEvent: { metadata, planning: this.preview } });
  }

  /** Persists the state if it has changed; nothing in a preview. */
  save(): void {
    const parts = this.parts();
    const same = parts.length === this.saved.length && parts.every((part, i) => part === this.saved[i]);
    if (this.preview || same) return;
    this.surroundings.write(this.state);
    this.saved = parts;
  }

  /** A record is the same object for as long as nothing in it changes. */
  private parts(): readonly unknown[] {
    return [...this.state.resources, "intents", ...this.state.intents];
  }

  /** Whether a resource is on a host that does not answer. */
  isAbsent(resource: Pick<ResourceState, "inputs" | "provider">): boolean {
    return isOnAny(this.surroundings.absent, resource, this.state.resources);
  }

  find(urn: string): ResourceState | undefined {
    return this.state.resources.find((r) => r.urn === urn && !r.doomed);
  }

  /** Puts a resource's new record in the place of `instead`, or at the end. */
  record(resource: ResourceState, instead?: ResourceState): void {
    this.learn(resource.inputs, resource.outputs);
    const at = instead ? this.state.resources.indexOf(instead) : -1;
    if (at < 0) this.state.resources.push(resource);
    else if (JSON.stringify(resource) !== JSON.stringify(instead)) this.state.resources[at] = resource;
  }

  /** Whether the state has a resource under this URN, or one whose creation was begun. */
  knows(urn: string): boolean {
    return this.find(urn) !== undefined || this.state.intents.some((intent) => intent.urn === urn);
  }

  /**
   * Gives a resource another URN, wherever the state names it. Records that do not name it stay the same objects, since others
   * may be at work on them: whatever a resource depends on has been registered, and renamed, before it.
   */
  rename(from: string, to: string): void {
    const { state } = this;
    // A provider is named by its URN and its id.
    const renamed = (_key: string, value: unknown): unknown =>
      value === from || String(value).startsWith(`${from}::`) ? to + String(value).slice(from.length) : value;
    state.resources = state.resources.map((each) => {
      const { inputs, outputs, ...names } = each;
      const text = JSON.stringify(names, renamed);
      if (text === JSON.stringify(names)) return each;
      return { ...(JSON.parse(text) as typeof names), inputs, outputs };
    });
    state.intents = state.intents.map((each) => (each.urn === from ? { ...each, urn: to } : each));
  }

  forget(resource: ResourceState): void {
    this.state.resources = this.state.resources.filter((r) => r !== resource);
    if (!resource.doomed) this.settle(resource.urn);
  }

  /** Notes what is about to be done to a resource. */
  intend(intent: Intent): void {
    this.settle(intent.urn);
    this.state.intents = [...this.state.intents, intent];
  }

  settle(urn: string): void {
    this.state.intents = this.state.intents.filter((intent) => intent.urn !== urn);
  }

  /** What depends on a resource that was made anew is to be updated, in this run or the next. */
  disturb(urn: string): void {
    for (const dependent of this.state.resources) {
      if (!dependent.custom || dependent.doomed || !dependent.dependencies.includes(urn)) continue;
      if (!this.providerOf(dependent.type).update) continue;
      // It is made anew itself, and what its interrupted creation has left is known by that record only.
      if (this.state.intents.some((i) => i.urn === dependent.urn && i.kind === "create")) continue;
      this.intend(updateOf(dependent, recreated(nameOf(urn))));
    }
  }

  /** Configuration of the provider that a reference names. */
  private config(reference: string): Properties {
    const provider =
      this.state.resources.find((r) => `${r.urn}::${r.id}` === reference) ??
      this.state.resources.find((r) => r.urn === referenced(reference));
    return provider ? reveal(provider.inputs) : {};
  }

  context(urn: string, provider: string, mark: string = randomUUID()): Context {
    return {
      exec: this.surroundings.exec,
      name: nameOf(urn),
      config: this.config(provider),
      mark,
      signal: this.stopping.signal,
      killSignal: this.killing.signal,
      scratch: this.surroundings.scratch,
      log: (line) => this.diagnostic("info", line, { urn }),
      status: (message) => this.diagnostic("info", message, { urn, ephemeral: true }),
    };
  }
}

/** A resource as its provider sees it. */
export const bare = (r: ResourceState): Known => ({
  id: r.id,
  inputs: reveal(r.inputs),
  outputs: reveal(r.outputs),
});

/** A resource as events have it. */
const shown = ({ urn, type, custom, id, parent, provider, inputs, outputs }: ResourceState) => ({
  ...{ urn, type, custom, id, parent, provider },
  inputs: mask(inputs),
  outputs: mask(outputs),
});
