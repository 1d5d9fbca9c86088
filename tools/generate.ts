/** `npx tsx tools/generate.ts` writes what follows from the schema; `--check` only says what is stale. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as prettier from "prettier";
import { packageSchema } from "./packageSchema";
import { clusterArgs } from "./packageTypes";
import { projectFile, referencePage, stackSchema } from "./reference";

const ROOT = join(__dirname, "..");

/** Path → text of each file, formatted as the repository is. */
function fromConfiguration(): Promise<Record<string, string>> {
  return formatted({
    "schema/Pulumi.stack.schema.json": JSON.stringify(stackSchema()),
    "docs/reference/configuration.md": referencePage(),
    "Pulumi.yaml": projectFile(),
    "packages/lvs-dr/args.ts": clusterArgs(),
  });
}

async function fromPackage(): Promise<Record<string, string>> {
  return formatted({ "packages/lvs-dr/schema.json": await packageSchema() });
}

async function formatted(texts: Record<string, string>): Promise<Record<string, string>> {
  const config = (await prettier.resolveConfig(join(ROOT, "package.json"))) ?? {};
  const format = async ([path, text]: [string, string]) => [
    path,
    await prettier.format(text, { ...config, filepath: path }),
  ];
  return Object.fromEntries(await Promise.all(Object.entries(texts).map(format))) as Record<string, string>;
}

async function main(check: boolean): Promise<void> {
  // The package's sources are among what is written first.
  for (const texts of [fromConfiguration, fromPackage]) {
    for (const [path, text] of Object.entries(await texts())) {
      const file = join(ROOT, path);
      if (!check) {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
      } else if (readFileSync(file, "utf8") !== text) {
        process.stderr.write(`${path} is stale: run npx tsx tools/generate.ts\n`);
        process.exitCode = 1;
      }
    }
  }
}

if (require.main === module) void main(process.argv.includes("--check"));
