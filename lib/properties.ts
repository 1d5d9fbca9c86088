/**
 * Property values as Pulumi's wire format has them: plain JSON in which a secret is an object with a signature and an
 * unknown (preview only) is a distinguished string. The engine keeps values in this form everywhere, so that secretness
 * survives into the state; only a provider sees them unwrapped.
 */

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };
export type Properties = { readonly [key: string]: Value };
/** Where a value sits: object keys and array indices. */
export type Path = readonly (string | number)[];

export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
export const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
export const MASK = "[secret]";

const isObject = (v: Value | undefined): v is { readonly [key: string]: Value } =>
  typeof v === "object" && v !== null && !Array.isArray(v);

export function isSecret(v: Value | undefined): v is { readonly value: Value } {
  return isObject(v) && v[SIGNATURE] === SECRET_SIGNATURE;
}

export function secret(value: Value): Value {
  return isSecret(value) ? value : { [SIGNATURE]: SECRET_SIGNATURE, value };
}

/** Rebuilds a value bottom-up; `leaf` sees secrets whole and scalars, and may replace them. */
function transform(v: Value, leaf: (v: Value) => Value): Value {
  if (isSecret(v)) return leaf(v);
  if (Array.isArray(v)) return v.map((item) => transform(item, leaf));
  if (isObject(v))
    return Object.fromEntries(Object.entries(v).map(([k, item]) => [k, transform(item, leaf)]));
  return leaf(v);
}

function some(v: Value, test: (v: Value) => boolean): boolean {
  if (test(v)) return true;
  if (Array.isArray(v)) return v.some((item) => some(item, test));
  return isObject(v) && Object.values(v).some((item) => some(item, test));
}

export const hasUnknown = (v: Value): boolean => some(v, (x) => x === UNKNOWN);
export const hasSecret = (v: Value): boolean => some(v, isSecret);

/** The bare values, as a provider needs them. */
export function reveal<T extends Value>(v: T): T {
  return transform(v, (x) => (isSecret(x) ? reveal(x.value) : x)) as T;
}

/** What may be printed. */
export function mask<T extends Value>(v: T): T {
  return transform(v, (x) => (isSecret(x) ? MASK : x === UNKNOWN ? "[unknown]" : x)) as T;
}

/** Drops top-level properties that a failed dependency or a preview left unknown. */
export function known(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([, v]) => !hasUnknown(v)));
}

/** Every string hidden in a secret of this value. @param plain keys below which nothing is secret */
export function secretStrings(v: Value, plain: ReadonlySet<string>, inside = false): string[] {
  if (isSecret(v)) return secretStrings(v.value, plain, true);
  if (Array.isArray(v)) return v.flatMap((item) => secretStrings(item, plain, inside));
  if (isObject(v))
    return Object.entries(v).flatMap(([key, item]) =>
      plain.has(key) ? [] : secretStrings(item, plain, inside),
    );
  return inside && typeof v === "string" ? [v] : [];
}

/** Applies `f` to the content of every secret, for instance to encrypt it. */
export function mapSecrets(v: Value, f: (secret: Value) => Value): Value {
  return transform(v, (x) => (isSecret(x) ? f(x) : x));
}

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
