/** HTTP requests by curl in a guest, or connections, side by side, and what became of each. */
import { readScript } from "../lib/scripts";
import type { Shell } from "../lib/ssh";
import { perlCommand } from "../lib/text";
import type { ClientRequest } from "../model/health";

/** One request; `body` holds at most PAGE_LENGTH bytes. */
export interface Answer extends ClientRequest {
  /** Status and time, or curl's error. */
  readonly detail: string;
}

export const NOT_ASKED: Answer = {
  ok: false,
  status: 0,
  server: "",
  detail: "not asked",
  seconds: 0,
  body: "",
};

export interface Asked {
  /** Of http or https; `tcp://ADDRESS:PORT/` for a connection alone, which is closed as soon as it is open. */
  readonly url: string;
  /** First of the PORTS_EACH source ports that it may use; absent = any. */
  readonly port?: number;
  /** Whether the certificate of an https URL must be of the lab's own authority, which the client has; else any is good. */
  readonly ofLab?: boolean;
}

/** Ports that a request may use, so that one still in use does not spoil it. */
export const PORTS_EACH = 3;
/** Bytes of a body that are read. */
export const PAGE_LENGTH = 4096;
/** Requests under way at once: each guest without KVM shares a processor with the others. */
const AT_ONCE = 12;

const FORMAT =
  "%{urlnum}\\t%{exitcode}\\t%{http_code}\\t%header{x-real-server}\\t%{time_total}\\t%{errormsg}\\n";

/** Where scripts/guest/client.sh puts the lab's authority. All the others that the client trusts cost a guest without KVM 3 s to read, each time. */
const AUTHORITY = "/usr/local/share/ca-certificates/lvs-dr.crt";

/** What connect.pl says in the place of a status. */
const CONNECTED = "connected";

/** The options that all requests share. */
export function curlOptions(seconds: number): string {
  return `-s --max-time ${seconds} -H 'Connection: close'`;
}

/** The option by which any certificate is good: whether a server answers is one question, whether it is trusted another. */
export function anyCertificate(url: string): string {
  return url.startsWith("https:") ? " -k" : "";
}

/** The options that let one curl make requests side by side, each on a connection of its own. */
export function sideBySide(atOnce = AT_ONCE): string {
  return `-Z --parallel-immediate --parallel-max ${atOnce}`;
}

const TCP = /^tcp:\/\/\[?([^\]]+?)\]?:(\d+)\/$/;

/** @param asked all of tcp, or none */
function askCommand(asked: readonly Asked[], seconds: number): string {
  const connections = asked.flatMap(({ url, port = 0 }) => {
    const [, address, at] = TCP.exec(url) ?? [];
    return address === undefined || at === undefined
      ? []
      : [address, at, port, port === 0 ? 0 : port + PORTS_EACH - 1];
  });
  if (connections.length > 0) return perlCommand(readScript("guest/connect.pl"), [seconds, ...connections]);
  const each = asked.map(
    ({ url, port, ofLab = false }, i) =>
      `${curlOptions(seconds)}${ofLab ? ` --cacert ${AUTHORITY}` : anyCertificate(url)} -o "$pages/${i}" -w '${FORMAT}'` +
      `${port === undefined ? "" : ` --local-port ${port}-${port + PORTS_EACH - 1}`} '${url}'`,
  );
  // One curl for all, since a process costs a guest without KVM more than a request.
  return `curl --create-dirs ${sideBySide()} ${each.join(" --next ")}`;
}

/**
 * Bash that makes the requests side by side, runs `also`, and prints what `parseAnswers` reads.
 * @param seconds for one request, from when it begins
 */
export function askScript(asked: readonly Asked[], seconds: number, also = ""): string {
  // Bodies come last, each with a NUL before it: they may look like anything.
  return `
pages=\${TMPDIR:-/run}/lvs-dr-pages.$BASHPID
${askCommand(asked, seconds)}
echo '== rest'
${also}
for ((i = 0; i < ${asked.length}; i++)); do
  page=
  { IFS= read -rd '' -n ${PAGE_LENGTH} page <"$pages/$i"; } 2>/dev/null
  printf '\\0%s' "$page"
done
rm -rf "$pages"
`;
}

/** Reads what askScript printed, in the order of what was asked; `rest` is what `also` printed. */
export function parseAnswers(text: string, count: number): { answers: Answer[]; rest: string } {
  const [head = "", ...bodies] = text.split("\0");
  const [lines = "", rest = ""] = head.split("== rest\n");
  const answers = new Map<number, Answer>();
  for (const line of lines.split("\n")) {
    const [urlnum, exit, status, server = "", time, error = ""] = line.split("\t");
    if (time === undefined) continue;
    const index = Number(urlnum);
    const connected = status === CONNECTED;
    answers.set(index, {
      ok: exit === "0" && (connected || status === "200"),
      status: connected ? 0 : Number(status),
      server,
      detail:
        exit === "0"
          ? `${connected ? CONNECTED : `status ${status}`} in ${Number(time).toFixed(2)} s`
          : error || `curl ended with ${exit}`,
      seconds: Number(time),
      body: bodies[index] ?? "",
    });
  }
  return { answers: Array.from({ length: count }, (_, i) => answers.get(i) ?? NOT_ASKED), rest };
}

/** How many of the requests that a node makes are answered. @param seconds for one of them */
export async function answered(
  shell: Shell,
  node: string,
  asked: readonly Asked[],
  seconds: number,
): Promise<number> {
  const stdin = askScript(asked, seconds);
  const { stdout } = await shell.run(node, "bash -s", { stdin, timeout: 20 + seconds });
  return parseAnswers(stdout, asked.length).answers.filter(({ ok }) => ok).length;
}
