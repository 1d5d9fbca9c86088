/** How Pulumi compiles the program: file by file with the ts-node that its SDK carries, and from a cache what has not changed. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";

interface TsNode {
  register(options: object): { compile(code: string, file: string): string };
}

// Registering makes Node's own `require` take TypeScript, in all tests that share this process.
const { extensions } = createRequire(__filename);
const before = { ...extensions };
afterEach(() => {
  for (const extension of Object.keys(extensions)) delete extensions[extension];
  Object.assign(extensions, before);
});

it("compiles a file alone, as after a change of that file when the rest is cached", async () => {
  const { typeScriptRequireStrings } = (await import("@pulumi/pulumi/tsutils.js")) as unknown as {
    typeScriptRequireStrings(): { tsnodeRequire: string; typescriptRequire: string };
  };
  const { tsnodeRequire, typescriptRequire } = typeScriptRequireStrings();
  const { register } = (await import(`${tsnodeRequire}/index.js`)) as TsNode;
  const compiler = register({
    compiler: typescriptRequire,
    project: "tsconfig.json",
    transpileOnly: true,
    cache: false,
  });
  expect(compiler.compile("export const port = 80;\n", join(process.cwd(), "model/ports.ts"))).toContain(
    "port = 80",
  );
});
