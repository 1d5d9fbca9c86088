/**
 * The arguments of the package's component, from the configuration's schema: interfaces and enums that Pulumi's analyzer can read. It knows
 * no unions, so that some keys are written otherwise than in a stack's file; program/clusterLab.ts reads them.
 */
import { allowedText, rootNode, SECRETS, type Node } from "./reference";

/** Where a key alone would be ambiguous, or hard to read. */
const NAMES: Readonly<Record<string, string>> = {
  "Service.ldirectord": "ServiceLdirectord",
  directors: "PairDirector",
  httpmethod: "HttpMethod",
  manager: "PairManager",
  mode: "DirectorMode",
  service: "CheckService",
  sync: "ConnectionSync",
};
/** What only `scripts/lab` reads. */
const OMITTED = new Set(["drills"]);

const pascal = (text: string): string =>
  text.replace(/(^|[^A-Za-z0-9]+)([a-z0-9])/g, (_all, _sep, first: string) => first.toUpperCase());
const typeName = (key: string, node: Node, owner: string): string =>
  NAMES[`${owner}.${key}`] ?? NAMES[key] ?? pascal(node.type === "array" ? key.replace(/s$/, "") : key);

/** Declarations by name, in the order in which they are first met. */
class Declarations {
  private readonly texts = new Map<string, string>();
  private readonly shapes = new Map<string, string>();

  /** @param write the declaration; called once for each name */
  declare(name: string, shape: unknown, owner: string, write: (name: string) => string): string {
    const json = JSON.stringify(shape);
    const known = this.shapes.get(name);
    if (known !== undefined && known !== json) {
      if (owner === "") throw new Error(`two types would be called ${name}`);
      return this.declare(`${owner}${name}`, shape, "", write);
    }
    if (known === undefined) {
      this.shapes.set(name, json);
      this.texts.set(name, write(name));
    }
    return name;
  }

  toString(): string {
    return [...this.texts.values()].join("\n\n");
  }
}

/** packages/lvs-dr/args.ts. */
export function clusterArgs(): string {
  const all = new Declarations();
  const root = rootNode();
  const properties = Object.fromEntries(
    Object.entries(root.properties ?? {}).filter(([key]) => !OMITTED.has(key)),
  );
  const description =
    "What a cluster is made of. Every property is optional: without any it is the article's lab.";
  declareInterface(all, "LvsClusterArgs", { ...root, properties, description }, "");
  return [
    "// Written by `npx tsx tools/generate.ts` from model/config/schema.ts.",
    'import type * as pulumi from "@pulumi/pulumi";',
    "",
    String(all),
    "",
  ].join("\n");
}

function declareInterface(all: Declarations, wanted: string, node: Node, owner: string): string {
  const fields = Object.entries(node.properties ?? {}).filter(([, each]) => each.not === undefined);
  return all.declare(wanted, node.properties, owner, (name) =>
    [
      doc(node.description ?? ""),
      `export interface ${name} {`,
      ...fields.flatMap(([key, each]) => [
        doc(sentence(each)),
        `  readonly ${key}${each["x-required"] ? "" : "?"}: ${typeOf(all, key, each, name)};`,
      ]),
      "}",
    ].join("\n"),
  );
}

function declareEnum(all: Declarations, wanted: string, { description, enum: values = [] }: Node): string {
  return all.declare(wanted, values, "", (name) =>
    [
      doc(description ?? ""),
      `export enum ${name} {`,
      ...values.map((value) => `  ${pascal(String(value))} = ${JSON.stringify(value)},`),
      "}",
    ].join("\n"),
  );
}

function typeOf(all: Declarations, key: string, node: Node, owner: string): string {
  if (node.anyOf !== undefined) return typeOfUnion(all, key, node, owner);
  if (node.enum !== undefined) return declareEnum(all, typeName(key, node, owner), node);
  switch (node.type) {
    case "string":
      // Only these may be secret, or come from another resource: all others decide which resources there are.
      return SECRETS.has(key) ? "pulumi.Input<string>" : "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "array":
      // The analyzer knows no lists of enums.
      return `${node.items?.enum ? "string" : itemType(all, key, node, owner)}[]`;
    case "object":
      return declareInterface(all, typeName(key, node, owner), node, owner);
    default:
      throw new Error(`${key}: the package has no type for ${JSON.stringify(node)}`);
  }
}

function itemType(all: Declarations, key: string, { items = {}, description }: Node, owner: string): string {
  if (items.properties === undefined) return items.anyOf ? "string" : typeOf(all, key, items, owner);
  const name = typeName(key, { type: "array" }, owner);
  return declareInterface(all, name, { ...items, description: items.description ?? description }, owner);
}

/** `false` becomes a field, and a number beside words, or a word beside a list, a text. */
function typeOfUnion(all: Declarations, key: string, node: Node, owner: string): string {
  const [first, second] = node.anyOf ?? [];
  if (first?.const === false && second?.properties !== undefined) {
    const enabled = { type: "boolean", default: true, description: "Whether there is one." };
    const properties = { enabled, ...second.properties };
    return declareInterface(
      all,
      typeName(key, second, owner),
      { ...second, properties, description: node.description },
      owner,
    );
  }
  if (first?.const !== undefined && second?.type === "array") return "string[]";
  if (first?.enum !== undefined && second?.type === "integer") return "string";
  throw new Error(`${key}: the package has no type for this union: ${JSON.stringify(node)}`);
}

/** Meaning, allowed values and default. */
function sentence(node: Node): string {
  const values = node.anyOf?.find((each) => each.enum) ?? (node.type === "array" ? (node.items ?? {}) : node);
  const allowed = node.enum === undefined ? allowedText(values) : "";
  const fallback =
    node["x-default"] ??
    (typeof node.default === "object" || node.default === undefined ? "" : String(node.default));
  return [node.description ?? "", allowed && `Allowed: ${allowed}.`, fallback && `Default: ${fallback}.`]
    .filter((each) => each !== "")
    .join(" ");
}

const doc = (text: string): string => `/** ${text.replaceAll("*/", "*\\/")} */`;
