/** The package's Pulumi schema, as the CLI gets it from the plugin: by the SDK's own analyzer, from packages/lvs-dr/. */
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { ComponentProvider } from "@pulumi/pulumi/provider/experimental/provider";
import { name } from "../packages/lvs-dr/package.json";

/** What the package exports; the analyzer reads no more of them than their names. */
const COMPONENTS = ["LvsCluster"].map((each) => ({ name: each }) as typeof pulumi.ComponentResource);

/** packages/lvs-dr/schema.json. */
export async function packageSchema(): Promise<string> {
  const dirname = join(__dirname, "..", "packages", "lvs-dr");
  // The CLI makes it in a plugin, and wants no class that a test could not load.
  return new ComponentProvider({ name, dirname, components: COMPONENTS as never }).getSchema();
}
