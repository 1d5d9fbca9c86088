import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { EngineEvent } from "./events";
import { messageOf, nameOf } from "./events";
import type { Exec } from "../lib/process";
import type { Context, Disturbance, Known, Provider } from "./providers/provider";
import type { Redactor } from "./redact";
import type { ResourceState, State } from "./state";
import { hasSecret, isSecret, reveal, secret, type Properties, type Value } from "./values";

/** Seconds an operation may still take after an interruption before its processes are ended. */
const GRACE_MS = 5_000;

/** Thrown by whatever would start new work after an interruption. */
export class InterruptedError extends Error {
  constructor() {
    super("interrupted");
  }
}

/** One run's surroundings: the state, its file, and what providers need. */
export class Run {
  /** Aborted by the first interruption: no new work, waiting ends at once. */
  readonly stopping = new AbortController();
  /** Aborted some seconds later: work in flight ends too. */
  readonly killing = new AbortController();

  /** What the state on disk was made of. */
  private saved: readonly unknown[];

  constructor(
    readonly state: State,
    private readonly write: (state: State) => void,
    readonly preview: boolean,
    private readonly listener: (event: EngineEvent) => void,
    readonly redactor: Redactor,
    private readonly exec: Exec,
    private readonly scratch: string,
    readonly providerOf: (type: string) => Provider,
  ) {
    this.saved = this.parts();
    // Each command in flight listens; more than Node's ten of them are no leak.
    setMaxListeners(0, this.stopping.signal, this.killing.signal);
  }

  interrupt(): void {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort(new InterruptedError());
    setTimeout(() => this.killing.abort(new InterruptedError()), GRACE_MS).unref();
  }

  /** Everything shown goes through here, so that no secret can get past. */
  emit(event: EngineEvent): void {
    const clean = (text: string): string => this.redactor.redact(text);
    if (event.type === "diagnostic" || event.type === "status")
      this.listener({ ...event, message: clean(event.message) });
    else if (event.type === "invoke") this.listener({ ...event, what: clean(event.what) });
    else if (event.type === "resource" && event.error !== undefined)
      this.listener({ ...event, error: clean(event.error) });
    else this.listener(event);
  }

  /** Persists the state if it has changed; nothing in a preview. */
  save(): void {
    const parts = this.parts();
    const same = parts.length === this.saved.length && parts.every((part, i) => part === this.saved[i]);
    if (this.preview || same) return;
    this.write(this.state);
    this.saved = parts;
  }

  /** A record is the same object for as long as nothing in it changes. */
  private parts(): readonly unknown[] {
    const { resources, intents, disturbed } = this.state;
    return [...resources, "intents", ...intents, JSON.stringify(disturbed)];
  }

  find(urn: string): ResourceState | undefined {
    return this.state.resources.find((r) => r.urn === urn && !r.doomed);
  }

  /** Puts a resource's new record in the place of `instead`, or at the end. */
  record(resource: ResourceState, instead?: ResourceState): void {
    this.redactor.learn(resource.inputs as Value);
    this.redactor.learn(resource.outputs as Value);
    const at = instead ? this.state.resources.indexOf(instead) : -1;
    if (at < 0) this.state.resources.push(resource);
    else if (JSON.stringify(resource) !== JSON.stringify(instead)) this.state.resources[at] = resource;
    delete this.state.disturbed[resource.urn];
  }

  forget(resource: ResourceState): void {
    this.state.resources = this.state.resources.filter((r) => r !== resource);
    if (!resource.doomed) delete this.state.disturbed[resource.urn];
  }

  /** Notes, for this run or the next, that whatever depends on a resource must be applied again. */
  disturb(urn: string, kind: Disturbance): void {
    for (const { urn: dependent, dependencies } of this.state.resources) {
      if (dependencies.includes(urn)) this.state.disturbed[dependent] = { by: nameOf(urn), kind };
    }
  }

  /** Configuration of the provider a reference names. */
  private config(reference: string): Properties {
    const urn = reference.split("::").slice(0, -1).join("::");
    const provider =
      this.state.resources.find((r) => `${r.urn}::${r.id}` === reference) ??
      this.state.resources.find((r) => r.urn === urn);
    return provider ? reveal(provider.inputs as Value as { [key: string]: Value }) : {};
  }

  context(urn: string, provider: string, mark: string = randomUUID()): Context {
    return {
      exec: this.exec,
      name: urn.split("::").pop() ?? urn,
      config: this.config(provider),
      mark,
      signal: this.stopping.signal,
      killSignal: this.killing.signal,
      scratch: this.scratch,
      log: (line) => this.emit({ type: "diagnostic", severity: "info", message: line, urn }),
      status: (message) => this.emit({ type: "status", urn, message }),
    };
  }
}

/** A resource as its provider sees it. */
export const bare = (r: ResourceState): Known => ({
  id: r.id,
  inputs: reveal(r.inputs as { [key: string]: Value }),
  outputs: reveal(r.outputs as { [key: string]: Value }),
});

/** Inputs and computed outputs together, with the secretness that each must have. */
export function withSecrecy(
  inputs: Properties,
  computed: Properties,
  provider: Provider,
  additional: readonly string[],
): Properties {
  const follow = provider.outputsFollowInputs === true && hasSecret(inputs as Value);
  const hidden = new Set([...additional, ...(provider.secretOutputs ?? [])]);
  const outputs: Record<string, Value> = { ...inputs };
  for (const [key, value] of Object.entries(computed)) {
    // An output that repeats an input is exactly as secret as that input.
    if (key in inputs && hasSecret(inputs[key] ?? null)) continue;
    outputs[key] = follow && !(key in inputs) ? secret(value) : value;
  }
  for (const key of hidden) {
    const value = outputs[key];
    if (value !== undefined && !isSecret(value)) outputs[key] = secret(reveal(value));
  }
  return outputs;
}

/** Says why an operation ended early, where it was not the operation's own failure. */
export function explain(error: unknown, run: Run): Error {
  if (run.stopping.signal.aborted) return new InterruptedError();
  return error instanceof Error ? error : new Error(messageOf(error));
}
