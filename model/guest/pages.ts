/** What clients read at `/` of the lab's own web servers. */
import type { Problem } from "../lab/problem";
import type { Lab } from "../lab/types";

/** Characters of a page that are compared: a long sorry page is not read to its end. */
const COMPARED = 1000;

/** A real server's page, which names it. */
export function realServerPage(name: string): string {
  return `<h1>${name}</h1>\n`;
}

/** The director's sorry page, as it is written. */
export function sorryPage({ sorryPage: page }: Pick<Lab, "sorryPage">): string {
  return page.replace(/\n?$/, "\n");
}

/**
 * What an answer's body should have been, if it is not that.
 * @param server that the answer names; one that the lab does not know has no page to compare with
 * @param body whole, or as much of it as was read
 */
export function otherPage(
  lab: Pick<Lab, "sorryPage" | "directors" | "realServers">,
  server: string,
  body: string,
): string | undefined {
  const known = lab.realServers.some(({ name }) => name === server);
  const stands = lab.directors.some(({ name }) => name === server);
  const page = known ? realServerPage(server) : stands ? sorryPage(lab) : undefined;
  const compared = (text: string): string => text.slice(0, COMPARED).trimEnd();
  return page === undefined || compared(body) === compared(page) ? undefined : page;
}

/** Each web server of the lab and its page, by turns. */
export function pagesOf(lab: Lab): string[] {
  const servers = lab.realServers.flatMap(({ name }) => [name, realServerPage(name)]);
  return [...servers, ...lab.directors.flatMap(({ name }) => [name, sorryPage(lab)])];
}

/** A page in a sentence: its first line, shortened. */
export function shownPage(page: string): string {
  const [first = ""] = page.trim().split("\n");
  return JSON.stringify(first.length > 60 ? `${first.slice(0, 60)}…` : first);
}

/**
 * Which servers' pages are not the lab's, each server once.
 * @param answers good ones only
 */
export function wrongPages(
  lab: Lab,
  url: string,
  answers: readonly { readonly server: string; readonly body: string }[],
): Problem[] {
  const found = new Map<string, Problem>();
  for (const { server, body } of answers) {
    const page = otherPage(lab, server, body);
    if (page === undefined) continue;
    const text = `${server}: clients read ${shownPage(body)} at ${url}, expected ${shownPage(page)}`;
    found.set(server, { subject: server, code: "wrong-page", detail: url, text });
  }
  return [...found.values()];
}
