/**
 * keepalived.conf into statements and blocks, as keepalived 2.2.7 reads it (lib/parser.c): ! and # begin a comment but in double quotes or
 * after a backslash, braces outside of double quotes stand for themselves wherever they are, $NAME is what a line $NAME=… said before.
 */
import { lineKey, shown, type Left, type Line } from "./source";

export interface Statement {
  readonly at: Line;
  /** Split at white space, text in double quotes whole. */
  readonly words: readonly string[];
  /** As it was before that. */
  readonly raw: string;
  readonly block?: readonly Statement[];
}

export interface IncludedFile {
  /** Absent: the first one. */
  readonly file?: string;
  readonly text: string;
}

/** The files that an `include` names, in its order. @param from the file that includes them; absent: the first one */
export type Include = (pattern: string, from: string | undefined) => readonly IncludedFile[];

export interface Parsed {
  readonly statements: readonly Statement[];
  readonly all: readonly Line[];
  readonly left: readonly Left[];
}

type Open = Omit<Statement, "block"> & { block?: Open[] };

export function parseKeepalived(text: string, include: Include): Parsed {
  /** A file may be included twice. */
  const all = new Map<string, Line>();
  const left: Left[] = [];
  const root: Open[] = [];
  const open: Open[][] = [root];
  const owners: Open[] = [];
  const definitions = new Map<string, string[]>();
  /** A definition that goes on. */
  let unfinished: string[] | undefined;

  const take = (segment: string, at: Line): void => {
    const statements = open.at(-1) ?? root;
    if (segment === "{") {
      const owner = statements.at(-1);
      if (owner === undefined || owner.block !== undefined)
        left.push({ ...at, reason: "has a { that belongs to nothing" });
      else {
        open.push((owner.block = []));
        owners.push(owner);
      }
    } else if (segment === "}") {
      if (open.length === 1) left.push({ ...at, reason: "has a } too many" });
      else {
        open.pop();
        owners.pop();
      }
    } else statements.push({ at: { ...at, text: shown(segment) }, raw: segment, words: wordsOf(segment) });
  };

  const readLine = (line: string, at: Line): void => {
    const condition = /^@(\^?)(\S+)\s+(.*)$/.exec(line);
    if (condition !== null && condition[1] === "") {
      left.push({ ...at, reason: `is for keepalived -i ${condition[2]} only` });
      return;
    }
    const text = condition?.[3] ?? line;
    const definition = /^\$([A-Za-z_]\w*)[ \t]*=[ \t]*(.*)$/.exec(text);
    if (definition !== null) {
      const [, name = "", value = ""] = definition;
      const lines = [withoutEnd(value)];
      definitions.set(name, lines);
      unfinished = value.endsWith("\\") ? lines : undefined;
      return;
    }
    if (/^~(SEQ|LST)/.test(text)) {
      left.push({ ...at, reason: "is a sequence, which is not expanded" });
      return;
    }
    for (const expanded of substitute(text, definitions))
      for (const segment of segments(expanded)) take(segment, at);
  };

  /** @param files that are being read, the innermost last */
  const readFile = (content: string, files: readonly (string | undefined)[]): void => {
    const file = files.at(-1);
    content.split(/\r?\n/).forEach((row, index) => {
      const line = decomment(row);
      if (line === "") {
        unfinished = undefined;
        return;
      }
      const at: Line = { line: index + 1, text: shown(line), ...(file !== undefined && { file }) };
      if (!/^[{}\s]+$/.test(line)) all.set(lineKey(at), at);
      if (unfinished !== undefined) {
        unfinished.push(withoutEnd(line));
        if (!line.endsWith("\\")) unfinished = undefined;
        return;
      }
      const pattern = /^include[rmwba]?\s+(.*)$/.exec(line)?.[1];
      if (pattern === undefined) return readLine(line, at);
      const included = include(pattern.trim(), file);
      if (included.length === 0) left.push({ ...at, reason: "names no file that is there" });
      for (const each of included)
        if (!files.includes(each.file)) readFile(each.text, [...files, each.file]);
        else
          left.push({
            ...at,
            reason: each.file === file ? "includes its own file" : "includes a file that includes this one",
          });
    });
  };

  readFile(text, [undefined]);
  for (const { at } of owners)
    left.push({ ...at, reason: "begins a block that no } ends: the rest of the file is in it" });
  return { statements: root, all: [...all.values()], left };
}

/** Without comment and blanks at its ends. */
function decomment(row: string): string {
  let quoted = false;
  let kept = "";
  const line = row.trim();
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    const next = line.charAt(at + 1);
    if (character === "\\" && next !== "") {
      kept += !quoted && /[#!]/.test(next) ? next : character + next;
      at++;
    } else if (!quoted && /[#!]/.test(character)) break;
    else {
      if (character === '"') quoted = !quoted;
      kept += character;
    }
  }
  return kept.trimEnd();
}

const withoutEnd = (line: string): string => line.replace(/\s*\\$/, "");

/** The lines that a line is, once its definitions are what they stand for. */
function substitute(line: string, definitions: ReadonlyMap<string, readonly string[]>): string[] {
  let text = line;
  // Each may name others.
  for (let round = 0; round < 100; round++) {
    const before = text;
    text = text.replace(
      /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)(?=[ \t,)]|$))/gm,
      (whole, braced?: string, bare?: string) => {
        const value = definitions.get(braced ?? bare ?? "");
        return value === undefined ? whole : value.join("\n");
      },
    );
    if (text === before || text.length > 65536) break;
  }
  return text === line ? [line] : text.split("\n").map(decomment);
}

/** A line cut at its braces. */
function segments(line: string): string[] {
  const parts = line.match(/[{}]|(?:"[^"]*"|[^{}"]|"(?![^"]*"))+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

function wordsOf(text: string): string[] {
  return (text.match(/"[^"]*"|[^\s"]+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, "$1"));
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const PARTS = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^"'\\]+/g;

/** The words of a statement whose keyword takes quotes of both kinds, and escapes: regex, misc_path and others. */
export function quotedWords({ raw }: Statement): string[] {
  const words = raw.match(/(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+/g) ?? [];
  const plain = (part: string): string =>
    (/^["']/.test(part) ? part.slice(1, -1) : part).replace(
      /\\(?:x([0-9a-fA-F]+)|([0-7]{1,3})|(.))/g,
      (_all, hex?: string, octal?: string, one = "") => {
        if (hex === undefined && octal === undefined) return ESCAPES[one] ?? one;
        return String.fromCharCode(parseInt(hex ?? octal ?? "", hex === undefined ? 8 : 16) & 255);
      },
    );
  return words.map((word) => (word.match(PARTS) ?? []).map(plain).join(""));
}
