import { isProblemCode, type Problem } from "../lab/problem";

/** What `/usr/local/sbin/lvs-dr status` prints in a guest: `key=value` lines, `problem=` lines, `== section` blocks. */

export interface GuestStatus {
  readonly values: Readonly<Record<string, string>>;
  /** What is not as expected; empty when all is. */
  readonly problems: readonly Problem[];
  /** Longer texts by name, e.g. `ipvsadm-save`. */
  readonly sections: Readonly<Record<string, string>>;
}

/** @param node the guest's name */
export function parseGuestStatus(node: string, text: string): GuestStatus {
  const values: Record<string, string> = {};
  const problems: Problem[] = [];
  const sections: Record<string, string> = {};
  let section: string | undefined;
  for (const line of text.split("\n")) {
    const header = /^== (\S+)$/.exec(line);
    if (header) {
      section = header[1] === "end" ? undefined : header[1];
      if (section !== undefined) sections[section] = "";
      continue;
    }
    if (section !== undefined) {
      sections[section] += `${line}\n`;
      continue;
    }
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (key === "problem") problems.push(parseProblem(node, value ?? ""));
    else if (key !== undefined) values[key] = value ?? "";
  }
  return { values, problems, sections };
}

/** Of four fields separated by tabs, CODE SUBJECT OBJECT TEXT; a script older than that says it in words alone. */
function parseProblem(node: string, line: string): Problem {
  const [code = "", subject = "", detail = "", text] = line.split("\t");
  if (text === undefined || !isProblemCode(code))
    return { subject: node, code: "unspecified", detail: line, text: `${node}: ${text ?? line}` };
  return { subject: subject || node, code, detail, text: subject === "" ? `${node}: ${text}` : text };
}
