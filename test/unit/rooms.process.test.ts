import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(__dirname, "../..");

/** What dependency-cruiser says of a project that has these files, by the rules of this one. */
function cruise(files: Readonly<Record<string, string>>): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "rooms-"));
  try {
    fs.copyFileSync(`${ROOT}/tsconfig.json`, `${directory}/tsconfig.json`);
    for (const [file, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(`${directory}/${file}`), { recursive: true });
      fs.writeFileSync(`${directory}/${file}`, text);
    }
    const rooms = [...new Set(Object.keys(files).map((file) => file.split("/")[0] ?? ""))];
    const args = ["--config", `${ROOT}/.dependency-cruiser.cjs`, ...rooms];
    execFileSync(`${ROOT}/node_modules/.bin/depcruise`, args, {
      cwd: directory,
      encoding: "utf8",
      stdio: "pipe",
    });
    return "";
  } catch (error) {
    return (error as { stdout?: string }).stdout ?? String(error);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

const other = "export const a = 1;\nexport type A = number;\n";

test.each([
  ["engine-on-lib", "engine/x.ts", 'import { a } from "../model/a";\nvoid a;\n', "model/a.ts"],
  ["engine-is-a-backend", "cli/x.ts", 'import { a } from "../engine/a";\nvoid a;\n', "engine/a.ts"],
  ["lib-stands-alone", "lib/x.ts", 'import { a } from "../model/a";\nvoid a;\n', "model/a.ts"],
  ["model-is-pure", "model/x.ts", 'import * as fs from "node:fs";\nvoid fs;\n', "model/a.ts"],
  [
    "verify-upon",
    "verify/x.ts",
    'import type { A } from "../components/a";\nexport type B = A;\n',
    "components/a.ts",
  ],
  ["components-upon", "components/x.ts", 'import { a } from "../verify/a";\nvoid a;\n', "verify/a.ts"],
  ["commands-on-top", "cli/stack/x.ts", 'import { a } from "../commands/a";\nvoid a;\n', "cli/commands/a.ts"],
  ["program-upon", "program/x.ts", 'import { a } from "../cli/a";\nvoid a;\n', "cli/a.ts"],
  ["health-upon", "health/x.ts", 'import { a } from "../drills/a";\nvoid a;\n', "drills/a.ts"],
  ["drills-upon", "drills/x.ts", 'import { a } from "../report/a";\nvoid a;\n', "report/a.ts"],
  ["report-upon", "report/x.ts", 'import { a } from "../cli/a";\nvoid a;\n', "cli/a.ts"],
])("an import against the arrows is refused: %s", (rule, file, text, target) => {
  expect(cruise({ [target]: other, [file]: text })).toContain(`error ${rule}: ${file}`);
});

test("imports along the arrows are not", () => {
  const text = 'import { a } from "../lib/a";\nvoid a;\n';
  expect(cruise({ "lib/a.ts": other, "engine/x.ts": text, "verify/x.ts": text, "model/x.ts": text })).toBe(
    "",
  );
});
