import type { Goal } from "./goal";
import type { Found, Provider } from "./providers/provider";
import type { Disturbed, ResourceState } from "./state";
import {
  differences,
  formatPath,
  hasUnknown,
  keepIgnored,
  parsePath,
  touches,
  UNKNOWN,
  type Path,
  type Properties,
} from "./values";

/** What is to be done to one resource, and why. */
export interface Plan {
  readonly op: "create" | "update" | "replace" | "same" | "refresh";
  /** The inputs to apply: the program's; where the resource stays, with ignored changes taken back. */
  readonly inputs: Properties;
  readonly reasons: readonly string[];
  /** Only with `replace`. */
  readonly deleteFirst?: boolean;
  /** Only with `create`: it was there once and has gone missing. */
  readonly recreated?: boolean;
  /** Only with `update`: it is done over because something below it was created anew. */
  readonly remade?: boolean;
}

export interface Circumstances {
  readonly found: Found;
  /** An update of it was begun and never finished. */
  readonly interrupted: boolean;
  /** Resources it was to be replaced with (option replaceWith) that are being replaced. */
  readonly replacedPeers: readonly string[];
  /** A dependency was created anew or restarted, and this resource must be applied again for it. */
  readonly disturbed?: Disturbed;
}

const MOST_REASONS = 6;

/** Decides between leaving alone, updating and replacing, as Pulumi's engine and the real providers would. */
export function decide(old: ResourceState, goal: Goal, provider: Provider, at: Circumstances): Plan {
  if (at.found.status === "gone") {
    return { op: "create", inputs: goal.inputs, reasons: [at.found.why], recreated: true };
  }
  const inputs = keepIgnored(old.inputs, goal.inputs, goal.ignoreChanges) as Properties;
  const changed = differences(old.inputs, inputs);
  const replacing = changed.filter((path) => requiresReplacement(provider, goal.replaceOnChanges, path));
  const reasons = [
    ...replacing.map((path) => `${describe(path, old.inputs, inputs)} (replaces)`),
    ...(providerChanged(old.provider, goal.provider) ? ["provider changed (replaces)"] : []),
    ...at.replacedPeers.map((urn) => `replaced with ${urn.split("::").pop() ?? urn}`),
  ];
  if (reasons.length > 0) {
    const sameName = provider.identity?.every(
      (key) => differences(old.inputs[key], goal.inputs[key]).length === 0,
    );
    const deleteFirst = goal.deleteBeforeReplace ?? sameName ?? false;
    // A new one is as the program says: to ignore a change means to leave the old one alone.
    return { op: "replace", inputs: goal.inputs, reasons: shorten(reasons), deleteFirst };
  }
  const updating = changed.map((path) => describe(path, old.inputs, inputs));
  if (at.interrupted) updating.push("an earlier update was interrupted");
  if (at.disturbed) updating.push(`its dependency ${at.disturbed.by} was ${at.disturbed.kind}`);
  if (updating.length > 0) {
    const remade = at.disturbed?.kind === "recreated";
    return { op: "update", inputs, reasons: shorten(updating), ...(remade ? { remade } : {}) };
  }
  if (at.found.status === "drifted") return { op: "refresh", inputs, reasons: [at.found.why] };
  return { op: "same", inputs, reasons: [] };
}

function requiresReplacement(provider: Provider, replaceOnChanges: readonly Path[], path: Path): boolean {
  return [...provider.replaceOn, ...replaceOnChanges].some((pattern) => touches(pattern, path));
}

/**
 * Whether the resource would have to be replaced if everything it takes from `leaving` became unknown: then it must be
 * deleted before them (a deletion that comes before a replacement must not pull the rug from under a dependent).
 */
export function fallsWith(
  dependent: ResourceState,
  leaving: ReadonlySet<string>,
  provider: Provider,
): boolean {
  if (leaving.has(dependent.provider.split("::").slice(0, -1).join("::"))) return true;
  return Object.entries(dependent.propertyDependencies).some(
    ([property, urns]) =>
      urns.some((urn) => leaving.has(urn)) && requiresReplacement(provider, [], [property]),
  );
}

/** In a preview a provider that is yet to be made has an unknown id: what hangs on it cannot stay. */
function providerChanged(before: string, after: string): boolean {
  return before !== after && !(after.endsWith(`::${UNKNOWN}`) && before === "");
}

/** Values are shown only where they cannot be secret by any stretch: numbers and booleans. */
function describe(path: Path, before: Properties, after: Properties): string {
  const at = (root: Properties): unknown =>
    path.reduce<unknown>((v, key) => (v as Record<string | number, unknown> | undefined)?.[key], root);
  const [a, b] = [at(before), at(after)];
  const plain = (v: unknown): boolean => typeof v === "number" || typeof v === "boolean";
  const what = formatPath(path);
  if (plain(a) && plain(b)) return `${what} ${String(a)} → ${String(b)}`;
  if ((a ?? undefined) === undefined) return `${what} added`;
  if ((b ?? undefined) === undefined) return `${what} removed`;
  return hasUnknown(b as Properties) ? `${what} may change (known after apply)` : `${what} changed`;
}

function shorten(reasons: readonly string[]): readonly string[] {
  if (reasons.length <= MOST_REASONS) return reasons;
  return [...reasons.slice(0, MOST_REASONS), `and ${reasons.length - MOST_REASONS} more`];
}

/** Patterns of the options ignoreChanges and replaceOnChanges. */
export const parsePaths = (texts: readonly string[]): readonly Path[] => texts.map(parsePath);
