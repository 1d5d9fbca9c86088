/**
 * What no Perl takes for a regular expression. The rest is Perl's own to judge, in ldirectord's dry run: JavaScript, which refuses
 * possessive quantifiers and takes unknown classes, is no help.
 */

const CLASSES = /^\^?(alpha|digit|alnum|upper|lower|space|punct|print|graph|cntrl|xdigit|word|blank|ascii)$/;

interface Fault {
  /** Position of the fault, from 1. */
  readonly position: number;
  readonly what: string;
}

/** @returns what is wrong and where, or undefined where Perl may take it */
export function patternFault(text: string): Fault | undefined {
  const open: { position: number; special: boolean }[] = [];
  /** What a quantifier would stand behind; anything may be right behind Perl's special groups, (?…) and (*…). */
  let before: "nothing" | "atom" | "quantifier" | "anything" = "nothing";
  for (let at = 0; at < text.length;) {
    const rest = text.slice(at);
    const position = at + 1;
    const quantifier = /^([*+?]|\{(\d+)(,(\d*))?\})/.exec(rest);
    // A brace with nothing before it stands for itself.
    if (quantifier !== null && !(before === "nothing" && rest.startsWith("{"))) {
      if (before === "nothing") return { position, what: "nothing to repeat" };
      if (before === "quantifier") return { position, what: "a repetition of a repetition" };
      if (Number(quantifier[2] ?? 0) > Number(quantifier[4] || Infinity))
        return { position, what: "repetitions out of order" };
      // Lazy or possessive.
      at += quantifier[0].length + (/^[?+]/.test(rest.slice(quantifier[0].length)) ? 1 : 0);
      if (before === "atom") before = "quantifier";
      continue;
    }
    const character = rest.charAt(0);
    if (character === "(") {
      if (/^\((\?\??|\*\*?)\{/.test(rest)) return { position, what: "code blocks are not allowed" };
      const special = /^\([?*][^()]?/.exec(rest);
      open.push({ position, special: special !== null });
      at += special?.[0].length ?? 1;
      before = special === null ? "nothing" : "anything";
    } else if (character === ")") {
      const group = open.pop();
      if (group === undefined) return { position, what: "unmatched )" };
      at++;
      before = group.special ? "anything" : "atom";
    } else if (character === "[") {
      const end = classEnd(rest);
      if (typeof end === "string") return { position, what: end };
      at += end;
      before = "atom";
    } else if (character === "\\") {
      if (rest.length === 1) return { position, what: "a backslash at the end" };
      at += escapeLength(rest);
      before = "atom";
    } else {
      at++;
      before = character === "|" ? "nothing" : "atom";
    }
  }
  const group = open.at(-1);
  return group === undefined ? undefined : { position: group.position, what: "unterminated group" };
}

/** \x{263a}, \p{L}, \k<name>'s letters and \c[ are one each; all others are two characters. */
function escapeLength(text: string): number {
  return (/^\\(?:c.|[xopPNgkbB]\{[^}]*\}|.)/s.exec(text) ?? [text])[0].length;
}

/** Length of a bracketed class, or what is wrong with it. */
function classEnd(text: string): number | string {
  // A bracket that comes first stands for itself.
  let at = (/^\[\^?\]?/.exec(text) ?? ["["])[0].length;
  while (at < text.length) {
    const rest = text.slice(at);
    const named = /^\[:([^:\]]*):\]/.exec(rest);
    if (named !== null) {
      if (!CLASSES.test(named[1] ?? "")) return `no class is called ${named[0]}`;
      at += named[0].length;
    } else if (rest.startsWith("]")) return at + 1;
    else {
      const range = /^([^\\\][])-([^\\\][])/.exec(rest);
      if (range !== null && (range[1] ?? "") > (range[2] ?? "")) return `range out of order: ${range[0]}`;
      at += range?.[0].length ?? (rest.startsWith("\\") ? escapeLength(rest) : 1);
    }
  }
  return "unterminated class";
}
