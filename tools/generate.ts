/** `npx tsx tools/generate.ts` writes what follows from the schema; `--check` only says what is stale. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as prettier from "prettier";
import { projectFile, referencePage, stackSchema } from "./reference";

const ROOT = join(__dirname, "..");

/** Path → text of every generated file, formatted as the repository is. */
export async function generated(): Promise<Record<string, string>> {
  const texts: Record<string, string> = {
    "schema/Pulumi.stack.schema.json": JSON.stringify(stackSchema()),
    "docs/reference/configuration.md": referencePage(),
    "Pulumi.yaml": projectFile(),
  };
  const config = (await prettier.resolveConfig(join(ROOT, "package.json"))) ?? {};
  const format = async ([path, text]: [string, string]) => [
    path,
    await prettier.format(text, { ...config, filepath: path }),
  ];
  return Object.fromEntries(await Promise.all(Object.entries(texts).map(format))) as Record<string, string>;
}

async function main(check: boolean): Promise<void> {
  for (const [path, text] of Object.entries(await generated())) {
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

if (require.main === module) void main(process.argv.includes("--check"));
