/**
 * Property values as Pulumi's wire format has them: plain JSON in which a secret is an object with a signature and an
 * unknown (preview only) is a distinguished string.
 */

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };
export type Properties = { readonly [key: string]: Value };
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
export const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
export const MASK = "[secret]";

export const isObject = (v: Value | undefined): v is { readonly [key: string]: Value } =>
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
