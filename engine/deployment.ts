import { hasUnknown, known, type Properties } from "../lib/properties";
import { makeUrn, referenced, STACK_TYPE } from "../lib/urn";
import { cleanUp, removeAll } from "./deletion";
import type { Goal } from "./goal";
import { changedInputs } from "./inputs";
import { decide, type Plan } from "./plan";
import type { Provider } from "./providers/provider";
import { bare, InterruptedError, messageOf, type Run } from "./run";
import type { Intent, ResourceState } from "./state";
import { resourceOf, Steps } from "./steps";

/** The answer to a registration. */
export interface Registered {
  readonly urn: string;
  /** Empty when unknown (preview) or without one. */
  readonly id: string;
  readonly outputs: Properties;
  /** Whether it is as the program wants it. */
  readonly ok: boolean;
}

/** One pass over the program: each registration is compared with the state and applied; in the end, what is gone goes. */
export class Deployment {
  private readonly steps: Steps;
  private readonly registered = new Set<string>();
  private readonly broken = new Set<string>();
  /** Of the stack, by this program. */
  private registeredOutputs: Properties = {};

  constructor(
    private readonly run: Run,
    private readonly stack: string,
    private readonly project: string,
  ) {
    this.steps = new Steps(run, (urn) => this.registered.has(urn));
  }

  async register(goal: Goal): Promise<Registered> {
    if (this.run.interrupted) throw new InterruptedError();
    this.run.learn(goal.inputs);
    const urn = makeUrn(this.stack, this.project, goal.type, goal.name, goal.parent);
    if (this.registered.has(urn))
      throw new Error(`two resources of type ${goal.type} are named "${goal.name}" here`);
    this.registered.add(urn);
    const former = this.run.knows(urn) ? undefined : goal.aliases.find((alias) => this.run.knows(alias));
    if (former !== undefined) this.run.rename(former, urn);
    return goal.custom ? this.registerCustom(urn, goal) : this.registerComponent(urn, goal);
  }

  private async registerComponent(urn: string, goal: Goal): Promise<Registered> {
    const old = this.run.find(urn);
    const inputs = known(goal.inputs);
    const changed = old && changedInputs(old.inputs, inputs).length > 0;
    await this.run.step(changed ? "update" : old ? "same" : "create", urn, () => {
      const resource = resourceOf(urn, goal, "", inputs, old?.outputs ?? {});
      this.run.record(resource, old);
      this.run.save();
      return resource;
    });
    return { urn, id: "", outputs: goal.inputs, ok: true };
  }

  /**
   * Outputs a component (or the stack) registers when its children are there. What a failure has left unknown stays as it was; of the stack, as with
   * Pulumi, all that a program which fails does not register any more.
   */
  setOutputs(urn: string, outputs: Properties): void {
    const old = this.run.find(urn);
    if (!old) throw new Error(`outputs of a resource that was never registered: ${urn}`);
    const isStack = old.type === STACK_TYPE;
    const stays = Object.entries(old.outputs).filter(([key]) => isStack || key in outputs);
    const now = this.run.preview ? outputs : { ...Object.fromEntries(stays), ...known(outputs) };
    if (isStack) this.registeredOutputs = outputs;
    this.recordOutputs(old, now);
  }

  private recordOutputs(old: ResourceState, outputs: Properties): void {
    const resource = { ...old, outputs };
    this.run.record(resource, old);
    this.run.save();
    this.run.outputsOf(resource);
  }

  private async registerCustom(urn: string, goal: Goal): Promise<Registered> {
    if (this.isBlocked(goal)) {
      this.broken.add(urn);
      return { urn, id: "", outputs: {}, ok: false };
    }
    try {
      const provider = this.run.providerOf(goal.type);
      const plan = await this.plan(urn, goal, provider);
      if (plan.reason !== undefined) this.run.tell("info", urn, plan.reason);
      if (plan.anew && provider.disturbs) this.run.disturb(urn);
      const old = this.run.find(urn);
      const { id, outputs } = await this.steps.perform({ urn, goal, provider, plan, old });
      return { urn, id, outputs, ok: true };
    } catch (error) {
      this.run.failed(urn, error);
      this.broken.add(urn);
      return { urn, id: "", outputs: {}, ok: false };
    }
  }

  /** Whether a resource cannot be touched at all: something that it takes values from, or waits for, has failed. */
  private isBlocked(goal: Goal): boolean {
    const needed = [...goal.dependencies, referenced(goal.provider)];
    if (needed.some((urn) => this.broken.has(urn))) return true;
    return !this.run.preview && hasUnknown(goal.inputs);
  }

  private async plan(urn: string, goal: Goal, provider: Provider): Promise<Plan> {
    const intents = this.run.state.intents.filter((i) => i.urn === urn);
    const halfMade = intents.find((i) => i.kind === "create");
    if (halfMade) await cleanUp(this.run, halfMade);
    const old = this.run.find(urn);
    if (!old) {
      const reason = halfMade ? { reason: "an earlier creation was interrupted" } : {};
      return { op: "create", inputs: goal.inputs, detailedDiff: {}, ...reason };
    }
    return decide(old, goal, provider, {
      exists: await this.exists(old, provider),
      pending: intents.find((i) => i.kind === "update"),
      replacedPeers: goal.replaceWith.filter((peer) => this.steps.replaced.has(peer)),
    });
  }

  private async exists(old: ResourceState, provider: Provider): Promise<boolean> {
    try {
      return (await provider.exists?.(bare(old), this.run.context(old.urn, old.provider))) ?? true;
    } catch (error) {
      if (!this.run.preview) throw error;
      this.run.tell("warning", old.urn, `cannot be read, taken as unchanged: ${messageOf(error)}`);
      return true;
    }
  }

  /** After a program that ended well: what it no longer mentions goes, and what was replaced. */
  async finish(): Promise<void> {
    const stack = this.stackRecord();
    const gone = Object.keys(stack?.outputs ?? {}).some((key) => !(key in this.registeredOutputs));
    if (stack && gone) this.recordOutputs(stack, this.registeredOutputs);
    const orphans = this.run.state.resources.filter((r) => r.doomed === true || !this.registered.has(r.urn));
    await this.deleteAll(orphans, (intent) => !this.registered.has(intent.urn));
  }

  /** @param all every resource to go @param which the intents to be cleaned up first: nothing can depend on half-made things */
  async deleteAll(all: readonly ResourceState[], which: (intent: Intent) => boolean): Promise<void> {
    const begun = this.run.state.intents.filter((i) => i.kind === "create" && !this.run.isAbsent(i));
    for (const intent of begun.filter(which)) {
      await cleanUp(this.run, intent).catch((error: unknown) => this.run.failed(intent.urn, error));
    }
    const left = await removeAll(this.run, all);
    const kept = left.some((r) => this.run.isAbsent(r));
    if (left.length > 0 && !kept && this.run.errors.length === 0)
      this.run.errors.push(`${left.length} resources were not deleted`);
  }

  /** The stack's outputs. */
  outputs(): Properties {
    return this.stackRecord()?.outputs ?? {};
  }

  private stackRecord(): ResourceState | undefined {
    return this.run.state.resources.find(({ type }) => type === STACK_TYPE);
  }
}
