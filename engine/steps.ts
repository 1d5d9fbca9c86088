import { randomUUID } from "node:crypto";
import { hasSecret, isSecret, reveal, secret, type Properties, type Value } from "../lib/properties";
import { nameOf } from "../lib/urn";
import { cleanUp, removeAll } from "./deletion";
import type { Goal } from "./goal";
import { fallsWith, type Plan } from "./plan";
import type { Provider } from "./providers/provider";
import { bare, messageOf, type Run } from "./run";
import { updateOf, type Intent, type ResourceState } from "./state";

/** One registration, and what was decided for it. */
export interface Step {
  readonly urn: string;
  readonly goal: Goal;
  readonly provider: Provider;
  readonly plan: Plan;
  /** The resource as it was recorded. */
  readonly old: ResourceState | undefined;
}

/** Carries out what was decided for one resource, and records each step before and after it is done. */
export class Steps {
  /** Resources that were or are being replaced, those that fell with another one included. */
  readonly replaced = new Set<string>();

  constructor(
    private readonly run: Run,
    /** Whether the program has registered a resource already in this run. */
    private readonly isRegistered: (urn: string) => boolean,
  ) {}

  async perform(step: Step): Promise<ResourceState> {
    const { urn, plan, old } = step;
    const detailedDiff = { ...plan.detailedDiff };
    const diffs = Object.keys(detailedDiff);
    const keys = diffs.filter((path) => detailedDiff[path]?.diffKind.endsWith("-replace"));
    if (plan.op === "replace" && old) {
      this.replaced.add(urn);
      if (plan.deleteFirst) await this.deleteFirst(old);
    }
    // What fell with a replaced dependency was replaced, whatever it looks like now.
    const replacing = this.replaced.has(urn);
    const told = { detailedDiff, diffs, keys };
    const op = replacing ? "create-replacement" : plan.op;
    const resource = await this.run.step(op, urn, () => this.apply(step), told);
    if (replacing) await this.run.step("replace", urn, () => resource, told);
    return resource;
  }

  /** In a preview what is not known before the work is done stays unknown. */
  private apply(step: Step): ResourceState | Promise<ResourceState> {
    const { plan, old } = step;
    if (plan.op === "same" && old) return this.recorded(step, old.id, old.outputs);
    if (plan.op === "update" && old)
      return this.run.preview ? this.recorded(step, old.id, {}) : this.update(step, old);
    return this.run.preview ? this.recorded(step, "", {}) : this.create(step);
  }

  private async update(step: Step, old: ResourceState): Promise<ResourceState> {
    const { urn, goal, provider, plan } = step;
    this.run.intend(updateOf({ ...goal, urn }, plan.anew ? plan.reason : undefined));
    this.run.save();
    const context = this.run.context(urn, goal.provider);
    const outputs = await provider.update?.(bare(old), reveal(plan.inputs), context);
    return this.recorded(step, old.id, outputs ?? old.outputs);
  }

  private async create(step: Step): Promise<ResourceState> {
    const { urn, goal, provider, plan } = step;
    const plain = reveal(plan.inputs);
    const mark = randomUUID();
    const context = this.run.context(urn, goal.provider, mark);
    await provider.check?.(plain, context);
    const intent: Intent = { ...updateOf({ ...goal, urn }), kind: "create", inputs: plan.inputs, mark };
    this.run.intend(intent);
    this.run.save();
    try {
      const { id, outputs } = await provider.create(plain, context);
      return this.recorded(step, id, outputs);
    } catch (error) {
      // After an interruption there is no time: the intent stays, and the next run cleans up.
      if (!this.run.interrupted)
        await cleanUp(this.run, intent).catch((e: unknown) => this.run.tell("warning", urn, messageOf(e)));
      throw error;
    }
  }

  /** Records the resource as the program has it now. @param computed outputs that are not inputs too */
  private recorded(
    { urn, goal, provider, plan, old }: Step,
    id: string,
    computed: Properties,
  ): ResourceState {
    const own = Object.fromEntries(
      Object.entries(computed).filter(([key]) => provider.computed.includes(key)),
    );
    const outputs = withSecrecy(plan.inputs, own, provider, goal.additionalSecretOutputs);
    const resource = resourceOf(urn, goal, id, plan.inputs, outputs);
    if (old && plan.op === "replace" && !plan.deleteFirst) {
      this.run.record({ ...old, doomed: true }, old);
      this.run.record(resource);
    } else this.run.record(resource, old);
    this.run.settle(urn);
    this.run.save();
    return resource;
  }

  /** Deletes what is to be replaced, and before it what cannot live without it. */
  private async deleteFirst(old: ResourceState): Promise<void> {
    const falling = this.falling(old);
    for (const { urn } of falling) this.replaced.add(urn);
    const left = await removeAll(this.run, [...falling, old], true);
    if (left.length > 0)
      throw new Error(`cannot be replaced before ${left.map((r) => nameOf(r.urn)).join(", ")} is deleted`);
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
}

/** Inputs and computed outputs together, with the secretness that each must have. */
function withSecrecy(
  inputs: Properties,
  computed: Properties,
  provider: Provider,
  additional: readonly string[],
): Properties {
  const follow = provider.outputsFollowInputs === true && hasSecret(inputs);
  const outputs: Record<string, Value> = { ...inputs };
  for (const [key, value] of Object.entries(computed)) {
    // An output that repeats an input is exactly as secret as that input.
    if (key in inputs && hasSecret(inputs[key] ?? null)) continue;
    outputs[key] = follow && !(key in inputs) ? secret(value) : value;
  }
  for (const key of additional) {
    const value = outputs[key];
    if (value !== undefined && !isSecret(value)) outputs[key] = secret(reveal(value));
  }
  return outputs;
}

/** The record of a resource as the program has it now. */
export function resourceOf(
  urn: string,
  goal: Goal,
  id: string,
  inputs: Properties,
  outputs: Properties,
): ResourceState {
  const { type, custom, parent, provider, dependencies, propertyDependencies, replacementTrigger } = goal;
  return {
    urn,
    type,
    custom,
    id,
    parent,
    provider,
    inputs,
    outputs,
    dependencies,
    propertyDependencies,
    ...(replacementTrigger !== undefined && { replacementTrigger }),
  };
}
