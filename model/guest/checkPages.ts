/** What the lab's own web servers answer health checks that ask for another page than the article's. */
import { checkService, negotiates } from "../director/checkServices";
import type { Lab, LabNode, VirtualService } from "../lab/types";
import { webProtocol } from "../lab/workloads";
import { realServerPage } from "./pages";

export interface CheckPage {
  readonly path: string;
  readonly text: string;
}

/** The article's. */
export const TEST_PAGE = { path: "/test.html", text: "test\n" };

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
}

/**
 * The page that a check of the service finds on a real server, or undefined where none can be made: for an expression that only Perl
 * understands, a path that is no file's, and what is no check over HTTP.
 */
export function checkPage(service: VirtualService, name: string): CheckPage | undefined {
  const { check, realServers } = service;
  if (
    webProtocol(service) === undefined ||
    !negotiates(check.checktype) ||
    checkService(check.service).asks === undefined
  )
    return undefined;
  const own = realServers.find((server) => server.name === name);
  const [request = "/"] = (own?.request ?? check.request ?? "/").split("?");
  const path = `/${request.replace(/^\//, "")}`;
  if (!/^\/[\w.~+,=@/-]*$/.test(path)) return undefined;
  const receive = own?.receive ?? check.receive ?? "";
  const known = [
    TEST_PAGE,
    { path: "/", text: realServerPage(name) },
    { path: "/index.html", text: realServerPage(name) },
  ];
  const there = known.find((page) => page.path === path && matches(receive, page.text));
  if (there !== undefined) return there;
  const text = sampleOf(receive);
  // To Perl an end of line at the end is behind the end.
  return matches(receive, text) ? { path, text: `${text}\n` } : undefined;
}

/** The pages that a real server needs beside its own; where two services expect otherwise of one path, the first is served. */
export function checkPages(
  { services }: Pick<Lab, "services">,
  { name }: Pick<LabNode, "name">,
): CheckPage[] {
  const pages = services.flatMap((service) => checkPage(service, name) ?? []);
  const own = [TEST_PAGE.text, realServerPage(name)];
  return pages.filter(
    ({ path, text }, index) =>
      !own.includes(text) && pages.findIndex((other) => other.path === path) === index,
  );
}

/** A text that an expression matches, as far as it is a plain one. */
function sampleOf(pattern: string): string {
  let at = 0;
  const alternatives = (): string => {
    const first = sequence();
    while (pattern[at] === "|") {
      at++;
      sequence();
    }
    return first;
  };
  const sequence = (): string => {
    let text = "";
    while (at < pattern.length && !/[|)]/.test(pattern.charAt(at))) {
      const one = atom();
      const [quantifier = "", least = ""] =
        /^(?:[*+?]|\{(\d+)(?:,\d*)?\})[?+]?/.exec(pattern.slice(at)) ?? [];
      at += quantifier.length;
      text += one.repeat(least === "" ? 1 : Number(least));
    }
    return text;
  };
  const atom = (): string => {
    const [character = ""] = /^(?:\[\^?\]?[^\]]*\]|\\.|\((?:\?[a-z]*:)?|.)/s.exec(pattern.slice(at)) ?? [];
    at += Math.max(character.length, 1);
    if (character.startsWith("(")) {
      const text = alternatives();
      at++;
      return text;
    }
    if (character.startsWith("[^")) return character.includes(" ") ? "x" : " ";
    if (character.startsWith("[")) return character.charAt(1);
    if (character.startsWith("\\"))
      return (
        { d: "0", w: "a", s: " ", b: "", B: "", n: "\n", t: "\t" }[character.charAt(1)] ?? character.charAt(1)
      );
    return character === "^" || character === "$" ? "" : character === "." ? "x" : character;
  };
  return alternatives();
}
