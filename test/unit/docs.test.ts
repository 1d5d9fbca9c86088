/** Links between the documents. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(__dirname, "../..");
const LINK = /\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)/g;

/** The anchors that GitHub gives a document's headings. */
function anchors(path: string): string[] {
  return [...readFileSync(path, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const documents = [
  ...readdirSync(ROOT),
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" }).map((name) => join("docs", name)),
].filter((name) => name.endsWith(".md"));

it.each(documents)("%s links to files and headings that exist", (document) => {
  const path = join(ROOT, document);
  const dangling = [...readFileSync(path, "utf8").matchAll(LINK)].filter(([, file = "", anchor]) => {
    const target = file === "" ? path : join(dirname(path), file);
    if (!existsSync(target)) return true;
    return anchor !== undefined && statSync(target).isFile() && !anchors(target).includes(anchor);
  });
  expect(dangling.map(([link]) => link)).toEqual([]);
});

it("every document can be reached from the README", () => {
  const reached = new Set<string>();
  const visit = (document: string): void => {
    if (reached.has(document) || !document.endsWith(".md")) return;
    reached.add(document);
    for (const [, file = ""] of readFileSync(join(ROOT, document), "utf8").matchAll(LINK))
      if (file !== "") visit(relative(ROOT, join(ROOT, dirname(document), file)));
  };
  visit("README.md");
  expect(documents.filter((document) => !reached.has(document))).toEqual([]);
});
