/** What a guest is sent: one script with its settings, installed and run. */

export type Settings = Readonly<Record<string, string>>;

/** Wraps a string for a POSIX shell so that it stays one word, whatever it holds. */
export function shellQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** One script: the settings as read-only variables, then the files in their order. */
export function renderPayload(settings: Settings, files: readonly string[]): string {
  const prelude = Object.entries(settings).map(([name, value]) => `readonly ${name}=${shellQuote(value)}`);
  return [
    "#!/usr/bin/env bash",
    "# Written by the lab; its next change overwrites this file.",
    ...prelude,
    ...files,
  ].join("\n");
}

/** Where a guest keeps its payload, to run it again at every boot. */
export const PAYLOAD = "/usr/local/sbin/lvs-dr";
/** Longest run of a script, seconds; session.Run of the provider cannot be cancelled. */
export const RUN_LIMIT = 300;

/**
 * Installs the payload on its stdin and runs it. On stdin, because a failure prints the command string. The old payload
 * stays until the new one is whole. Root's alone: a check's password is in the director's.
 */
export const INSTALL_AND_START = [
  "umask 022",
  `p=${PAYLOAD}`,
  '(umask 077 && cat > "$p.new") && bash -n "$p.new" && chmod 0700 "$p.new" && mv -f "$p.new" "$p"',
  `timeout -k 10 ${RUN_LIMIT} "$p" start`,
].join(" && ");
