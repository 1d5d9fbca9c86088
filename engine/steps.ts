import { randomUUID } from "node:crypto";
import { cleanUp, remove, removeAll } from "./deletion";
import { messageOf, nameOf } from "./events";
import type { Goal } from "./goal";
import { bare, explain, InterruptedError, withSecrecy, type Run } from "./operations";
import { fallsWith, type Plan } from "./plan";
import type { Context, Provider } from "./providers/provider";
import type { Intent, ResourceState } from "./state";
import { reveal, type Properties, type Value } from "./values";

type Bare = { [key: string]: Value };

/** Carries out what was decided for one resource, and records each step before and after it is done. */
export class Applier {
  /** Resources that were or are being replaced, those that fell with another one included. */
  readonly replaced = new Set<string>();

  constructor(
    private readonly run: Run,
    /** Whether the program has registered a resource already in this run. */
    private readonly isRegistered: (urn: string) => boolean,
  ) {}

  /** The preview's answer: what is not known before the work is done stays unknown. */
  foresee(
    urn: string,
    goal: Goal,
    provider: Provider,
    plan: Plan,
    old: ResourceState | undefined,
  ): ResourceState {
    const stays = old && plan.op !== "create" && plan.op !== "replace";
    const kept = old && (plan.op === "same" || plan.op === "refresh") ? old.outputs : {};
    const outputs = withSecrecy(plan.inputs, stays ? kept : {}, provider, goal.additionalSecretOutputs);
    const resource = describe(urn, goal, stays ? old.id : "", plan.inputs, outputs);
    if (plan.op === "replace" && plan.deleteFirst && old)
      this.falling(old).forEach((r) => this.replaced.add(r.urn));
    this.run.record(resource, old);
    return resource;
  }

  async apply(
    urn: string,
    goal: Goal,
    provider: Provider,
    plan: Plan,
    old: ResourceState | undefined,
  ): Promise<ResourceState> {
    if (!old || plan.op === "create") return this.create(urn, goal, provider, plan.inputs, old);
    if (plan.op === "replace") return this.replace(urn, goal, provider, plan, old);
    let computed: Properties = old.outputs;
    if (plan.op !== "same") {
      const intent: Intent = {
        kind: "update",
        urn,
        type: goal.type,
        provider: goal.provider,
        inputs: plan.inputs,
        mark: "",
      };
      const others = this.run.state.intents.filter((i) => i.urn !== urn);
      this.run.state.intents = [...others, intent];
      this.run.save();
      computed = await this.perform(urn, goal.provider, undefined, (context) =>
        plan.op === "update"
          ? provider.update(bare(old), reveal(plan.inputs as Bare), context)
          : (provider.mend?.(bare(old), context) ?? Promise.resolve(bare(old).outputs)),
      );
      this.run.state.intents = this.run.state.intents.filter((i) => i.urn !== urn);
    }
    const own = Object.fromEntries(Object.entries(computed).filter(([k]) => provider.computed.includes(k)));
    const outputs = withSecrecy(plan.inputs, own, provider, goal.additionalSecretOutputs);
    const resource = describe(urn, goal, old.id, plan.inputs, outputs);
    this.run.record(resource, old);
    this.run.save();
    return resource;
  }

  /** @param instead the record that the new one takes the place of */
  private async create(
    urn: string,
    goal: Goal,
    provider: Provider,
    inputs: Properties,
    instead?: ResourceState,
    doom = false,
  ): Promise<ResourceState> {
    const plain = reveal(inputs as Bare);
    const mark = randomUUID();
    await this.perform(urn, goal.provider, mark, async (c) => provider.check?.(plain, c));
    const intent: Intent = { kind: "create", urn, type: goal.type, provider: goal.provider, inputs, mark };
    this.run.state.intents.push(intent);
    this.run.save();
    try {
      const created = await this.perform(urn, goal.provider, mark, (c) => provider.create(plain, c));
      const outputs = withSecrecy(inputs, created.outputs, provider, goal.additionalSecretOutputs);
      const resource = describe(urn, goal, created.id, inputs, outputs);
      this.run.state.intents = this.run.state.intents.filter((i) => i !== intent);
      if (instead && doom) {
        this.run.record({ ...instead, doomed: true }, instead);
        this.run.record(resource);
      } else {
        this.run.record(resource, instead);
      }
      this.run.save();
      return resource;
    } catch (error) {
      // After an interruption there is no time: the intent stays, and the next run cleans up.
      if (!this.run.stopping.signal.aborted)
        await cleanUp(this.run, intent).catch((e: unknown) => this.warn(urn, e));
      throw error;
    }
  }

  private async replace(
    urn: string,
    goal: Goal,
    provider: Provider,
    plan: Plan,
    old: ResourceState,
  ): Promise<ResourceState> {
    if (!plan.deleteFirst) return this.create(urn, goal, provider, plan.inputs, old, true);
    const falling = this.falling(old);
    falling.forEach((r) => this.replaced.add(r.urn));
    const left = await removeAll(
      this.run,
      falling,
      (r, _, error) => error !== undefined && this.warn(r.urn, error),
      () => undefined,
    );
    if (left.length > 0)
      throw new Error(`cannot be replaced before ${left.map((r) => nameOf(r.urn)).join(", ")} is deleted`);
    await remove(this.run, old);
    return this.create(urn, goal, provider, plan.inputs);
  }

  /** Dependents that cannot outlive the deletion of `r`, dependents of dependents included. */
  private falling(r: ResourceState): readonly ResourceState[] {
    const leaving = new Set([r.urn]);
    const result: ResourceState[] = [];
    for (let size = 0; size !== leaving.size;) {
      size = leaving.size;
      for (const other of this.run.state.resources) {
        if (!other.custom || other.doomed || leaving.has(other.urn) || this.isRegistered(other.urn)) continue;
        if (!fallsWith(other, leaving, this.run.providerOf(other.type))) continue;
        leaving.add(other.urn);
        result.push(other);
      }
    }
    return result;
  }

  private async perform<T>(
    urn: string,
    provider: string,
    mark: string | undefined,
    work: (context: Context) => Promise<T>,
  ): Promise<T> {
    if (this.run.stopping.signal.aborted) throw new InterruptedError();
    try {
      return await work(this.run.context(urn, provider, mark));
    } catch (error) {
      throw explain(error, this.run);
    }
  }

  private warn(urn: string, error: unknown): void {
    this.run.emit({ type: "diagnostic", severity: "warning", message: messageOf(error), urn });
  }
}

/** The record of a resource as the program has it now. */
export function describe(
  urn: string,
  goal: Goal,
  id: string,
  inputs: Properties,
  outputs: Properties,
): ResourceState {
  const { type, custom, parent, provider, dependencies, propertyDependencies } = goal;
  return { urn, type, custom, id, parent, provider, inputs, outputs, dependencies, propertyDependencies };
}
