/** What `/usr/local/sbin/lvs-dr status` prints in a guest: `key=value` lines, `problem=` lines, `== section` blocks. */

export interface GuestStatus {
  readonly values: Readonly<Record<string, string>>;
  /** What is not as meant, in words; empty when all is. */
  readonly problems: readonly string[];
  /** Longer texts by name, e.g. `ipvsadm-save`. */
  readonly sections: Readonly<Record<string, string>>;
}

export function parseGuestStatus(text: string): GuestStatus {
  const values: Record<string, string> = {};
  const problems: string[] = [];
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
    if (key === "problem") problems.push(value ?? "");
    else if (key !== undefined) values[key] = value ?? "";
  }
  return { values, problems, sections };
}
