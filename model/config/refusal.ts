/** What is wrong with a configuration, gathered so that a person can correct everything in one go. */
import { distance } from "fastest-levenshtein";

export interface Refusal {
  /** Path of the configuration key without the project's namespace: `realServers[1].weight`. */
  readonly key: string;
  /** What was configured; absent where nothing was, or where it must not be shown (secrets, unknown keys). */
  readonly value?: unknown;
  /** What is wrong with it, starting with a lower-case word. */
  readonly message: string;
  /** What to do about it, imperative. */
  readonly fix: string;
}

/** Thrown by parseConfig with every problem at once. */
export class ConfigError extends Error {
  constructor(
    readonly problems: readonly Refusal[],
    /** What the problems are in: the configuration, or the host. */
    subject = "The configuration",
  ) {
    super(formatRefusals(problems, subject));
    this.name = "ConfigError";
  }
}

/** One headline, then one problem a line. */
export function formatRefusals(problems: readonly Refusal[], subject = "The configuration"): string {
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return [`${subject} has ${count}:`, ...problems.map((problem) => `  ${formatRefusal(problem)}`)].join("\n");
}

/** `vip = "1.2.3.4": what is wrong. Fix: what to do.` always on one line. */
export function formatRefusal({ key, value, message, fix }: Refusal): string {
  const shown = value === undefined ? "" : ` = ${showValue(value)}`;
  return `${key}${shown}: ${message}. Fix: ${fix}.`;
}

/** A password in a URL. */
const CREDENTIALS = /(:\/\/[^/@\s:]*):[^/@\s]*@/g;

/** JSON, so that control characters stay visible and on one line, cut where it would flood the terminal. */
export function showValue(value: unknown): string {
  const json = (JSON.stringify(value) ?? String(value)).replace(CREDENTIALS, "$1:***@");
  return json.length > 120 ? `${json.slice(0, 117)}...` : json;
}

/** The known word nearest to what was typed; undefined when nothing is near enough to be what was meant. */
export function nearest(typed: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((word) => ({ word, distance: distance(typed.toLowerCase(), word.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance || a.word.localeCompare(b.word));
  const best = ranked[0];
  return best && best.distance <= Math.max(2, Math.floor(best.word.length / 3)) ? best.word : undefined;
}

/** `["realServers", 1, "weight"]` → `realServers[1].weight`. */
export function pathOf(segments: readonly PropertyKey[]): string {
  return segments
    .map((segment, index) =>
      typeof segment === "number" ? `[${segment}]` : `${index === 0 ? "" : "."}${String(segment)}`,
    )
    .join("");
}
