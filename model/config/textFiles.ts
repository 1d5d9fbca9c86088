/** Text files that the configuration names: read, and what is wrong with them. */
import type { Findings } from "./findings";

/** A file's text, or what is wrong with it: "is not there". */
export type TextFile = { readonly text: string } | { readonly fault: string };

/** Reads a text file that the configuration names. */
export type ReadText = (path: string) => TextFile;

/** Where nothing is read. */
export const NO_TEXT: TextFile = { text: "" };

export const textOf = (read: ReadText, path: string): string => {
  const file = read(path);
  return "text" in file ? file.text : "";
};

export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** Texts by file name. */
export const textsOf = (read: ReadText, paths: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(paths.map((path) => [baseName(path), textOf(read, path)]));

/** @param key of the list: all of its files lie in one directory */
export function checkFileNames(findings: Findings, key: string, files: readonly string[]): void {
  files.forEach((path, place) => {
    const first = files.findIndex((each) => baseName(each) === baseName(path));
    if (first === place) return;
    const message = `has the same name as files[${first}], and all of them lie in one directory`;
    findings.add({ key: `${key}[${place}]`, value: path, message, fix: "rename one of the two files" });
  });
}

/** @param isRun as a program of its own */
export function checkText(
  findings: Findings,
  read: ReadText,
  { key, path, isRun }: { readonly key: string; readonly path: string; readonly isRun: boolean },
): void {
  const file = read(path);
  if ("fault" in file) {
    const fix = "name a text file by its path from the project's directory";
    findings.add({ key, value: path, message: file.fault, fix });
  } else if (isRun && file.text !== "" && file.text.slice(0, 2) !== "#!") {
    const message = "does not begin with #!, by which the kernel knows what runs it";
    findings.add({ key, value: path, message, fix: "begin it with a line such as #!/bin/bash" });
  }
}
