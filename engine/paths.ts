/** Where in a resource's properties something is: what differs between two of them, and what an option names. */
import { isObject, isSecret, type Properties, type Value } from "../lib/properties";

/** Object keys and array indices. */
export type Path = readonly (string | number)[];

/** Paths at which two values differ, secretness aside; shallowest first, one entry for a whole added or removed subtree. */
export function differences(before: Value | undefined, after: Value | undefined, at: Path = []): Path[] {
  const [a, b] = [isSecret(before) ? before.value : before, isSecret(after) ? after.value : after];
  if (a === b || (a ?? null) === (b ?? null)) return [];
  if (Array.isArray(a) && Array.isArray(b)) {
    return Array.from({ length: Math.max(a.length, b.length) }).flatMap((_, i) =>
      differences(a[i], b[i], [...at, i]),
    );
  }
  if (isObject(a) && isObject(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return keys.flatMap((key) => differences(a[key], b[key], [...at, key]));
  }
  return [at];
}

export const valueAt = (path: Path, root: Value): Value | undefined =>
  path.reduce<Value | undefined>(
    (v, key) => (v as { [key: string | number]: Value } | undefined)?.[key],
    root,
  );

export const formatPath = (path: Path): string =>
  path.reduce<string>((s, p) => (typeof p === "number" ? `${s}[${p}]` : s ? `${s}.${p}` : p), "");

/** `after` with the inputs named by `ignored` as they were before (resource option ignoreChanges). */
export function keepIgnored(before: Properties, after: Properties, ignored: readonly string[]): Properties {
  const keys = new Set([...Object.keys(after), ...Object.keys(before)]);
  const kept = [...keys].map((key) => [key, (isNamed(ignored, key) ? before : after)[key]]);
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined)) as Properties;
}

/** Whether an input is one of those named; "*" names all. */
export const isNamed = (names: readonly string[], input: Path[number] | undefined): boolean =>
  names.includes("*") || names.includes(String(input));
