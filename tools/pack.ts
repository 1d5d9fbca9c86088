/**
 * What `npm pack` needs beside the sources of packages/lvs-dr/: a package knows no room but its own. Its program and the health observer in
 * one file each, declarations, and the scripts that they read. `--clean` takes them away again.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import ts from "typescript";
import { dependencies } from "../packages/lvs-dr/package.json";

const ROOT = join(__dirname, "..");
const PACKAGE = join(ROOT, "packages", "lvs-dr");
const DIST = join(PACKAGE, "dist");
const SOURCES = ["index", "args", "outputs", "lvsCluster"];
/** From the root, copied as they are. */
const COPIED = ["scripts/guest", "scripts/host", "scripts/image", "LICENSE"];

for (const made of ["dist", "scripts", "LICENSE"])
  rmSync(join(PACKAGE, made), { recursive: true, force: true });
if (!process.argv.includes("--clean")) assemble();

function assemble(): void {
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: { index: "packages/lvs-dr/index.ts", observeMain: "health/observeMain.ts" },
    outdir: DIST,
    bundle: true,
    platform: "node",
    target: "node22",
    // A program has one @pulumi/pulumi, and the plugins' versions are those of the user's packages.
    external: Object.keys(dependencies).flatMap((name) => [name, `${name}/*`]),
    // Pulumi finds components by their classes' names.
    keepNames: true,
  });
  for (const name of SOURCES) {
    const source = readFileSync(join(PACKAGE, `${name}.ts`), "utf8");
    const { outputText } = ts.transpileDeclaration(source, { fileName: `${name}.ts` });
    mkdirSync(DIST, { recursive: true });
    writeFileSync(join(DIST, `${name}.d.ts`), outputText);
  }
  for (const path of COPIED) cpSync(join(ROOT, path), join(PACKAGE, path), { recursive: true });
}
