/** Nothing outside `.lab/STACK` is ever deleted, whatever the name and the path, and wherever symbolic links lead. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deleteEmptyDirectory, deleteFromStack, stackDirectory } from "../../../../cli/stack/stackDirectory";

const home = process.cwd();
let root: string;
const OWN = ".lab/dev";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lvs-dr-delete-"));
  process.chdir(root);
});
afterEach(() => {
  process.chdir(home);
  rmSync(root, { recursive: true });
});

/** A checkout with two stacks, something of value around them, and links that lead there. */
function plant(): void {
  process.chdir(root);
  rmSync(join("checkout", OWN), { recursive: true, force: true });
  for (const directory of ["outside/deep", "checkout/.git", "checkout/.lab/other", "checkout/.lab/dev/seeds"])
    mkdirSync(directory, { recursive: true });
  process.chdir("checkout");
  const files = ["../outside/a", "../outside/deep/b", ".git/HEAD", ".lab/other/state.json"];
  for (const file of [...files, ".lab/dev/state.json", ".lab/dev/seeds/x"]) writeFileSync(file, file);
  const links = { out: "../../../outside", sideways: "../other", up: "..", within: "seeds", self: "." };
  for (const [link, target] of Object.entries({ ...links, dangling: "/nowhere" }))
    symlinkSync(target, join(OWN, link));
  if (!existsSync(".lab/linked")) symlinkSync("../../outside", ".lab/linked");
}

/** Every file and link below a directory, with what it holds. */
function everything(directory: string, but?: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (path === but) return [];
    if (entry.isDirectory()) return [path, ...everything(path, but)];
    return [`${path}: ${entry.isSymbolicLink() ? "link" : readFileSync(path, "utf8")}`];
  });
}

const around = (): string[] => everything(root, join(root, "checkout", OWN));

const segment = fc.constantFrom(
  ...[
    "..",
    "..",
    ".",
    "dev",
    "other",
    "seeds",
    "x",
    "state.json",
    "out",
    "deep",
    "a",
    "sideways",
    "up",
    "self",
  ],
  ...["within", "dangling", ".lab", ".git", "nothing"],
);
const path = fc.array(segment, { maxLength: 5 }).map((parts) => parts.join("/"));
const anything = fc.oneof(
  { weight: 8, arbitrary: path },
  { weight: 5, arbitrary: fc.constantFrom("seeds", "state.json", "out", "up/dev/seeds", "self/seeds/x") },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: path.map((relative) => join(root, relative)) },
);
// Another stack's own files are that stack's to delete.
const stack = fc.oneof(
  { weight: 3, arbitrary: fc.constant("dev") },
  { weight: 1, arbitrary: fc.constantFrom("", ".", "..", "linked", "node", "dev/..", "dev/../other", "new") },
  { weight: 1, arbitrary: anything.filter((name) => name !== "other") },
);

describe("deleting from a stack", () => {
  it("leaves everything around its directory as it was", () => {
    let [deleted, refused] = [0, 0];
    plant();
    const before = around();
    fc.assert(
      fc.property(stack, anything, (name, relative) => {
        // What a run before this one deleted is there again; what is around, it left.
        plant();
        const mine = everything(OWN).length;
        try {
          deleteFromStack(name, relative);
        } catch {
          refused++;
        }
        expect(around()).toEqual(before);
        expect(existsSync(OWN)).toBe(true);
        if (everything(OWN).length < mine) deleted++;
      }),
      { numRuns: 200 },
    );
    // Both happen: else the property would say nothing.
    expect(Math.min(deleted, refused)).toBeGreaterThan(20);
  });

  it("of a link only the link itself goes", () => {
    plant();
    for (const link of ["out", "sideways", "up", "self", "dangling"]) {
      deleteFromStack("dev", link);
      expect(lstatSync(join(".lab/dev", link), { throwIfNoEntry: false })).toBeUndefined();
    }
    expect(readFileSync("../outside/deep/b", "utf8")).toBe("../outside/deep/b");
    expect(readdirSync(".lab/dev").sort()).toEqual(["seeds", "state.json", "within"]);
  });

  it.each(["out/a", "sideways/state.json", "up/other", "../other", "..", ".", "", "/etc/hostname"])(
    "%j is refused by name",
    (relative) => {
      plant();
      expect(() => deleteFromStack("dev", relative)).toThrow("is not below .lab/dev: not deleted");
    },
  );

  it("refuses a link in the place of the stack's directory, or of all of them", () => {
    plant();
    expect(() => stackDirectory("linked")).toThrow(".lab/linked is a symbolic link");
    symlinkSync(join(root, "checkout/.lab"), join(root, "outside/.lab"));
    process.chdir(join(root, "outside"));
    expect(() => stackDirectory("dev")).toThrow(".lab is a symbolic link");
    expect(() => deleteFromStack("dev", "state.json")).toThrow(".lab is a symbolic link");
    expect(() => deleteEmptyDirectory("dev")).toThrow(".lab is a symbolic link");
    expect(existsSync(".lab/dev/state.json")).toBe(true);
  });

  it("what is not there is no error", () => {
    plant();
    deleteFromStack("dev", "none/at/all");
    deleteFromStack("new", "x");
    deleteEmptyDirectory("new");
    deleteEmptyDirectory("dev");
    expect(readFileSync(".lab/dev/state.json", "utf8")).toBe(".lab/dev/state.json");
  });
});
