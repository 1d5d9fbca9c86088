/** The hand-written @pulumi/libvirt against the provider's own schema, where the Pulumi CLI can tell it. */
import { tmpdir } from "node:os";
import { beforeAll, describe, expect, it, type TestContext } from "vitest";
import { exec } from "../../../lib/process";
import { runProgram } from "../components/support/fixtures";
import { declaredSdk, type Shape } from "./declared";

interface TypeSpec {
  readonly type?: string;
  readonly $ref?: string;
  readonly items?: TypeSpec;
}
interface ObjectSpec {
  readonly properties?: Readonly<Record<string, TypeSpec>>;
  readonly required?: readonly string[];
}
interface ResourceSpec extends ObjectSpec {
  readonly inputProperties?: Readonly<Record<string, TypeSpec>>;
  readonly requiredInputs?: readonly string[];
}
interface Schema {
  readonly name: string;
  readonly version: string;
  readonly parameterization: { baseProvider: { name: string; version: string }; parameter: string };
  readonly resources: Readonly<Record<string, ResourceSpec>>;
  readonly types: Readonly<Record<string, ObjectSpec>>;
  readonly provider: ResourceSpec;
}

let schema: Schema | undefined;
let reason = "";

beforeAll(async () => {
  const args = ["package", "get-schema", "terraform-provider", "dmacvicar/libvirt", "0.9.7"];
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true", PWD: tmpdir() };
  const { code, stdout, stderr } = await exec("pulumi", args, { env }).catch((error: Error) => ({
    code: null,
    stdout: "",
    stderr: `there is no Pulumi CLI to ask: ${error.message}`,
  }));
  if (code === 0) schema = JSON.parse(stdout) as Schema;
  else reason = stderr.split("\n").at(-1) ?? "";
}, 60_000);

function schemaOrSkip({ skip }: TestContext): Schema {
  if (schema === undefined) return skip(reason);
  return schema;
}

const inputsOf = ({ inputProperties = {}, requiredInputs = [] }: ResourceSpec): ObjectSpec => ({
  properties: inputProperties,
  required: requiredInputs,
});

/** Where a declared type is not the schema's: `PATH: what differs`. */
function differences(known: Schema, shape: Shape, spec: TypeSpec | ObjectSpec, path: string): string[] {
  if ("$ref" in spec && spec.$ref !== undefined) {
    const target = known.types[spec.$ref.replace("#/types/", "")];
    return target === undefined
      ? [`${path}: ${spec.$ref} is no type`]
      : differences(known, shape, target, path);
  }
  if (shape.kind === "array") {
    const { items } = spec as TypeSpec;
    return items === undefined
      ? [`${path}: is not a list`]
      : differences(known, shape.items, items, `${path}[]`);
  }
  if (shape.kind !== "object") {
    const type = (spec as TypeSpec).type ?? "object";
    const fits = type === shape.kind || (type === "integer" && shape.kind === "number");
    return fits ? [] : [`${path}: is ${type}, not ${shape.kind}`];
  }
  const { properties, required = [] } = spec as ObjectSpec;
  if (properties === undefined) return [`${path}: is not an object`];
  const missing = required.filter((name) => shape.properties[name]?.optional ?? true);
  return [
    ...missing.map((name) => `${path}.${name}: is required`),
    ...Object.entries(shape.properties).flatMap(([name, property]) => {
      const found = properties[name];
      const at = `${path}.${name}`;
      return found === undefined ? [`${at}: does not exist`] : differences(known, property.shape, found, at);
    }),
  ];
}

/** A value's shape, for what the program really registers. */
function shapeOf(value: unknown): Shape {
  if (Array.isArray(value))
    return { kind: "array", items: value.length > 0 ? shapeOf(value[0]) : { kind: "string" } };
  if (typeof value === "object" && value !== null) {
    const properties = Object.entries(value).map(([name, inner]) => [
      name,
      { optional: false, shape: shapeOf(inner) },
    ]);
    return { kind: "object", properties: Object.fromEntries(properties) as never };
  }
  return { kind: typeof value as "string" | "number" | "boolean" };
}

describe("@pulumi/libvirt", () => {
  it("has the tokens and outputs of the generated SDK", (context) => {
    const known = schemaOrSkip(context);
    for (const { token, outputs } of declaredSdk().resources) {
      const { properties = {} } = known.resources[token] ?? {};
      expect(Object.keys(properties), token).toEqual(expect.arrayContaining([...outputs, "name"]));
    }
    expect(declaredSdk().resources).toHaveLength(4);
  });

  it("declares inputs by the schema's names and types, and leaves no required one out", (context) => {
    const known = schemaOrSkip(context);
    const { resources, provider } = declaredSdk();
    const differing = resources.flatMap(({ token, inputs }) =>
      differences(known, inputs, inputsOf(known.resources[token] ?? {}), token),
    );
    expect(differing).toEqual([]);
    expect(differences(known, provider, inputsOf(known.provider), "provider")).toEqual([]);
  });

  it("registers itself as the package that the bridge plugin makes of the Terraform provider", async (context) => {
    const { packages } = await runProgram();
    expect(packages.map(({ parameter, ...rest }) => ({ ...rest, parameter: decoded(parameter) }))).toEqual([
      {
        base: "terraform-provider 1.1.3",
        name: "libvirt",
        version: "0.9.7",
        parameter: { remote: { url: "registry.opentofu.org/dmacvicar/libvirt", version: "0.9.7" } },
      },
    ]);
    const { name, version, parameterization } = schemaOrSkip(context);
    const { baseProvider, parameter } = parameterization;
    expect(packages).toEqual([
      { base: `${baseProvider.name} ${baseProvider.version}`, name, version, parameter },
    ]);
  });

  it.for<[string, Record<string, string>]>([
    ["the article's lab", {}],
    ["a lab on another host", { libvirtUri: "qemu+ssh://host/system", accelerator: "qemu" }],
  ])("registers for %s what the schema allows", async ([, config], context) => {
    const known = schemaOrSkip(context);
    const { registrations } = await runProgram({ config });
    const seen = registrations.filter(({ type }) => type.startsWith("libvirt:"));
    expect(seen.length).toBeGreaterThan(15);
    expect(
      seen.flatMap(({ type, inputs }) =>
        differences(known, shapeOf(inputs), inputsOf(known.resources[type] ?? {}), type),
      ),
    ).toEqual([]);
  });

  it("would not pass with a wrong name or type, or without a required one", () => {
    const none = { types: { t: { properties: { size: { type: "integer" } } } } } as unknown as Schema;
    const spec = {
      properties: { on: { type: "boolean" }, of: { $ref: "#/types/t" } },
      required: ["on", "name"],
    };
    const seen = shapeOf({ on: "yes", of: { size: 1, unit: "GiB" }, off: 1 });
    expect(differences(none, seen, spec, "x")).toEqual([
      "x.name: is required",
      "x.on: is boolean, not string",
      "x.of.unit: does not exist",
      "x.off: does not exist",
    ]);
  });
});

const decoded = (base64: string): unknown => JSON.parse(Buffer.from(base64, "base64").toString());
