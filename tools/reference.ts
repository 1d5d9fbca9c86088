/** The configuration's reference in its three forms, all from the one schema: JSON Schema, Markdown, Pulumi.yaml. */
import { z } from "zod";
import { PROJECT } from "../model/lab/naming";
import { configSchema } from "../model/config/schema";

/** The part of JSON Schema that the configuration's schema comes out as. */
export interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Node[];
  /** Of a key that nobody may set. */
  readonly not?: unknown;
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  /** A default that depends on other keys, in words. */
  readonly "x-default"?: string;
  /** Of a key without which its object is refused: to the schema it is one that may be left out, as a refused one is. */
  readonly "x-required"?: boolean;
}

export const SECRETS = new Set(["passwd", "secret"]);

export function rootNode(): Node {
  return z.toJSONSchema(configSchema, { io: "input", target: "draft-7", unrepresentable: "any" }) as Node;
}

/** JSON Schema of Pulumi.*.yaml, for editors. */
export function stackSchema(): unknown {
  const keys = Object.entries(rootNode().properties ?? {});
  const names = keys.map(([key]) => `${PROJECT}:${key}`);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: `Stack settings of ${PROJECT}`,
    type: "object",
    properties: {
      config: {
        type: "object",
        // Other namespaces are free; a misspelt key of ours is not.
        propertyNames: { anyOf: [{ enum: names }, { not: { pattern: `^${PROJECT}:` } }] },
        properties: Object.fromEntries(
          keys.map(([key, node]) => [`${PROJECT}:${key}`, forEditors(key, node)]),
        ),
      },
    },
  };
}

/** Derived defaults go into the description, and a secret may stand encrypted. */
function forEditors(name: string, node: Node): unknown {
  const { "x-default": derived, properties, items, anyOf, description, ...rest } = node;
  const needed = Object.entries(properties ?? {}).flatMap(([key, each]) => (each["x-required"] ? [key] : []));
  const text = [description, derived === undefined ? undefined : `Default: ${derived}.`]
    .filter((each) => each)
    .join(" ");
  const plain = {
    ...rest,
    "x-required": undefined,
    ...(text === "" ? {} : { description: text }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([key, each]) => [key, forEditors(key, each)]),
          ),
        }),
    ...(needed.length === 0 ? {} : { required: needed }),
    ...(items === undefined ? {} : { items: forEditors("", items) }),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map((each) => forEditors("", each)) }),
  };
  if (!SECRETS.has(name)) return plain;
  const secure = { type: "object", properties: { secure: { type: "string" } }, required: ["secure"] };
  return { description: text, anyOf: [plain, secure] };
}

/** Pulumi declares only simple types, and demands a value for every declared key without a default. */
const DECLARABLE = new Set(["string", "integer", "boolean", "array"]);

/** Pulumi.yaml: the keys that Pulumi can declare, the others in comments. */
export function projectFile(): string {
  const keys = Object.entries(rootNode().properties ?? {});
  const declared = keys.filter(
    ([, node]) => node.default !== undefined && DECLARABLE.has(node.type ?? "") && !isObjectList(node),
  );
  const others = keys.filter(([key]) => !declared.some(([name]) => name === key));
  return [
    `# The config section is written by \`npx tsx tools/generate.ts\` from model/config/schema.ts.`,
    `name: ${PROJECT}`,
    "description: An LVS (IPVS) cluster in cross-subnet Direct Routing mode on libvirt, built, proven and measured",
    "main: index.ts",
    "runtime:",
    "  name: nodejs",
    "  options:",
    "    typescript: true",
    "    packagemanager: npm",
    "config:",
    ...declared.flatMap(([key, node]) => [
      `  ${key}:`,
      `    type: ${node.type}`,
      ...(node.type === "array" ? ["    items:", `      type: ${node.items?.type ?? "string"}`] : []),
      `    description: ${JSON.stringify(sentence(node))}`,
      `    default: ${JSON.stringify(node.default)}`,
    ]),
    "  # Objects, and keys whose default depends on others, cannot be declared here: Pulumi knows no object type, and",
    "  # demands a value for every key without a default. docs/reference/configuration.md describes them all:",
    ...others.map(([key, node]) => `  #   ${key}: ${node.description ?? ""}`),
    "",
  ].join("\n");
}

function isObjectList(node: Node): boolean {
  return node.items?.type === "object";
}

/** Description and allowed values: what `pulumi config` shows. */
function sentence(node: Node): string {
  const allowed = allowedText(node).replaceAll("`", "");
  return `${node.description ?? ""}${allowed === "" || node.description?.includes(allowed) ? "" : ` (${allowed})`}`;
}

export function allowedText(node: Node): string {
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  if (node.enum) return node.enum.map((each) => `\`${String(each)}\``).join(", ");
  if (node.minimum !== undefined && node.maximum !== undefined) return `${node.minimum}–${node.maximum}`;
  return "";
}

/** docs/reference/configuration.md. */
export function referencePage(): string {
  const keys = Object.entries(rootNode().properties ?? {});
  const objects = keys.filter(([, node]) => objectOf(node) !== undefined);
  return [
    "# Configuration",
    "",
    "<!-- Written by `npx tsx tools/generate.ts` from model/config/schema.ts. -->",
    "",
    `Every key is optional: without any, \`up\` builds the article's lab. Set keys in \`Pulumi.STACK.yaml\` under \`config:\` with the`,
    `prefix \`${PROJECT}:\`, or by \`pulumi config set KEY VALUE\` (\`--path\` for fields: \`pulumi config set --path healthCheck.checkinterval 5\`).`,
    "A list is best written in the file, whole: it replaces the default, so that `--path 'realServers[0].weight'` in a file without `realServers` makes a list of one, and rs2 leaves the lab (`preview` says so).",
    "A mistake is refused before anything is touched, together with all others: each with its key, its value and what to do.",
    "`schema/Pulumi.stack.schema.json` gives editors completion; `Pulumi.dev.yaml` shows how to name it.",
    "",
    "A second lab beside the first needs only networks of its own: `clientNetwork.cidr` and `serverNetwork.cidr`; the VIP may be the same, as its network ends at the router. The guests",
    "keep the host parts of their addresses (the director `.30`, the router `.200`, the VIP `.100` …), and names, bridges and MAC addresses",
    "come from the stack's name.",
    "",
    "## All keys",
    "",
    ...table(keys),
    ...objects.flatMap(([key, node]) => section(key, node, 2)),
    "",
  ].join("\n");
}

/** The object that a key takes: itself, its list's element, or a union's. */
function objectOf(node: Node): Node | undefined {
  if (node.properties) return node;
  if (node.items?.properties) return node.items;
  return node.anyOf?.find((each) => each.properties);
}

function section(path: string, node: Node, depth: number): string[] {
  const object = objectOf(node);
  if (object?.properties === undefined) return [];
  const heading = `${"#".repeat(depth)} ${node.type === "array" ? `${path}[]` : path}`;
  const fields = Object.entries(object.properties);
  const nested = fields.filter(
    ([name, each]) =>
      objectOf(each) !== undefined && !(path.startsWith("services") && name === "healthCheck"),
  );
  const prefix = node.type === "array" ? `${path}[].` : `${path}.`;
  return [
    "",
    heading,
    "",
    node.description ?? "",
    "",
    ...table(fields),
    ...nested.flatMap(([name, each]) => section(`${prefix}${name}`, each, depth + 1)),
  ];
}

function table(fields: readonly (readonly [string, Node])[]): string[] {
  return [
    "| key | type | default | meaning |",
    "|---|---|---|---|",
    ...fields.map(
      ([name, node]) =>
        `| \`${name}\` | ${typeText(node)} | ${defaultText(node)} | ${cell(node.description ?? "")} |`,
    ),
  ];
}

function typeText(node: Node): string {
  if (node.anyOf) return node.anyOf.map(typeText).join(" or ");
  if (node.enum ?? node.const) return allowedText(node);
  if (node.const === false) return "`false`";
  if (node.type === "array") return `list of ${node.items?.enum ? typeText(node.items) : plural(node.items)}`;
  const range = allowedText(node);
  return `${node.type === "string" ? "text" : (node.type ?? "any")}${range === "" ? "" : ` ${range}`}`;
}

function plural(node: Node | undefined): string {
  return node?.type === "string" ? "texts" : `${node?.type ?? "value"}s`;
}

function defaultText(node: Node): string {
  if (node["x-required"]) return "required";
  if (node["x-default"] !== undefined) return cell(node["x-default"]);
  if (node.default === undefined || node.type === "object" || objectOf(node))
    return objectOf(node) ? "see below" : "–";
  return `\`${JSON.stringify(node.default).replace(/^"(.*)"$/, "$1")}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
