import { Applier, describe } from "./apply";
import { cleanUp, removeAll } from "./deletion";
import { messageOf, nameOf, noCounts, type Op } from "./events";
import { makeUrn, STACK_TYPE, type Goal } from "./goal";
import { bare, InterruptedError, type Run } from "./operations";
import { decide, type Circumstances, type Plan } from "./plan";
import type { Disturbance, Found, Provider } from "./providers/provider";
import type { Intent, ResourceState } from "./state";
import { differences, hasUnknown, known, type Properties, type Value } from "./values";

/** The answer to a registration. */
export interface Registered {
  readonly urn: string;
  /** Empty when unknown (preview) or without one. */
  readonly id: string;
  readonly outputs: Properties;
  readonly result: "success" | "failed" | "skipped";
}

/** One pass over the program: each registration is compared with the state and applied; in the end, what is gone goes. */
export class Deployment {
  readonly counts = noCounts();
  readonly errors: string[] = [];
  private readonly applier: Applier;
  private readonly registered = new Set<string>();
  private readonly broken = new Set<string>();

  constructor(
    private readonly run: Run,
    private readonly stack: string,
    private readonly project: string,
    private readonly refresh: boolean,
  ) {
    this.applier = new Applier(run, (urn) => this.registered.has(urn));
  }

  async register(goal: Goal): Promise<Registered> {
    if (this.run.stopping.signal.aborted) throw new InterruptedError();
    this.run.redactor.learn(goal.inputs as Value);
    const urn = makeUrn(this.stack, this.project, goal.type, goal.name, goal.parent);
    if (this.registered.has(urn))
      throw new Error(`two resources of type ${goal.type} are named "${goal.name}" here`);
    this.registered.add(urn);
    return goal.custom ? this.registerCustom(urn, goal) : this.registerComponent(urn, goal);
  }

  private registerComponent(urn: string, goal: Goal): Registered {
    const old = this.run.find(urn);
    const op: Op = old
      ? differences(old.inputs, known(goal.inputs)).length > 0
        ? "update"
        : "same"
      : "create";
    this.event("pre", op, urn, []);
    this.run.record(describe(urn, goal, "", known(goal.inputs), old?.outputs ?? {}), old);
    this.run.save();
    this.event("post", op, urn, [], 0);
    return { urn, id: "", outputs: goal.inputs, result: "success" };
  }

  /** Outputs a component (or the stack) registers when its children are there. */
  setOutputs(urn: string, outputs: Properties): void {
    const old = this.run.find(urn);
    if (!old) throw new Error(`outputs of a resource that was never registered: ${urn}`);
    this.run.record({ ...old, outputs: this.run.preview ? outputs : known(outputs) }, old);
    this.run.save();
  }

  private async registerCustom(urn: string, goal: Goal): Promise<Registered> {
    const blocker = this.blocker(goal);
    if (blocker !== undefined) {
      this.broken.add(urn);
      this.event("post", "skip", urn, [blocker], 0);
      return { urn, id: "", outputs: {}, result: "skipped" };
    }
    const begin = Date.now();
    let plan: Plan = { op: "create", inputs: goal.inputs, reasons: [] };
    let shown: Op = "create";
    try {
      const provider = this.run.providerOf(goal.type);
      const old = this.run.find(urn);
      plan = await this.plan(urn, goal, provider, old);
      // What fell with a replaced dependency was replaced, whatever it looks like now.
      shown = plan.op === "create" && this.applier.replaced.has(urn) ? "replace" : plan.op;
      this.event("pre", shown, urn, plan.reasons);
      const result = this.run.preview
        ? this.applier.foresee(urn, goal, provider, plan, old)
        : await this.applier.apply(urn, goal, provider, plan, old);
      this.event("post", shown, urn, plan.reasons, Date.now() - begin);
      return { urn, id: result.id, outputs: result.outputs, result: "success" };
    } catch (error) {
      this.broken.add(urn);
      this.event("post", shown, urn, plan.reasons, Date.now() - begin, messageOf(error));
      return { urn, id: "", outputs: {}, result: "failed" };
    }
  }

  /** Why a resource cannot be touched at all: something it takes values from, or waits for, has failed. */
  private blocker(goal: Goal): string | undefined {
    const provider = goal.provider.split("::").slice(0, -1).join("::");
    const failed = [...goal.dependencies, provider].find((urn) => this.broken.has(urn));
    if (failed !== undefined) return `depends on ${nameOf(failed)}, which failed`;
    return !this.run.preview && hasUnknown(goal.inputs as Value)
      ? "an input depends on something that failed"
      : undefined;
  }

  private async plan(
    urn: string,
    goal: Goal,
    provider: Provider,
    old: ResourceState | undefined,
  ): Promise<Plan> {
    const intents = this.run.state.intents.filter((i) => i.urn === urn);
    const halfMade = intents.find((i) => i.kind === "create");
    if (halfMade) await cleanUp(this.run, halfMade);
    const reasons = halfMade ? ["an earlier creation was interrupted"] : [];
    if (!old) return { op: "create", inputs: goal.inputs, reasons };
    const plan = decide(old, goal, provider, {
      found: await this.read(old, provider),
      interrupted: intents.some((i) => i.kind === "update"),
      replacedPeers: goal.replaceWith.filter((peer) => this.applier.replaced.has(peer)),
      disturbed: await this.disturbance(old, provider),
    });
    const kind = disturbance(plan, provider);
    if (kind) this.run.disturb(urn, kind);
    if (plan.op === "replace") this.applier.replaced.add(urn);
    return plan;
  }

  private async read(old: ResourceState, provider: Provider): Promise<Found> {
    if (!this.refresh || !provider.read) return { status: "ok" };
    try {
      return await provider.read(bare(old), this.run.context(old.urn, old.provider));
    } catch (error) {
      if (!this.run.preview) throw error;
      const message = `cannot be read, taken as unchanged: ${messageOf(error)}`;
      this.run.emit({ type: "diagnostic", severity: "warning", message, urn: old.urn });
      return { status: "ok" };
    }
  }

  private async disturbance(old: ResourceState, provider: Provider): Promise<Circumstances["disturbed"]> {
    const disturbed = this.run.state.disturbed[old.urn];
    if (!disturbed || !provider.fallsOver) return undefined;
    const context = this.run.context(old.urn, old.provider);
    return (await provider.fallsOver(bare(old), disturbed.kind, context)) ? disturbed : undefined;
  }

  /** After a program that ended well: what it no longer mentions goes, and what was replaced. */
  async finish(): Promise<void> {
    const orphans = this.run.state.resources.filter((r) => r.doomed === true || !this.registered.has(r.urn));
    await this.deleteAll(orphans, (intent) => !this.registered.has(intent.urn));
  }

  /** @param all every resource to go @param which the intents to be cleaned up first: nothing can depend on half-made things */
  async deleteAll(all: readonly ResourceState[], which: (intent: Intent) => boolean): Promise<void> {
    for (const intent of this.run.state.intents.filter((i) => i.kind === "create" && which(i))) {
      await cleanUp(this.run, intent).catch((error: unknown) => this.fail(intent.urn, messageOf(error)));
    }
    const why = (r: ResourceState): string[] => (r.doomed ? ["replaced by a new one"] : []);
    const left = await removeAll(
      this.run,
      all,
      (r, seconds, error) => this.event("post", "delete", r.urn, why(r), seconds * 1000, error),
      (r) => this.event("pre", "delete", r.urn, why(r)),
    );
    if (left.length > 0 && this.errors.length === 0)
      this.errors.push(`${left.length} resources were not deleted`);
  }

  /** The stack's outputs. */
  outputs(): Properties {
    return this.run.state.resources.find((r) => r.type === STACK_TYPE)?.outputs ?? {};
  }

  private fail(urn: string, error: string): void {
    const message = this.run.redactor.redact(`${nameOf(urn)}: ${error}`);
    this.errors.push(message);
    this.run.emit({ type: "diagnostic", severity: "error", message, urn });
  }

  private event(
    phase: "pre" | "post",
    op: Op,
    urn: string,
    reasons: readonly string[],
    ms?: number,
    error?: string,
  ): void {
    const resourceType = urn.split("::")[2]?.split("$").pop() ?? "";
    const seconds = ms === undefined ? undefined : ms / 1000;
    this.run.emit({
      type: "resource",
      phase,
      op,
      urn,
      resourceType,
      name: nameOf(urn),
      reasons,
      seconds,
      error,
    });
    if (phase === "pre") return;
    if (error !== undefined) this.fail(urn, error);
    else this.counts[op] += 1;
  }
}

/** What dependents are told when this resource is not what it was; a re-made disk makes its machine a new one, too. */
function disturbance(plan: Plan, provider: Provider): Disturbance | undefined {
  const anew = plan.recreated || plan.remade || (plan.op === "replace" && plan.deleteFirst);
  if (anew) return provider.disturbs?.gone;
  return plan.op === "refresh" ? provider.disturbs?.drifted : undefined;
}
