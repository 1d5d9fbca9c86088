/** What users of the package read of it in their own language: its schema, and the versions that its files name. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import project from "../../../package.json";
import example from "../../../packages/lvs-dr/examples/typescript/package.json";
import lvsdr from "../../../packages/lvs-dr/package.json";
import schema from "../../../packages/lvs-dr/schema.json";

type Properties = Readonly<Record<string, { readonly description?: string }>>;
interface Type {
  readonly type: string;
  readonly properties?: Properties;
  readonly inputProperties?: Properties;
  readonly required?: readonly string[];
}

const types: Readonly<Record<string, Type>> = { ...schema.resources, ...schema.types };

describe("the package's schema", () => {
  it("describes every property, of the arguments and of the outputs", () => {
    const all = Object.entries(types).flatMap(([type, { inputProperties = {}, properties = {} }]) =>
      [inputProperties, properties].flatMap((each) =>
        Object.entries(each).map(([key, { description = "" }]) => [`${type}.${key}`, description] as const),
      ),
    );
    expect(all.map(([key]) => key)).toContain("lvsdr:index:RealServerHealth.activeConnections");
    expect(all.filter(([, description]) => !/\w{2}.*\.$/s.test(description))).toEqual([]);
  });

  it("requires what no configuration can do without", () => {
    const required = (type: string) => types[`lvsdr:index:${type}`]?.required;
    expect(required("Ssh")).toEqual(["hostKey"]);
    expect(required("Jump")).toEqual(["host", "hostKey"]);
    expect(required("Workload")).toEqual(["name"]);
    expect(required("ServiceRealServer")).toEqual(["name"]);
    expect(required("Host")).toEqual([]);
  });

  it("is of the version that the package, its README and its examples name", () => {
    const { version, dependencies } = lvsdr;
    const readme = readFileSync(join(__dirname, "../../../packages/lvs-dr/README.md"), "utf8");
    expect(schema.version).toBe(version);
    expect(project.version).toBe(version);
    expect(readme).toContain(`lvsdr-${version}.tgz`);
    const { "@pulumi/pulumi": pulumi, typescript } = dependencies;
    expect(example.dependencies).toEqual({ "@pulumi/pulumi": pulumi, lvsdr: version, typescript });
  });
});
