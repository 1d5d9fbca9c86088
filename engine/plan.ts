import type { DiffKind, PropertyDiff } from "@pulumi/pulumi/automation";
import { UNKNOWN, type Properties } from "../lib/properties";
import { nameOf, referenced } from "../lib/urn";
import type { Goal } from "./goal";
import { changedInputs, differ, isNamed, keepIgnored } from "./inputs";
import type { Provider } from "./providers/provider";
import type { Intent, ResourceState } from "./state";

/** What is to be done to one resource, and why. */
export interface Plan {
  readonly op: "create" | "update" | "replace" | "same";
  /** The inputs to apply: the program's; where the resource stays, with ignored changes taken back. */
  readonly inputs: Properties;
  readonly detailedDiff: Readonly<Record<string, PropertyDiff>>;
  /** What the inputs do not tell. */
  readonly reason?: string;
  /** Only with `replace`. */
  readonly deleteFirst?: boolean;
  /** It will not be what it was: what depends on it must be applied again. */
  readonly anew?: boolean;
}

export interface Circumstances {
  readonly exists: boolean;
  /** An update of it was begun and never finished, or is needed for the sake of a dependency. */
  readonly pending?: Intent;
  /** Resources it was to be replaced with (option replaceWith) that are being replaced. */
  readonly replacedPeers: readonly string[];
}

/** Decides between leaving alone, updating and replacing, as Pulumi's engine and the real providers would. */
export function decide(old: ResourceState, goal: Goal, provider: Provider, at: Circumstances): Plan {
  if (!at.exists)
    return { op: "create", inputs: goal.inputs, detailedDiff: {}, reason: "was gone", anew: true };
  const inputs = keepIgnored(old.inputs, goal.inputs, goal.ignoreChanges);
  const replaceOn = [...provider.replaceOn, ...goal.replaceOnChanges];
  const diffs = changedInputs(old.inputs, inputs).map((input): [string, PropertyDiff] => {
    const kind =
      (old.inputs[input] ?? null) === null ? "add" : (inputs[input] ?? null) === null ? "delete" : "update";
    return [input, diff(kind, isNamed(replaceOn, input))];
  });
  if (providerChanged(old.provider, goal.provider)) diffs.push(["provider", diff("update", true)]);
  const [before, after] = [old.replacementTrigger, goal.replacementTrigger];
  // Without one, before or now, nothing is triggered.
  if (before !== undefined && after !== undefined && differ(before, after))
    diffs.push(["replacementTrigger", diff("update", true)]);
  const detailedDiff = Object.fromEntries(diffs);
  const [peer] = at.replacedPeers;
  if (peer !== undefined || diffs.some(([, { diffKind }]) => diffKind.endsWith("-replace"))) {
    const sameName = provider.identity?.every((key) => !differ(old.inputs[key], goal.inputs[key]));
    const deleteFirst = goal.deleteBeforeReplace ?? sameName ?? false;
    const reason = peer === undefined ? {} : { reason: `replaced with ${nameOf(peer)}` };
    // A new one is as the program says: to ignore a change means to leave the old one alone.
    return { op: "replace", inputs: goal.inputs, detailedDiff, ...reason, deleteFirst, anew: deleteFirst };
  }
  if (at.pending) {
    const { reason = "an earlier update was interrupted" } = at.pending;
    return { op: "update", inputs, detailedDiff, reason, anew: at.pending.reason !== undefined };
  }
  return { op: diffs.length > 0 ? "update" : "same", inputs, detailedDiff };
}

const diff = (kind: "add" | "delete" | "update", replaces: boolean): PropertyDiff => ({
  diffKind: `${kind}${replaces ? "-replace" : ""}` as DiffKind,
  inputDiff: true,
});

/**
 * Whether the resource would have to be replaced if everything it takes from `leaving` became unknown: then it must be
 * deleted before them (a deletion that comes before a replacement must not pull the rug from under a dependent).
 */
export function fallsWith(
  dependent: ResourceState,
  leaving: ReadonlySet<string>,
  provider: Provider,
): boolean {
  if (leaving.has(referenced(dependent.provider))) return true;
  return Object.entries(dependent.propertyDependencies).some(
    ([property, urns]) => urns.some((urn) => leaving.has(urn)) && isNamed(provider.replaceOn, property),
  );
}

/** In a preview a provider that is yet to be made has an unknown id: what hangs on it cannot stay. */
function providerChanged(before: string, after: string): boolean {
  return before !== after && !(after.endsWith(`::${UNKNOWN}`) && before === "");
}
