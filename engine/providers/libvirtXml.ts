import { XMLBuilder } from "fast-xml-parser";
import type { Properties, Value } from "../../lib/properties";

/**
 * libvirt's XML from the provider's camelCase properties. The provider generates its schema from libvirt's XML by a few
 * rules, and this is their inverse: an object is an element, a list repeats one, a scalar is an attribute — but for the
 * ones named in TEXT, which are elements with text, whose own attributes lie beside them (`memory`, `memoryUnit`).
 * libvirt validates the result against its schema, so that a property these rules do not know cannot get lost silently.
 */

type Node = { [key: string]: Node | Node[] | string | string[] | Record<string, never> };
type Fields = { readonly [key: string]: Value };

/** Scalars that are elements, by the element they are in; "*" stands for any. */
const TEXT: Readonly<Record<string, readonly string[]>> = {
  domain: ["name", "uuid", "title", "description", "memory", "vcpu"],
  os: ["type", "kernel", "initrd", "cmdline"],
  cpu: ["model"],
  tcg: ["tbCache"],
  network: ["name", "uuid"],
  pool: ["name", "uuid"],
  volume: ["name", "capacity"],
  "pool/target": ["path"],
  "volume/target": ["path"],
  backingStore: ["path"],
  permissions: ["owner", "group", "mode"],
};

/** Names that are not simply the property's, without the plural of a list. */
const NAMES: Readonly<Record<string, string>> = {
  memBalloon: "memballoon",
  tbCache: "tb-cache",
  bootDevice: "boot",
  readOnly: "readonly",
};

/** Booleans that are elements, present or absent. */
const PRESENCE: Readonly<Record<string, readonly string[]>> = { features: ["acpi"], disk: ["readOnly"] };

/** Elements whose `source` has one branch for each kind; the kind becomes the element's type. */
const WITH_SOURCE = new Set(["disk", "interface", "serial"]);

const SIMPLE = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  textNodeName: "#",
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
  format: true,
});

/** @param extra further properties of the root, such as its uuid */
export function libvirtXml(
  root: "domain" | "network" | "pool" | "volume",
  inputs: Properties,
  extra: Properties = {},
): string {
  return SIMPLE.build({ [root]: element({ ...inputs, ...extra }, root, "") }) as string;
}

function element(fields: Fields, name: string, parent: string): Node {
  const node: Node = {};
  const texts = TEXT[`${parent}/${name}`] ?? TEXT[name] ?? [];
  for (const [key, value] of Object.entries(fields)) {
    if (value === null || value === undefined) continue;
    const owner = texts.find((t) => key !== t && key.startsWith(t) && /[A-Z]/.test(key.charAt(t.length)));
    if (owner !== undefined) continue; // An attribute of a text element, written with it.
    if (texts.includes(key)) node[tag(key, value)] = textElement(fields, key, value);
    else if (key === "source" && WITH_SOURCE.has(name)) Object.assign(node, sourceOf(value as Fields));
    else if (key === "backend" && name === "rng") node.backend = rngBackend(value as Fields);
    else if (Array.isArray(value))
      node[tag(key, value)] = value.map((item) => element(item as Fields, tag(key, value), name));
    else if (typeof value === "object")
      node[tag(key, value)] = element(value as Fields, tag(key, value), name);
    else if (PRESENCE[name]?.includes(key)) {
      if (value === true) node[tag(key, value)] = {};
    } else node[`@${tag(key, value)}`] = scalar(value);
  }
  return node;
}

function textElement(fields: Fields, key: string, value: Value): Node {
  const node: Node = { "#": scalar(value) };
  for (const [other, attribute] of Object.entries(fields)) {
    const suffix = other.slice(key.length);
    if (other.startsWith(key) && /^[A-Z]/.test(suffix))
      node[`@${suffix.charAt(0).toLowerCase()}${suffix.slice(1)}`] = scalar(attribute);
  }
  return node;
}

/** `{volume: {pool, volume}}` → `type="volume"` and `<source pool= volume=/>`. */
function sourceOf(source: Fields): Node {
  const given = Object.entries(source).find(([, branch]) => branch !== null && branch !== undefined);
  if (given === undefined) throw new Error("a disk's or interface's source has no branch");
  const [type, branch] = given;
  return { "@type": type, source: element(branch as Fields, "source", "") };
}

/** `{random: "/dev/urandom"}` → `<backend model="random">/dev/urandom</backend>`. */
function rngBackend(backend: Fields): Node {
  if (backend.builtIn === true) return { "@model": "builtin" };
  return { "@model": "random", "#": scalar(backend.random ?? "/dev/urandom") };
}

function tag(key: string, value: Value): string {
  const singular = Array.isArray(value) && key.endsWith("s") ? key.slice(0, -1) : key;
  return NAMES[singular] ?? singular;
}

const scalar = (value: Value | undefined): string =>
  typeof value === "boolean" ? (value ? "yes" : "no") : String(value ?? "");
