/** From raw configuration values to typed ones: JSON texts, the schema, and its complaints as Problems. */
import { z } from "zod";
import { PROJECT } from "../lab/naming";
import { nearest, pathOf, type Refusal } from "./refusal";
import { configSchema, withAbsent, type Config } from "./schema";
import { SEPARATOR } from "./schemaParts";

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** Keys whose values never appear in a message. */
// Somebody may take the file with the private key for that of the certificate.
const SECRETS = new Set(["passwd", "secret", "login", "ca"]);

export interface Decoded {
  /** The configuration without the parts that were refused. */
  readonly config: Config;
  readonly problems: readonly Refusal[];
  /** Paths that were left out: findings about them would only repeat the problem. */
  readonly tainted: ReadonlySet<string>;
}

/**
 * Reads raw values. What the schema refuses is reported and left out, so that everything else is still judged in the
 * same run.
 */
export function decode(raw: Readonly<Record<string, unknown>>): Decoded {
  const problems: Refusal[] = [];
  const tainted = new Set<string>();
  const input: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(raw)) {
    if (value === undefined || value === null) continue;
    const read = fromText(key, value);
    if ("problem" in read) {
      problems.push(read.problem);
      tainted.add(key);
    } else input[key] = read.value;
  }
  // Each round removes what was refused; what then refuses its owner (an emptied list) is gone in the next ones.
  for (let round = 0; round < 8; round++) {
    const parsed = configSchema.safeParse(input);
    if (parsed.success) return { config: withAbsent(parsed.data), problems, tainted };
    const issues = parsed.error.issues.flatMap((each) => flatten(each, input));
    const fresh = issues.filter(({ path }) => !touches(tainted, pathOf(path)));
    for (const problem of fresh.flatMap((issue) => toProblems(issue, input)))
      // A text that is empty is also no path, no address: the first reason says enough.
      if (!problems.some(({ key }) => key === problem.key)) problems.push(problem);
    const paths = issues.flatMap(culprits);
    for (const path of paths) tainted.add(pathOf(path));
    // From the back, so that positions in lists stay right while elements go.
    for (const path of paths.sort((a, b) => Number(b.at(-1)) - Number(a.at(-1)) || 0)) remove(input, path);
  }
  throw new Error("the configuration schema refuses its own defaults");
}

/** Whether a path, or something below it, was refused already. */
function touches(tainted: ReadonlySet<string>, path: string): boolean {
  return [...tainted].some(
    (each) => each === path || each.startsWith(`${path}.`) || each.startsWith(`${path}[`),
  );
}

/** Lists of objects: their elements have only optional fields, so an empty one keeps the place of a refused one. */
const OBJECT_LISTS = new Set<PropertyKey>(["hosts", "directors", "realServers", "services", "workloads"]);

/** Pulumi hands over every value as text: numbers and booleans by their looks, lists and objects as JSON. */
function fromText(key: string, value: unknown): { value: unknown } | { problem: Refusal } {
  if (typeof value !== "string") return { value: structuredClone(value) };
  const kinds = kindsOf(key);
  if (kinds.size === 0) return { value };
  if (kinds.has("integer") && /^-?\d+(\.\d+)?$/.test(value.trim())) return { value: Number(value) };
  if (kinds.has("boolean") && /^(true|false)$/i.test(value.trim()))
    return { value: value.trim().toLowerCase() === "true" };
  if (!kinds.has("object") && !kinds.has("array")) return { value };
  try {
    return { value: JSON.parse(value) as unknown };
  } catch {
    const wanted = kinds.has("array") ? "list" : "object";
    const fix =
      wanted === "list"
        ? "write it as a YAML list"
        : "write it as a YAML object, or set its fields with `pulumi config set --path`";
    return { problem: { key, message: `must be ${wanted === "list" ? "a" : "an"} ${wanted}`, fix } };
  }
}

/** The schema as JSON Schema: made once, as it takes longer than reading a configuration. */
let jsonSchema: JsonSchema | undefined;

function schemaNode(): JsonSchema {
  jsonSchema ??= z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  return jsonSchema;
}

/** The JSON types that a top-level key takes; none for an unknown one. */
function kindsOf(key: string): ReadonlySet<string> {
  const node = schemaNode().properties?.[key];
  const options = node === undefined ? [] : [node, ...(node.anyOf ?? [])];
  return new Set(options.flatMap(({ type }) => (type === undefined ? [] : [type])));
}

/** Replaces a union's complaint by that of the branch which was intended. */
function flatten(issue: Issue, input: unknown): Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const value = at(input, issue.path);
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [issue];
  const branch = issue.errors.find((errors) =>
    errors.every((error) => error.path.length > 0 || error.code === "unrecognized_keys"),
  );
  return branch?.map((error) => ({ ...error, path: [...issue.path, ...error.path] })) ?? [issue];
}

function culprits(issue: Issue): Path[] {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => [...issue.path, key]);
  return [issue.path];
}

function toProblems(issue: Issue, input: unknown): Refusal[] {
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(issue.path);
    return issue.keys.map((key) => unknownKey(pathOf([...issue.path, key]), key, known));
  }
  const key = pathOf(issue.path);
  const value = at(input, issue.path);
  const last = issue.path.at(-1);
  const shown = SECRETS.has(String(last)) || !isSimple(value) ? {} : { value };
  const [message = "is not valid", fix] = issue.message.split(SEPARATOR);
  return [
    {
      key,
      ...shown,
      message: fix === undefined ? fallbackMessage(issue) : message,
      fix: fix ?? fallbackFix(issue),
    },
  ];
}

function fallbackMessage(issue: Issue): string {
  return issue.code === "invalid_type"
    ? `must be ${article(String(issue.expected))}`
    : issue.message.toLowerCase();
}

function fallbackFix(issue: Issue): string {
  const isObject = issue.code === "invalid_type" && issue.expected === "object";
  return isObject ? "write its fields, as KEY: VALUE" : "see docs/reference/configuration.md";
}

/** Whether a value may be shown: an object could hold a secret. */
function isSimple(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isSimple);
  return value !== undefined && (value === null || typeof value !== "object");
}

function article(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

function unknownKey(key: string, typed: string, known: readonly string[]): Refusal {
  if (key === typed && key.includes(":")) {
    const meant = `${PROJECT}:${key.slice(key.indexOf(":") + 1)}`;
    const message = `is in a namespace that nothing reads, did you mean ${meant}`;
    return { key, message, fix: `write ${meant}, or remove it` };
  }
  const meant = nearest(typed, known);
  return {
    key,
    message:
      meant === undefined
        ? "is not a configuration key"
        : `is not a configuration key, did you mean ${meant}`,
    fix:
      meant === undefined
        ? `remove it; known here are ${known.join(", ")}`
        : `rename it to ${meant}, or remove it`,
  };
}

/** The keys that the schema knows at a path. */
function knownKeys(path: Path): string[] {
  let schema = schemaNode();
  for (const segment of path) {
    const options: JsonSchema[] = [schema, ...(schema.anyOf ?? [])];
    const next = options
      .map((option) => (typeof segment === "number" ? option.items : option.properties?.[String(segment)]))
      .find((option) => option !== undefined);
    if (next === undefined) return [];
    schema = next;
  }
  const owner = schema.properties ? schema : schema.anyOf?.find((option) => option.properties);
  return Object.keys(owner?.properties ?? {});
}

interface JsonSchema {
  readonly type?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

function at(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, segment) =>
      value !== null && typeof value === "object"
        ? (value as Record<PropertyKey, unknown>)[segment]
        : undefined,
    root,
  );
}

/** Takes the value at a path out of a tree; elements of lists of objects leave an empty one in their place. */
function remove(root: Record<string, unknown>, path: Path): void {
  const last = path.at(-1);
  const owner = at(root, path.slice(0, -1));
  if (last === undefined || owner === null || typeof owner !== "object") return;
  if (!Array.isArray(owner)) delete (owner as Record<PropertyKey, unknown>)[last];
  else if (OBJECT_LISTS.has(path.at(-2) ?? "")) owner[Number(last)] = {};
  else owner.splice(Number(last), 1);
}
