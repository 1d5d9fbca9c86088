/** Where in a resource's properties something is: what differs between two of them, and what an option names. */
import { isObject, isSecret, secret, type Value } from "../lib/properties";

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

/** A property path as in Pulumi's resource options: `a.b[0]`, `a["b.c"]`, `*` for any element. */
export function parsePath(text: string): Path {
  const parts = text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g);
  return [...parts].map(([, quoted, index, name]) =>
    quoted !== undefined
      ? quoted.replace(/\\(.)/g, "$1")
      : index && index !== "*"
        ? Number(index)
        : (name ?? "*"),
  );
}

export const valueAt = (path: Path, root: Value): Value | undefined =>
  path.reduce<Value | undefined>(
    (v, key) => (v as { [key: string | number]: Value } | undefined)?.[key],
    root,
  );

export const formatPath = (path: Path): string =>
  path.reduce<string>((s, p) => (typeof p === "number" ? `${s}[${p}]` : s ? `${s}.${p}` : p), "");

/** Whether a change at `path` touches what `pattern` names: the thing itself, something inside it, or all around it. */
export function touches(pattern: Path, path: Path): boolean {
  return pattern.slice(0, path.length).every((p, i) => p === "*" || p === path[i]);
}

/** `after` with the values of `before` wherever a pattern names them (resource option ignoreChanges). */
export function keepIgnored(before: Value, after: Value, patterns: readonly Path[]): Value {
  const keep = (a: Value | undefined, b: Value | undefined, rest: readonly Path[]): Value | undefined => {
    if (rest.some((p) => p.length === 0)) return a;
    const [x, y] = [isSecret(a) ? a.value : a, isSecret(b) ? b.value : b];
    const inner = (key: string | number): Path[] =>
      rest.filter((p) => p[0] === "*" || p[0] === key).map((p) => p.slice(1));
    if (rest.length === 0) return b;
    if (Array.isArray(x) && Array.isArray(y)) return y.map((item, i) => keep(x[i], item, inner(i)) ?? null);
    if (!isObject(x) || !isObject(y)) return b;
    const merged = Object.fromEntries(
      [...new Set([...Object.keys(y), ...Object.keys(x)])]
        .map((key) => [key, keep(x[key], y[key], inner(key))] as const)
        .filter((entry): entry is readonly [string, Value] => entry[1] !== undefined),
    );
    return isSecret(b) ? secret(merged) : merged;
  };
  return keep(before, after, patterns) ?? after;
}
