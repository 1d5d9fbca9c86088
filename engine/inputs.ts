/** A resource's inputs, each of them compared, ignored and named as a whole. */
import { isDeepStrictEqual } from "node:util";
import { reveal, type Properties, type Value } from "../lib/properties";

/** Whether two values differ, secretness aside; what is null is absent. */
export function differ(before: Value | undefined, after: Value | undefined): boolean {
  const [a, b] = [before, after].map((value) =>
    JSON.parse(JSON.stringify([reveal(value ?? null)], (_key, each: unknown) => each ?? undefined)),
  );
  return !isDeepStrictEqual(a, b);
}

/** The inputs in which two resources differ. */
export const changedInputs = (before: Properties, after: Properties): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) =>
    differ(before[key], after[key]),
  );

/** `after` with the inputs named by `ignored` as they were before (resource option ignoreChanges). */
export function keepIgnored(before: Properties, after: Properties, ignored: readonly string[]): Properties {
  const keys = new Set([...Object.keys(after), ...Object.keys(before)]);
  const kept = [...keys].map((key) => [key, (isNamed(ignored, key) ? before : after)[key]]);
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined)) as Properties;
}

/** Whether an input is one of those named; "*" names all. */
export const isNamed = (names: readonly string[], input: string): boolean =>
  names.includes("*") || names.includes(input);
